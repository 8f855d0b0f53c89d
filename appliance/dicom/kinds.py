"""What an element is, told by its tag and VR as the file has them: once for every file that has the same."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.tag import BaseTag

from appliance.dicom import json
from appliance.dicom.attributes import BY_TAG

SPECIFIC_CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTOR = 0x00283002
PIXEL_DATA = 0x7FE00010
UNDEFINED = 0xFFFFFFFF
"""The length of what a delimiter ends (PS3.5 7.1.1)."""

_LONG_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_INDEXED_VRS = frozenset("AE AS CS DA DT IS LO LT PN SH ST TM UC UI UR US UT".split())
_SHORT_VRS = frozenset("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_VRS = _LONG_VRS | _SHORT_VRS
_AMBIGUOUS = frozenset(("OB or OW", "US or OW", "US or SS", "US or SS or OW"))
_LUT_DESCRIPTORS = frozenset((0x00281101, 0x00281102, 0x00281103, LUT_DESCRIPTOR))
_SIGNED = frozenset(("FD", "FL", "SL", "SS", "SV"))
_FIRST_GROUP = 8
"""What comes before is of commands, file headers and directories."""
_MANY = 1 << 13
"""Kinds that are remembered: more than the dictionary has, and no peer can make it more."""


class Unsure(Exception):  # noqa: N818 (it is no fault of the file's, only not for the lean reader)
    """Something that the lean reader leaves to pydicom's judgement."""


class Role(IntEnum):
    """What reading an element asks for beside its value."""

    PLAIN = 0
    SEQUENCE = 1
    GROUP_LENGTH = 2
    CHARACTER_SET = 3
    PIXEL_REPRESENTATION = 4
    CREATOR = 5
    """It reserves a private block (PS3.5 7.8.1)."""
    UNTOLD = 6
    """VR UN, or none and not in the dictionary: its block's creator or its length may tell."""
    AMBIGUOUS = 7
    """Other elements choose among the VRs of the dictionary."""
    ODD = 8


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """An element but for its value. Each is made once, so that it is compared and hashed by identity."""

    tag: int
    vr: str
    told: str | None
    """The VR in the file; none in Implicit VR."""
    order: str
    """Byte order for struct."""
    role: Role
    header: int
    """Bytes before the value; the length is the last two or four of them."""
    short: bool
    """Whether the length has two bytes."""
    limit: int
    """A value of more bytes becomes a BulkDataURI."""
    indexed: str
    """The VR as which the index keeps its text; empty where it does not."""
    creator: int
    """The tag of who reserves the block that it is in (PS3.5 7.8.1); 0 unless it is private."""
    key: bytes
    """The beginning of its member of a JSON object."""
    tail: bytes

    @property
    def empty(self) -> bytes:
        """Its member without a value (PS3.18 F.2.5)."""
        return self.key + self.tail


class Kinds(dict[bytes, Kind]):
    """Kinds by the bytes with which elements begin: the tag, and in Explicit VR the VR."""

    def __init__(self, order: str, implicit: bool) -> None:
        super().__init__()
        self.order = order
        self.implicit = implicit
        self.width = 4 if implicit else 6

    def __missing__(self, prefix: bytes) -> Kind:
        if len(prefix) < self.width:
            raise Unsure("the data ends within an element")
        if len(self) >= _MANY:
            self.clear()
        group, element = struct.unpack_from(f"{self.order}HH", prefix)
        told = None if self.implicit else prefix[4:].decode("latin-1")
        kind = self[prefix] = _first_seen(group << 16 | element, told, self.order)
        return kind


KINDS = {(order, implicit): Kinds(order, implicit) for order in "<>" for implicit in (True, False)}
"""By byte order, and whether the VR is implicit."""


def _first_seen(tag: int, told: str | None, order: str) -> Kind:
    vr = _dictionary(tag) if told is None else told
    if (vr not in _VRS and vr not in _AMBIGUOUS) or tag >> 16 < _FIRST_GROUP or _is_outside(tag):
        return kind_of(tag, "UN", told, order, Role.ODD)
    if tag & 0xFFFF == 0:
        return kind_of(tag, vr, told, order, Role.GROUP_LENGTH)
    if _is_creator(tag):
        return kind_of(tag, "LO", told, order, Role.CREATOR if told in (None, "LO", "UN") else Role.ODD)
    if vr == "UN":
        return kind_of(tag, vr, told, order, Role.UNTOLD)
    return known(tag, vr, told, order)


