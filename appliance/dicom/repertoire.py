"""Text in a character set that somebody asked for, when that can carry it (PS3.5 6.1.2, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from pydicom.charset import decode_bytes, encode_string
from pydicom.valuerep import TEXT_VR_DELIMS

from appliance.dicom import values
from appliance.dicom.kinds import Unsure

UNICODE = "ISO_IR 192"
_TEXT = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs whose repertoire (0008,0005) chooses; all others are ASCII."""
_DELIMITERS = {"PN": re.compile(r"([\\^=])"), "LT": re.compile(r"([\r\n\t\f])")}
_BACKSLASH = re.compile(r"([\\\r\n\t\f])")
"""Behind each of these the initial set is in force again, so no character may reach across (PS3.5 6.1.2.5.3)."""


@dataclass(frozen=True)
class Repertoire:
    """A value of Specific Character Set and what can be written with it."""

    name: str
    """As in (0008,0005); empty is ASCII."""
    encodings: tuple[str, ...]
    """Python's names."""

    def encode(self, text: str, vr: str = "LO") -> bytes | None:
        """`text` in these character sets; None when they cannot carry it."""
        if text.isascii():
            return text.encode("ascii")
        if self.name == UNICODE:
            return text.encode("utf-8", "replace")
        if vr not in _TEXT or not self.name:
            return None
        parts = _DELIMITERS.get(vr, _BACKSLASH).split(text)
        return _carried("".join(parts), self.encodings, tuple(parts))

    def decode(self, raw: bytes) -> str:
        """The text in `raw`, with the benefit of the doubt: who names no set may still write UTF-8, or Latin-1."""
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        if not self.name:
            try:
                return raw.decode("utf-8")
            except UnicodeDecodeError:
                return raw.decode("latin-1")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(decode_bytes(raw, self.encodings, TEXT_VR_DELIMS))


@lru_cache(4096)
def _carried(text: str, encodings: tuple[str, ...], parts: tuple[str, ...]) -> bytes | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            encoded = b"".join(encode_string(part, list(encodings)) for part in parts)
            there = str(decode_bytes(encoded, encodings, TEXT_VR_DELIMS))
        except (UnicodeError, LookupError):
            return None
    # pydicom writes a question mark for what it cannot write.
    return encoded if there == text else None


@lru_cache(64)
def repertoire(raw: bytes) -> Repertoire:
    """What the value of (0008,0005) names; one that DICOM does not have is taken for none."""
    name = raw.decode("ascii", "replace").strip(" \0")
    try:
        found = values.charset(raw)
    except Unsure:
        return Repertoire("", ("iso8859",))
    return Repertoire("" if name in ("", "ISO_IR 6") else name, found.encodings)


ANY = Repertoire(UNICODE, ("utf8",))
"""What carries everything."""
