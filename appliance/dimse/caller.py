"""Who calls, by AE titles as real devices send them: padded with NUL, empty, or with odd characters.

PS3.8 9.3.2 wants 16 characters padded with spaces, and pynetdicom (3.0.4, `pdu.A_ASSOCIATE_RQ`) aborts on
anything else before any hook of its own is asked. So the request is made proper before it is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynetdicom import dul
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE

from appliance.access.rights import Call

_CALLED = slice(10, 26)
_CALLING = slice(26, 42)
"""Where the titles are in an A-ASSOCIATE-RQ (PS3.8 table 9-11)."""
_NAMELESS = "-"
"""pynetdicom takes no empty title."""


@dataclass(frozen=True)
class Caller:
    """The other end of an association."""

    address: str
    title: str = ""
    """Its AE title, printable; empty when it sent none."""
    called: str = ""
    """What it calls us."""
    fault: str = ""
    """What is wrong with the title that it sent; empty when nothing is."""
    fingerprint: str = ""
    """SHA-256 of the certificate that it showed, hex; empty without one."""
    peer: str = ""
    """The name of the peer that it is; empty for strangers."""

    @property
    def call(self) -> Call:
        """What its rights are judged by."""
        return Call(self.title, self.called, self.address, self.fingerprint)

    def __str__(self) -> str:
        return f"{self.title or 'a caller without AE title'} at {self.address}"


def caller(address: str, request: A_ASSOCIATE, fingerprint: str = "") -> Caller:
    """Who sent `request`."""
    called, calling = (
        "" if title == _NAMELESS else title for title in (request.called_ae_title, request.calling_ae_title)
    )
    return Caller(address, calling, called, getattr(request, "calling_fault", ""), fingerprint)


def title(raw: bytes) -> str:
    """The AE title in a field of 16 bytes: what comes before the first NUL, without padding, printable."""
    text = raw.lstrip(b"\0 ").split(b"\0", 1)[0].decode("latin-1").strip(" ")
    return "".join(c if " " <= c <= "~" and c != "\\" else "?" for c in text)


def fault(raw: bytes) -> str:
    """What is wrong with the AE title in a field of 16 bytes; empty when nothing is."""
    if not raw.strip(b"\0 "):
        return "it is empty"
    if b"\0" in raw:
        return "it is padded with NUL instead of spaces"
    if title(raw) != raw.decode("latin-1").strip(" "):
        return "it has characters that are not allowed"
    return ""


class AssociateRequest(A_ASSOCIATE_RQ):
    """An A-ASSOCIATE-RQ whose AE titles may be anything."""

    pdu_type = 0x01
    calling_fault = ""

    def decode(self, bytestream: bytes) -> None:
        """Read it, with the titles made proper first."""
        if len(bytestream) >= _CALLING.stop:
            self.calling_fault = fault(bytestream[_CALLING])
            titles = b"".join(_proper(bytestream[place]) for place in (_CALLED, _CALLING))
            bytestream = bytestream[: _CALLED.start] + titles + bytestream[_CALLING.stop :]
        super().decode(bytestream)
        # What is wrong with its items is found here, where pynetdicom aborts; later its thread would fail.
        self._primitive = super().to_primitive()
        self._primitive.calling_fault = self.calling_fault  # type: ignore[attr-defined]

    def to_primitive(self) -> A_ASSOCIATE:
        """As pynetdicom's, with what was wrong."""
        return self._primitive


def _proper(raw: bytes) -> bytes:
    return (title(raw) or _NAMELESS).encode("ascii").ljust(16)


def accept_any_title() -> None:
    """Let pynetdicom read requests as ours; doing it twice changes nothing."""
    dul._PDU_TYPES[b"\x01"] = (AssociateRequest, "Evt6")
