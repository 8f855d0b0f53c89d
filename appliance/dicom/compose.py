"""An instance made of its DICOM JSON and of the bulk data beside it, as a Part 10 file (PS3.18 Annex F, 8.7.3.3).

It is in Explicit VR Little Endian, or in the transfer syntax that its pixel data came in. Nothing is held of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import orjson
from pydicom.datadict import keyword_for_tag

from appliance.dicom import part10
from appliance.dicom.compressed import NotTakenError, syntax_of
from appliance.dicom.encapsulate import ITEM, ITEM_END, SEQUENCE_END, Piece, delimiter, encapsulated
from appliance.dicom.inline import LONG, NotOfItsVrError, padded, value, vr_of
from appliance.dicom.json import Json
from appliance.dicom.model import Origin
from appliance.dicom.video import is_video
from appliance.errors import PacsboxError

_EXPLICIT = "1.2.840.10008.1.2.1"
_CHARACTER_SET, _AVAILABLE_SYNTAX = "00080005", "00083002"
_SOP_CLASS, _SOP_INSTANCE, _FRAMES = "00080016", "00080018", "00280008"
_PIXEL_DATA = "7FE00010"
_NOT_STORED = frozenset((_AVAILABLE_SYNTAX, "7FE00001", "7FE00002"))
"""It tells of the archive; and tables of frames, whose places are other ones here."""
_FIRST_GROUP = "0008"
_UNDEFINED = 0xFFFFFFFF
_MOST = 0xFFFFFFFE
_MOST_SHORT = 0xFFFE
_DEEPEST = 64
_PIECE = 1 << 18
_DESCRIBES_PIXELS = ("00280002", "00280004", "00280010", "00280011", "00280100", "00280101", "00280102", "00280103")
"""Without these pixel data mean nothing (PS3.3 C.7.6.3, type 1)."""


class Fault(StrEnum):
    """What is wrong with an instance."""

    MEANINGLESS = "meaningless"
    """It can't be understood, or refers to what did not come."""
    INCOMPLETE = "incomplete"
    """Attributes are missing, or they contradict the pixel data."""
    SYNTAX = "syntax"
    """Its pixel data are in a form that no transfer syntax here has."""


