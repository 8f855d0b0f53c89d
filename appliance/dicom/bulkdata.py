"""The value of one element of a stored instance: what a BulkDataURI of its metadata names (PS3.18 F.2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from appliance.dicom import part10
from appliance.dicom.document import document
from appliance.dicom.extract import Extract
from appliance.dicom.frames import frames, plain
from appliance.dicom.media_types import OCTETS
from appliance.dicom.source import UNDEFINED, NothingToShowError, refusing, reopened
from appliance.dicom.words import has_words, turned

_DOCUMENT = 0x00420011
_PIXEL_DATA = 0x7FE00010
_IMPLICIT_LITTLE, _EXPLICIT_BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_DEFER = 1 << 16
_PATH = re.compile(r"[0-9A-Fa-f]{8}(/[0-9]{1,6}/[0-9A-Fa-f]{8}){0,60}")


@dataclass(frozen=True)
class Loaded:
    """A value in memory; answers as an `Extract` does."""

    data: bytes
    media_type: str = OCTETS

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`."""
        yield self.data[start:stop]


Value = Extract | Loaded


def value(path: Path, element: str) -> Value:
    """The value at `element`, such as `7FE00010` or `00540016/0/00189999`, of the instance at `path`; little-endian.

    Raises ValueError for what is no such path, LookupError when there is no such value, `NothingToShowError`
    when it is in fragments or the file is damaged.
    """
    if not _PATH.fullmatch(element):
        raise ValueError("bulk data is named by tags and item numbers, such as 7FE00010 or 00540016/0/00189999")
    tag, _, below = element.partition("/")
    if int(tag, 16) == _DOCUMENT and not below:
        return document(path)
    syntax = _syntax(path)
    if below:
        vr, data = _nested(path, [*map(_key, element.split("/"))]) or _absent(element)
        return Loaded(turned(vr, data) if syntax == _EXPLICIT_BIG else data)
    vr, offset, length = _located(path, int(tag, 16), syntax) or _absent(element)
    if length == UNDEFINED:
        raise NothingToShowError("The value is in fragments: ask for its frames.")
    whole = Extract(path, OCTETS, ((offset, length),))
    if syntax == _EXPLICIT_BIG and int(tag, 16) == _PIXEL_DATA:
        of = frames(path)
        return Loaded(b"".join(plain(of, index) for index in range(of.count)))
    if syntax == _EXPLICIT_BIG and has_words(vr):
        return Loaded(turned(vr, b"".join(whole.chunks())))
    return whole


def _absent(element: str) -> NoReturn:
    raise LookupError(f"The instance has no value at {element}.")


@refusing()
def _syntax(path: Path) -> str:
    with path.open("rb") as file:
        return part10.read(file).transfer_syntax_uid


def _key(part: str) -> int:
    return int(part, 16 if len(part) == 8 else 10)


@refusing()
def _located(path: Path, tag: int, syntax: str) -> tuple[str, int, int] | None:
    """VR, offset and length of an element at the top."""
    found: list[tuple[str, int, int]] = []
    with reopened(path) as file:

        def stop(at: BaseTag, vr: str | None, length: int) -> bool:
            if at == tag:
                found.append((vr or "", file.tell(), length))
            return bool(at >= tag)

        read_dataset(file, syntax == _IMPLICIT_LITTLE, syntax != _EXPLICIT_BIG, stop_when=stop, defer_size=_DEFER)
    return found[0] if found else None


@refusing()
def _nested(path: Path, keys: list[int]) -> tuple[str, bytes] | None:
    """VR and value of an element in the items of sequences."""
    dataset: Dataset = dcmread(path, specific_tags=[BaseTag(keys[0])], stop_before_pixels=True, force=True)
    for tag, item in zip(keys[:-1:2], keys[1::2], strict=True):
        sequence = dataset[tag].value if tag in dataset else ()
        if not isinstance(sequence, Sequence) or item >= len(sequence):
            return None
        dataset = sequence[item]
    element = dataset.get_item(keys[-1])
    return (str(element.VR or "UN"), element.value) if element and isinstance(element.value, bytes) else None
