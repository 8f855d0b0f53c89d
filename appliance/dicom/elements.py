"""The lean reader: a data set's elements, straight from its bytes, without decoding what the index doesn't need.

It takes only what it is certain of. At anything odd it raises `Unsure`, and `tolerant` reads the file instead.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field

from appliance.dicom import kinds, values
from appliance.dicom.charset import NOTHING, Given
from appliance.dicom.content import HERE, LAST, LAST_UID, PIXELS, UIDS, Content
from appliance.dicom.json import MAX_DEPTH
from appliance.dicom.kinds import KINDS, UNDEFINED, Kind, Role, Unsure
from appliance.dicom.uid import is_valid
from appliance.dicom.values import Charset
from appliance.errors import UnreadableInstanceError

MAX_ELEMENTS = 1 << 20
"""More than an RT plan or a film of thousands of frames has, and few enough for the memory of a small box."""
MOST_INLINE = 16 << 20
"""Bytes of JSON, after which values that are not tiny stay in the file: a number of four bytes may take twenty."""
MOST_METADATA = 64 << 20
_TINY = 64
"""Bytes of a value that a URI for it would be no shorter than."""
_URI = 512
"""Bytes that a BulkDataURI takes, about."""
_IMPLICIT_LITTLE = "1.2.840.10008.1.2"
_EXPLICIT_BIG = "1.2.840.10008.1.2.2"
(
    _PLAIN,
    _SEQUENCE,
    _GROUP_LENGTH,
    _CHARACTER_SET,
    _PIXEL_REPRESENTATION,
    _CREATOR,
    _UNTOLD,
    _AMBIGUOUS,
    _ODD,
) = Role  # looking a member up costs more than reading an element does
_BEFORE_DELIMITERS = 0xFFFDFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_SHORT = 256
"""Bytes of a value that is worth remembering with its member."""
_MAX_CHARSET = 1024
_MAX_CREATOR = 256
"""Bytes; no private creator that is known has a longer name."""
_LONG = 0xFFFF
"""A value of so many bytes may be UN though the dictionary knows its tag (PS3.5 6.2.2)."""
_DESCRIPTOR = 6
"""Bytes of a LUT Descriptor."""

Data = bytes | mmap.mmap


@dataclass(slots=True)
class _Scope:
    """A data set while it is read: the instance's, or an item's."""

    implicit: bool
    charset: Charset
    path: bytes = b""
    depth: int = 0
    heir_of: _Scope | None = None
    """Whose Pixel Representation holds here too. pydicom hands it down in sequences of defined length only."""
    members: dict[int, bytes] = field(default_factory=dict)
    creators: dict[int, str] = field(default_factory=dict)
    """Who has reserved a block of private elements, by the tag that says so (PS3.5 7.8.1)."""
    pixel_representation: int | None = None
    assumed: bool = False
    """Whether something was read as if there were no Pixel Representation."""
    entries: int | None = None
    """One, or more, of the LUT that follows."""


def read(data: Data, start: int, syntax: str, whole: bool = True, given: Given = NOTHING) -> Content:
    """The content of the data set in `data` from `start`, up to its pixel data.

    Unless `whole`, `data` ends before the file does; `given` is known of its character set. Raises `Unsure`;
    `UnreadableInstanceError` where nobody shall read on.
    """
    reader = _Reader(data, start, syntax, insists=given.overrides)
    scope = _Scope(reader.implicit, values.charset(given.value.encode("ascii")))
    try:
        pixel_vr = reader.top(scope, start)
    except struct.error as fault:
        raise Unsure("the data ends within an element") from fault
    if pixel_vr is None and not whole:
        raise Unsure("there is more in the file")
    return Content(reader.texts, scope.members, pixel_vr or "", values.is_ascii(scope.charset.encodings))


def read_uids(data: Data, start: int, syntax: str, whole: bool = True) -> dict[int, str]:
    """By tag: SOP class, SOP instance, study and series UID, as far as the data set has them."""
    reader = _Reader(data, start, syntax)
    try:
        complete = reader.uids(_Scope(reader.implicit, values.charset(b"")), start)
    except struct.error as fault:
        raise Unsure("the data ends within an element") from fault
    if not (complete or whole):
        raise Unsure("there is more in the file")
    return reader.texts


def _too_much() -> UnreadableInstanceError:
    return UnreadableInstanceError(f"its metadata are more than {MOST_METADATA >> 20} MB")


def _too_many() -> UnreadableInstanceError:
    return UnreadableInstanceError(f"it has more than {MAX_ELEMENTS} elements")


class _Reader:
    """One data set's bytes. It raises `Unsure`, or `struct.error` where they end, at whatever is odd."""

    def __init__(self, data: Data, start: int, syntax: str, *, insists: bool = False) -> None:
        """`insists` on the character set that it begins with."""
        if not is_valid(syntax):
            raise Unsure("a transfer syntax that is none")
        self._data = data
        self._end = len(data)
        self._order = ">" if syntax == _EXPLICIT_BIG else "<"
        self._short = struct.Struct(f"{self._order}H").unpack_from
        self._long = struct.Struct(f"{self._order}I").unpack_from
        self._tag = struct.Struct(f"{self._order}HH").unpack_from
        self._left = MAX_ELEMENTS
        self._room = MOST_INLINE
        self._insists = insists
        self.texts: dict[int, str] = {}
        self.implicit = syntax == _IMPLICIT_LITTLE
        if start < self._end and self._looks_implicit(start) != self.implicit:
            raise Unsure("another transfer syntax than announced")

    def top(self, scope: _Scope, start: int) -> str | None:
        """Read the data set itself; the VR of its pixel data, empty if something else ends it, else None."""
        position = self._elements(scope, start, self._end, LAST)
        if position == self._end:
            return None
        kind, _, _ = self._element(scope, position)
        if kind.tag not in PIXELS:
            return ""
        if kind.role is _ODD:
            raise Unsure("pixel data of no VR")
        return kind.told or PIXELS[kind.tag]

    def uids(self, scope: _Scope, position: int) -> bool:
        """Read the UIDs alone; whether an element behind them was reached."""
        while position < self._end:
            kind, start, length = self._element(scope, position)
            tag, position = kind.tag, start + length
            if tag > LAST_UID:
                return True
            if kind.role is _ODD or (tag in UIDS and kind.vr != "UI"):
                raise Unsure("an element that is not what it should be")
            if length == UNDEFINED:
                position = self._sequence(self._settled(kind, scope, start, length), scope, start, length, self._end)
            elif position > self._end:
                raise Unsure("a value that ends beyond the file")
            elif tag in UIDS:
                value = self._data[start:position]
                self.texts[tag] = values.member(kind, value, scope.charset)[1] or "" if value else ""
        return False

    def _element(self, scope: _Scope, position: int) -> tuple[Kind, int, int]:
        """An element's kind, the position of its value, and its length."""
        known = KINDS[self._order, scope.implicit]
        kind = known[self._data[position : position + known.width]]
        start = position + kind.header
        (length,) = self._short(self._data, start - 2) if kind.short else self._long(self._data, start - 4)
        return kind, start, length

    def _elements(self, scope: _Scope, position: int, end: int, last: int) -> int:
        """Read elements until `end`, or one whose tag comes after `last`; the position of what follows.

        All the time goes here: what is done for every element is done in this loop, without a call.
        """
        data, short, long = self._data, self._short, self._long
        known = KINDS[self._order, scope.implicit]
        width, members, charset = known.width, scope.members, scope.charset
        before, room = -1, self._room
        for _ in range(MAX_ELEMENTS):
            if position >= end:
                self._room = room
                return position
            kind = known[data[position : position + width]]
            start = position + kind.header
            (length,) = short(data, start - 2) if kind.short else long(data, start - 4)
            tag = kind.tag
            if tag > last:
                self._room = room
                return position
            if tag <= before:
                raise Unsure("tags out of order")
            before = tag
            position = start + length
            if kind.role:
                kind = self._settled(kind, scope, start, length)
                charset = scope.charset
                if kind.role is _SEQUENCE:
                    self._room = room
                    position = self._sequence(kind, scope, start, length, end)
                    room = self._room
                    continue
            if position > end:
                raise Unsure("a value that ends beyond what holds it")
            if length > kind.limit:
                members[tag] = self._bulk(kind, scope, length)
            elif not length:
                members[tag] = kind.empty
            elif room < 0 and self._stays(kind, scope, length, room):
                members[tag] = self._uri(kind, scope)
                room -= _URI
            else:
                member = values.member_again if length <= _SHORT else values.member
                members[tag], text = member(kind, data[start:position], charset)
                room -= len(members[tag])
                if text and not scope.depth:
                    self.texts[tag] = text
            if kind.role is _GROUP_LENGTH:
                del members[tag]
        raise _too_many()

    def _bulk(self, kind: Kind, scope: _Scope, length: int) -> bytes:
        if length == UNDEFINED or kind.indexed:
            raise Unsure("a value of odd length")
        return self._uri(kind, scope)

    def _stays(self, kind: Kind, scope: _Scope, length: int, room: int) -> bool:
        """Whether a value is left in the file, since there was too much before it."""
        if room < MOST_INLINE - MOST_METADATA:
            raise _too_much()
        return length > _TINY and (scope.depth > 0 or not kind.indexed)

    def _uri(self, kind: Kind, scope: _Scope) -> bytes:
        return b'%b"BulkDataURI":"%b%b%08X",%b' % (kind.key, HERE, scope.path, kind.tag, kind.tail)

    def _sequence(self, kind: Kind, scope: _Scope, position: int, length: int, end: int) -> int:
        """Read a sequence into its member of `scope`; the position behind it."""
        if kind.role is not _SEQUENCE:
            raise Unsure("a delimited value that is no sequence")
        if scope.depth == MAX_DEPTH:
            raise UnreadableInstanceError(f"its sequences are nested more than {MAX_DEPTH} deep")
        delimited = length == UNDEFINED
        if not delimited and position + length > end:
            raise Unsure("a sequence that ends beyond what holds it")
        end = end if delimited else position + length
        items: list[bytes] = []
        while delimited or position < end:
            tag, size, position = self._delimiter(position, end)
            if delimited and tag == _SEQUENCE_END and size == 0:
                break
            if tag != _ITEM:
                raise Unsure("a sequence of something else than items")
            item = _Scope(
                implicit=scope.implicit or self._looks_implicit(position),
                charset=scope.charset,
                path=b"%b%08X/%d/" % (scope.path, kind.tag, len(items)),
                depth=scope.depth + 1,
                heir_of=None if delimited else scope,
            )
            position = self._item(item, position, size, end)
            items.append(b"{%b}" % b",".join(item.members.values()))
            self._left -= 1 + len(item.members)
            if self._left < 0:
                raise _too_many()
        scope.members[kind.tag] = (
            b'%b"Value":[%b],%b' % (kind.key, b",".join(items), kind.tail) if items else kind.empty
        )
        return position

    def _item(self, item: _Scope, position: int, size: int, end: int) -> int:
        """Read a sequence's item; the position behind it."""
        stop = end if size == UNDEFINED else position + size
        if stop > end:
            raise Unsure("an item that ends beyond its sequence")
        position = self._elements(item, position, stop, _BEFORE_DELIMITERS)
        if size == UNDEFINED:
            tag, rest, position = self._delimiter(position, end)
            if tag != _ITEM_END or rest:
                raise Unsure("an item without its end")
        elif position != stop:
            raise Unsure("a delimiter that nothing asks for")
        if item.assumed and kinds.PIXEL_DATA in item.members:
            raise Unsure("pixels without Pixel Representation")
        return position

    def _delimiter(self, position: int, end: int) -> tuple[tuple[int, int], int, int]:
        """The tag and length of an item or delimiter, and the position behind it."""
        if position + 8 > end:
            raise Unsure("a sequence without its end")
        tag: tuple[int, int] = self._tag(self._data, position)
        return tag, self._long(self._data, position + 4)[0], position + 8

    def _looks_implicit(self, position: int) -> bool:
        """Whether there is no VR where it would be, as some write sequences in Explicit VR (PS3.5 6.2.2)."""
        vr = self._data[position + 4 : position + 6]
        return not (vr.isalpha() and vr.isupper())

    def _settled(self, kind: Kind, scope: _Scope, start: int, length: int) -> Kind:
        """`kind` with the VR that its surroundings settle; they learn from it what they need."""
        role = kind.role
        if role is _UNTOLD:
            told = self._told(kind, scope, start, length)
            return self._settled(told, scope, start, length) if told.role else told
        if role is _AMBIGUOUS:
            return self._unambiguous(kind, scope, start, length)
        if role is _ODD:
            raise Unsure("an element that is not what it should be")
        if role is _CREATOR:
            name = self._data[start : start + min(length, _MAX_CREATOR)]
            scope.creators[kind.tag] = scope.charset.decode(name).rstrip("\0 ")
        elif role is _CHARACTER_SET:
            if kind.vr != "CS" or scope.members or length > _MAX_CHARSET:
                raise Unsure("a character set that is none, or comes late")
            # Empty, it says no more than if it were not there.
            if not self._insists and (length or scope.depth):
                scope.charset = values.charset(self._data[start : start + length])
        elif role is _PIXEL_REPRESENTATION:
            if kind.vr != "US" or length != 2 or scope.assumed:
                raise Unsure("a Pixel Representation that is none, or comes late")
            (scope.pixel_representation,) = self._short(self._data, start)
        elif role is _GROUP_LENGTH and (length != 4 or kind.told not in (None, "UL")):
            raise Unsure("a group length that is none")
        return kind

    def _told(self, kind: Kind, scope: _Scope, start: int, length: int) -> Kind:
        if length == UNDEFINED:
            if kind.told is None and self._tag(self._data, start) != _ITEM:
                raise Unsure("a delimited value of unknown kind")
            return kinds.as_vr(kind, "SQ")
        if kind.creator:
            return kinds.untold(kind, scope.creators.get(kind.creator))
        return kinds.untold(kind, None) if kind.told is None or length < _LONG else kinds.as_vr(kind, "UN")

    def _unambiguous(self, kind: Kind, scope: _Scope, start: int, length: int) -> Kind:
        if kind.vr == "US or SS":
            if kind.tag == kinds.LUT_DESCRIPTOR and length == _DESCRIPTOR:
                scope.entries = min(self._short(self._data, start)[0], 2)
            return kinds.settled(kind, self._pixel_representation(scope), None)
        return kinds.settled(kind, 0, scope.entries)

    def _pixel_representation(self, scope: _Scope) -> int:
        """0 where numbers are unsigned (PS3.3 C.7.6.3.1.1), as they are where nothing says otherwise."""
        asked: _Scope | None = scope
        while asked is not None:
            if asked.pixel_representation is not None:
                return min(asked.pixel_representation, 1)
            asked.assumed = True
            asked = asked.heir_of
        return 0