class NotComposedError(PacsboxError):
    """There is no making an instance of this; the message says why without a word of patients."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


Bulk = Callable[[str], Sequence[Piece]]
"""What came for a BulkDataURI, frames in their order; nothing when nothing did."""


def uids(model: Json) -> tuple[str, str]:
    """SOP Class and SOP Instance UID; empty where absent."""
    return _said(model, _SOP_CLASS), _said(model, _SOP_INSTANCE)


def composed(model: Json, bulk: Bulk) -> Iterator[bytes]:
    """The Part 10 file of `model`, a piece after the other. Raises `NotComposedError`, perhaps midway."""
    model = {tag.upper(): member for tag, member in model.items()}
    pixels = _pixels(model, bulk)
    syntax = _syntax(model, pixels)
    kept = {tag: member for tag, member in model.items() if tag >= _FIRST_GROUP and tag not in _NOT_STORED}
    if _CHARACTER_SET in model or not _is_ascii(model):
        kept[_CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}  # JSON is UTF-8 whatever it said (F.1.2)
    if syntax == _EXPLICIT:
        elements = _elements(kept, bulk)
    else:
        before = {tag: member for tag, member in kept.items() if tag < _PIXEL_DATA}
        behind = {tag: member for tag, member in kept.items() if tag > _PIXEL_DATA}
        elements = _joined(
            _elements(before, bulk),
            [_head(_key(_PIXEL_DATA), "OB", _UNDEFINED)],
            encapsulated(pixels, film=is_video(syntax)),
            _elements(behind, bulk),
        )
    yield from _gathered(_joined([part10.encode(*uids(model), syntax, Origin(via=""))], elements))


def _is_ascii(model: Json) -> bool:
    try:
        return orjson.dumps(model).isascii()
    except orjson.JSONEncodeError:
        raise _too_deep() from None


def _too_deep() -> NotComposedError:
    return NotComposedError(Fault.MEANINGLESS, f"its sequences are nested more than {_DEEPEST} deep")


def _pixels(model: Json, bulk: Bulk) -> Sequence[Piece]:
    """What came as pixel data; nothing when there are none, or they are in the metadata."""
    member = model.get(_PIXEL_DATA)
    if not isinstance(member, dict) or not {"BulkDataURI", "InlineBinary"} & member.keys():
        return ()
    missing = [tag for tag in _DESCRIBES_PIXELS if not _holds(model, tag)]
    if missing:
        names = ", ".join(keyword_for_tag(int(tag, 16)) for tag in missing)
        raise NotComposedError(Fault.INCOMPLETE, f"it has pixel data without {names}")
    return _came(_PIXEL_DATA, member, bulk) if "BulkDataURI" in member else ()


def _syntax(model: Json, pixels: Sequence[Piece]) -> str:
    """The transfer syntax that the instance will be in."""
    kinds = {(piece.media_type, piece.syntax) for piece in pixels}
    if not kinds:
        return _EXPLICIT
    if len(kinds) > 1:
        raise NotComposedError(Fault.MEANINGLESS, "its frames are of different kinds")
    told = _said(model, _AVAILABLE_SYNTAX) or _said(model, "00020010")
    try:
        syntax = syntax_of(*kinds.pop(), told, lambda: next(pixels[0].read(), b""))
    except NotTakenError as fault:
        raise NotComposedError(Fault.SYNTAX, str(fault)) from fault
    if syntax != _EXPLICIT:
        _check_frames(_said(model, _FRAMES) or "1", pixels, syntax)
    return syntax


def _check_frames(told: str, pixels: Sequence[Piece], syntax: str) -> None:
    count = 1 if is_video(syntax) else int(told) if told.isascii() and told.isdigit() else 0
    if count != len(pixels):
        raise NotComposedError(Fault.INCOMPLETE, f"its Number of Frames and the {len(pixels)} that came don't agree")
    if any(not 0 < piece.size <= _MOST for piece in pixels) and not is_video(syntax):
        raise NotComposedError(Fault.MEANINGLESS, "a frame is empty, or longer than DICOM can hold")


def _elements(model: Json, bulk: Bulk, depth: int = 0) -> Iterator[bytes]:
    """The elements of a data set or an item, in the order of their tags."""
    if depth > _DEEPEST:
        raise _too_deep()
    for tag in sorted(model):
        if tag.endswith("0000"):
            continue  # a group's length, which nobody needs
        try:
            key, vr = _key(tag), vr_of(tag, model[tag])
            if vr == "SQ":
                yield from _sequence(key, model[tag].get("Value") or (), bulk, depth)
            elif "BulkDataURI" in model[tag]:
                yield from _bulk(key, vr, _came(tag, model[tag], bulk))
            else:
                data = value(vr, model[tag])
                yield _head(key, vr, len(data)) + data
        except NotOfItsVrError as fault:
            raise NotComposedError(Fault.MEANINGLESS, f"({tag[:4]},{tag[4:]}) {fault}") from fault


def _sequence(key: tuple[int, int], items: Any, bulk: Bulk, depth: int) -> Iterator[bytes]:
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, dict) or item is None for item in items):
        raise NotOfItsVrError("is a sequence of something else than items")
    yield _head(key, "SQ", _UNDEFINED)
    for item in items:
        yield delimiter(ITEM, _UNDEFINED)
        yield from _elements({tag.upper(): member for tag, member in (item or {}).items()}, bulk, depth + 1)
        yield delimiter(ITEM_END, 0)
    yield delimiter(SEQUENCE_END, 0)


def _bulk(key: tuple[int, int], vr: str, pieces: Sequence[Piece]) -> Iterator[bytes]:
    size = sum(piece.size for piece in pieces)
    if size > _MOST:
        raise NotOfItsVrError("is longer than DICOM can hold")
    yield _head(key, vr, size + size % 2)
    for piece in pieces:
        yield from piece.read()
    yield padded(vr, b"", size)


def _came(tag: str, member: Json, bulk: Bulk) -> Sequence[Piece]:
    uri = member["BulkDataURI"]
    pieces = bulk(uri) if isinstance(uri, str) else ()
    if not pieces:
        where = f"({tag[:4]},{tag[4:]})"
        raise NotComposedError(Fault.MEANINGLESS, f"no part has the Content-Location that {where} names as BulkDataURI")
    if len(pieces) > 1 and tag != _PIXEL_DATA:
        raise NotComposedError(Fault.MEANINGLESS, f"several parts have the Content-Location of ({tag[:4]},{tag[4:]})")
    return pieces


def _key(tag: str) -> tuple[int, int]:
    try:
        if len(tag) != 8:
            raise ValueError
        return int(tag[:4], 16), int(tag[4:], 16)
    except ValueError:
        raise NotComposedError(Fault.MEANINGLESS, "it has a member that is no tag of eight digits") from None


def _head(key: tuple[int, int], vr: str, length: int) -> bytes:
    """Tag, VR and length; what is too long for its own VR is UN (PS3.5 6.2.2)."""
    if vr in LONG:
        return struct.pack("<HH2sHI", *key, vr.encode(), 0, length)
    if length > _MOST_SHORT:
        return struct.pack("<HH2sHI", *key, b"UN", 0, length)
    return struct.pack("<HH2sH", *key, vr.encode(), length)


def _holds(model: Json, tag: str) -> bool:
    member = model.get(tag)
    return isinstance(member, dict) and bool(member.get("Value"))


def _said(model: Json, tag: str) -> str:
    """The first value of an attribute as text; empty when there is none."""
    member = model.get(tag)
    values = member.get("Value") if isinstance(member, dict) else None
    first = values[0] if isinstance(values, list) and values else ""
    return str(first).strip(" \0") if isinstance(first, (str, int)) else ""


def _joined(*pieces: Iterable[bytes]) -> Iterator[bytes]:
    for each in pieces:
        yield from each


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of some size: an element by itself is a few bytes."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)