def known(tag: int, vr: str, told: str | None, order: str) -> Kind:
    """The kind of an element whose VR is settled, if only as far as the dictionary settles it."""
    if vr in _AMBIGUOUS:
        return kind_of(tag, vr, told, order, Role.AMBIGUOUS)
    if vr not in _VRS or (tag in BY_TAG and vr not in _INDEXED_VRS):
        return kind_of(tag, "UN", told, order, Role.ODD)
    if tag in _LUT_DESCRIPTORS and vr in _SIGNED:
        # Its first value counts entries and is never negative (PS3.3 C.11.1.1.1), whatever its VR says.
        return kind_of(tag, vr, told, order, Role.ODD)
    roles = {SPECIFIC_CHARACTER_SET: Role.CHARACTER_SET, PIXEL_REPRESENTATION: Role.PIXEL_REPRESENTATION}
    return kind_of(tag, vr, told, order, Role.SEQUENCE if vr == "SQ" else roles.get(tag, Role.PLAIN))


def kind_of(tag: int, vr: str, told: str | None, order: str, role: Role = Role.PLAIN) -> Kind:
    """A kind as given."""
    attribute = BY_TAG.get(tag)
    return Kind(
        tag=tag,
        vr=vr,
        told=told,
        order=order,
        role=role,
        header=12 if told in _LONG_VRS else 8,
        short=told is not None and told not in _LONG_VRS,
        limit=json.most_inline(tag) if vr in json.BULK_VRS else json.LUT_LIMIT,
        indexed=attribute.vr if attribute and not attribute.computed else "",
        creator=tag & 0xFFFF0000 | tag >> 8 & 0xFF if _is_private(tag) else 0,
        key=b'"%08X":{' % tag,
        tail=b'"vr":"%s"}' % vr.encode("ascii"),
    )


def _is_private(tag: int) -> bool:
    """Odd groups are private (PS3.5 7.8)."""
    return bool(tag >> 16 & 1)


def _is_creator(tag: int) -> bool:
    return _is_private(tag) and 0x10 <= tag & 0xFFFF <= 0xFF


def _is_outside(tag: int) -> bool:
    """Whether it is private and in nobody's block."""
    element = tag & 0xFFFF
    return _is_private(tag) and (0 < element < 0x10 or 0x100 <= element < 0x1000)


def _dictionary(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


@lru_cache(_MANY)
def untold(kind: Kind, creator: str | None) -> Kind:
    """`kind` with the VR of the dictionary, or of its private creator's."""
    if creator is None:
        vr = "UN" if _is_private(kind.tag) else _dictionary(kind.tag)
    else:
        try:
            vr = private_dictionary_VR(kind.tag, creator)
        except KeyError:
            vr = "UN"
    return known(kind.tag, vr, kind.told, kind.order)


@lru_cache(_MANY)
def as_vr(kind: Kind, vr: str) -> Kind:
    """`kind` with another VR."""
    return kind_of(kind.tag, vr, kind.told, kind.order, Role.SEQUENCE if vr == "SQ" else Role.PLAIN)


@lru_cache(_MANY)
def settled(kind: Kind, pixel_representation: int, entries: int | None) -> Kind:
    """`kind`, whose VR is ambiguous, as pydicom settles it for a data set with these values."""
    dataset = Dataset()
    dataset.set_original_encoding(kind.told is None, kind.order == "<")
    dataset.PixelRepresentation = pixel_representation
    if entries is not None:
        dataset.LUTDescriptor = [entries, 0, 16]
    element = DataElement(BaseTag(kind.tag), kind.vr, b"\0\0", already_converted=True)
    try:
        correct_ambiguous_vr_element(element, dataset, kind.order == "<")
    except (AttributeError, TypeError) as fault:
        raise Unsure("a VR that is ambiguous without the values that settle it") from fault
    if element.VR not in _VRS:
        raise Unsure("a VR that nothing settles")
    return as_vr(kind, str(element.VR))
