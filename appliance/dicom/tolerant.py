"""The tolerant reader: a data set as pydicom reads it, for whatever the lean reader is not certain of.

It is slower by far, and forgives what vendors have got wrong in thirty years.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

import orjson
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_partial, read_sequence
from pydicom.tag import BaseTag

from appliance.dicom import json
from appliance.dicom.attributes import BY_TAG
from appliance.dicom.charset import NOTHING, Given
from appliance.dicom.content import HERE, LAST, LAST_UID, PIXELS, UIDS, Content
from appliance.dicom.kinds import UNDEFINED
from appliance.dicom.values import is_ascii, joined, kept
from appliance.errors import UnreadableInstanceError

_CHARACTER_SET = 0x00080005
_DEFER = "16 KB"
_MOST_READS = 300_000
"""Two or three an element."""
_LONGEST = 1 << 16
"""Bytes of a value that the index may keep something of; as many as one has in Explicit VR."""
_HERE = HERE.decode("ascii")
_ESCAPED, _URI = b'"BulkDataURI":"\\u0000', b'"BulkDataURI":"' + HERE


def read(file: BinaryIO, given: Given = NOTHING) -> Content:
    """The content of the data set of a Part 10 file, up to its pixel data.

    `given` is known of its character set. Raises `UnreadableInstanceError` where pydicom cannot read it either.
    """
    counted = _Counted(file, [_MOST_READS])
    with _damage():
        dataset, pixel_vr = _dataset(counted, LAST)
        encodings = _encodings(dataset, given)
        _unfold(dataset, counted)
        stored = (attribute for attribute in BY_TAG.values() if not attribute.computed)
        texts = {int(a.tag): kept(_text(dataset, a.tag), a.vr) for a in stored}
        model = json.encode(dataset, lambda path: _HERE + path, room=json.Room())
        members = {int(tag, 16): _member(tag, element) for tag, element in model.items()}
    return Content(texts, members, pixel_vr, is_ascii(encodings))


def _encodings(dataset: FileDataset, given: Given) -> list[str]:
    """Python's names of the character sets that its text is read in."""
    if given.overrides or (given.value and not _text(dataset, _CHARACTER_SET)):
        encodings = convert_encodings(given.value.split("\\"))
        dataset.set_original_encoding(dataset.is_implicit_VR, dataset.is_little_endian, encodings)
        return encodings
    found = dataset.original_character_set
    return [found] if isinstance(found, str) else list(found)


def read_uids(file: BinaryIO) -> dict[int, str]:
    """By tag: SOP class, SOP instance, study and series UID, as far as the data set has them."""
    with _damage():
        dataset, _ = _dataset(_Counted(file, [_MOST_READS]), LAST_UID)
        return {tag: _text(dataset, tag) for tag in UIDS}


class _Counted(io.BufferedIOBase):
    """A file that is read piece by piece, and not for ever.

    pydicom takes some 60 microseconds and a kilobyte of memory for each element: a small file of nothing but
    empty items would keep the indexer busy for hours.
    """

    def __init__(self, file: BinaryIO, patience: list[int]) -> None:
        super().__init__()
        self._file = file
        self._patience = patience

    def read(self, size: int | None = -1, /) -> bytes:
        self._patience[0] -= 1
        if self._patience[0] < 0:
            raise UnreadableInstanceError("it is odd, and has more elements than can be read nevertheless")
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def part(self, start: int, length: int) -> _Counted:
        """A file of these bytes, counted together with this one."""
        self.seek(start)
        return self.of(self.read(length))

    def of(self, data: bytes) -> _Counted:
        """A file of `data`, counted together with this one."""
        return _Counted(io.BytesIO(data), self._patience)


def _unfold(dataset: Dataset, file: _Counted) -> None:
    """Read at once the sequences that pydicom would read when they are asked for, and not count."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag, keep_deferred=True)
        with suppress(*json.UNDECODABLE):  # as it will be once more where it is encoded
            if isinstance(element, RawDataElement) and element.length and json.vr_of(element, dataset) == "SQ":
                element = _sequence(element, dataset, file)
                dataset[tag] = element
        if isinstance(element, DataElement) and element.VR == "SQ":
            for item in element.value:
                _unfold(item, file)


def _sequence(raw: RawDataElement, dataset: Dataset, file: _Counted) -> DataElement:
    if raw.value is None and raw.length == UNDEFINED:
        return DataElement(raw.tag, "SQ", [])  # delimited, long, and no sequence
    part = file.of(raw.value) if raw.value is not None else file.part(raw.value_tell, raw.length)
    length = part.seek(0, io.SEEK_END)
    part.seek(0)
    charset = dataset.original_character_set
    encodings = [charset] if isinstance(charset, str) else list(charset)
    items = read_sequence(
        cast(BinaryIO, part), raw.is_implicit_VR, raw.is_little_endian, length, encodings, raw.value_tell
    )
    return DataElement(raw.tag, "SQ", items, raw.value_tell, already_converted=True)


def _dataset(file: _Counted, last: int) -> tuple[FileDataset, str]:
    """The elements up to tag `last`, and the VR of the pixel data if that comes next."""
    pixel_vr = ""

    def stop(tag: BaseTag, vr: str | None, _length: int) -> bool:
        nonlocal pixel_vr
        number = int(tag)  # BaseTag compares in Python, ten times as slowly
        if number <= last:
            return False
        pixel_vr = (vr or PIXELS[number]) if number in PIXELS else ""
        return True

    file.seek(0)
    return read_partial(cast(BinaryIO, file), stop_when=stop, defer_size=_DEFER, force=True), pixel_vr


@contextmanager
def _damage() -> Iterator[None]:
    """What pydicom raises on damaged data, found by damaging all of the test files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        EOFError,
        RuntimeError,
        MemoryError,
        AssertionError,
        AttributeError,
        ArithmeticError,
        BytesLengthException,
        struct.error,
    ) as fault:
        raise UnreadableInstanceError(f"the data set is damaged before its pixel data: {fault}") from fault


def _text(dataset: Dataset, tag: int) -> str:
    raw = dataset.get_item(tag, keep_deferred=True)
    if isinstance(raw, RawDataElement) and json.size_of(raw) > _LONGEST:
        return ""  # no name, no number; it would be taken apart at its backslashes
    try:
        return joined(dataset[tag].value) if tag in dataset else ""
    except json.UNDECODABLE:
        return ""


def _member(tag: str, element: json.Json) -> bytes:
    encoded = orjson.dumps({tag: element}, option=orjson.OPT_SORT_KEYS)
    return encoded[1:-1].replace(_ESCAPED, _URI)
