"""An instance's file opened for what lies in bulk in it: pixels, a document, a film.

The header is read, the bulk is only located, so that one frame of a large file costs one frame of memory.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from appliance.dicom import inflate, part10
from appliance.dicom.kinds import Unsure
from appliance.dicom.sieve import sieve
from appliance.errors import PacsboxError, UnreadableInstanceError

UNDEFINED = 0xFFFFFFFF
_IMPLICIT_LITTLE = "1.2.840.10008.1.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_DOCUMENT_TAG = 0x00420011
OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
_OVERLAY_DATA = 0x3000
_BULK_TAGS = frozenset((*_PIXEL_TAGS, _DOCUMENT_TAG, *(group << 16 | _OVERLAY_DATA for group in OVERLAY_GROUPS)))
_STARTS = (1 << 15, 1 << 18)
"""Bytes in which a header is: most of them, nearly all."""
_SHORT = 4096
"""Bytes of elements that are remembered with what they decode to."""
_DEFER = 1 << 20
"""No header element that we ask for is longer, but a private one between them may be."""

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    BytesLengthException,
    InvalidDicomError,
    struct.error,
    zlib.error,
)
"""What pydicom, Pillow and the codecs raise on damaged data, found by damaging all of the test files."""


class NothingToShowError(PacsboxError, ValueError):
    """The instance holds no such picture, document or film; the message says why, in a sentence."""


@dataclass(frozen=True)
class Bulk:
    """Where an element's value lies in the file."""

    vr: str
    """Empty in Implicit VR."""
    offset: int
    length: int
    """Bytes, or `UNDEFINED` when encapsulated in fragments (PS3.5 A.4)."""


@dataclass(frozen=True)
class Source:
    """An open instance."""

    file: BinaryIO
    syntax: str
    """Transfer syntax UID."""
    header: Dataset
    """The elements asked for; none of the bulk."""
    bulk: dict[int, Bulk]
    """By tag: the pixel data, the encapsulated document, overlay data."""

    @property
    def order(self) -> str:
        """Byte order for numpy and struct."""
        return ">" if self.syntax == _EXPLICIT_BIG else "<"

    @property
    def pixels(self) -> Bulk | None:
        """Pixel Data, or its float kinds."""
        return next((self.bulk[tag] for tag in _PIXEL_TAGS if tag in self.bulk), None)

    @property
    def document(self) -> Bulk | None:
        """Encapsulated Document."""
        return self.bulk.get(_DOCUMENT_TAG)

    def overlay(self, group: int) -> Bulk | None:
        """Overlay Data of one of `OVERLAY_GROUPS`."""
        return self.bulk.get(group << 16 | _OVERLAY_DATA)


@contextmanager
def opened(path: Path, keywords: tuple[str, ...], tags: frozenset[int] = frozenset()) -> Iterator[Source]:
    """The instance at `path` with the header elements named by DICOM keyword, or by tag where a keyword names many.

    Raises `NothingToShowError` when the file is no instance or its header is damaged.
    """
    with path.open("rb") as file:
        yield _read(file, _tags(keywords, tags))


@contextmanager
def reopened(path: Path) -> Iterator[BinaryIO]:
    """The bytes that the offsets of a `Bulk` count in: the file, or what it inflates to (PS3.5 A.5)."""
    with path.open("rb") as file:
        yield _plain(file)[0]


@contextmanager
def refusing() -> Iterator[None]:
    """Any fault of a library on damaged data comes out as the one error that our callers expect."""
    try:
        with _quiet():
            yield
    except NothingToShowError:
        raise
    except UnreadableInstanceError as fault:
        raise NothingToShowError(f"The file is not readable: {fault}.") from fault
    except MemoryError as fault:
        raise NothingToShowError("Reading the file takes more memory than there is.") from fault
    except FAULTS as fault:
        reason = str(fault).strip().splitlines()[0:1] or [type(fault).__name__]
        raise NothingToShowError(f"The file is damaged: {reason[0].rstrip('.')}.") from fault


@contextmanager
def _quiet() -> Iterator[None]:
    """pydicom warns of each oddity of a foreign file; nobody can act on it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(pydicom|PIL|openjpeg|libjpeg)\b")
        yield


@refusing()
def _read(file: BinaryIO, tags: frozenset[int]) -> Source:
    file, syntax = _plain(file)
    start = file.tell()
    for size in _STARTS if syntax != _EXPLICIT_BIG else ():
        try:
            return _sieved(file, syntax, tags, size)
        except Unsure:
            file.seek(start)
    return _judged(file, syntax, tags)


@lru_cache(maxsize=32)
def _tags(keywords: tuple[str, ...], more: frozenset[int]) -> frozenset[int]:
    """Of the elements, and of the character set that they are in."""
    return more | {0x00080005, *(tag for keyword in keywords if (tag := tag_for_keyword(keyword)))}


def _sieved(file: BinaryIO, syntax: str, tags: frozenset[int], size: int) -> Source:
    """The lean way, in the first `size` bytes: pydicom only sees what is asked for. Raises `Unsure`."""
    start, implicit = file.tell(), syntax == _IMPLICIT_LITTLE
    found = sieve(file.read(size), implicit, tags, _BULK_TAGS, _PIXEL_TAGS[0])
    make = _header_again if len(found.wanted) <= _SHORT else _header
    bulk = {each.tag: Bulk(each.vr, start + each.offset, each.length) for each in found.located}
    return Source(file, syntax, make(found.wanted, implicit), bulk)


def _header(elements: bytes, implicit: bool) -> Dataset:
    return read_dataset(BytesIO(elements), implicit, is_little_endian=True)


_header_again = lru_cache(maxsize=64)(_header)
"""Slice after slice of a series says the same of its pixels, and pydicom decodes each value once; nobody changes it."""


def _judged(file: BinaryIO, syntax: str, tags: frozenset[int]) -> Source:
    """What is odd, or has a very long header, as pydicom judges it."""
    bulk: dict[int, Bulk] = {}

    def located(tag: BaseTag, vr: str | None, length: int) -> bool:
        """Called at each element's value."""
        number = int(tag)  # BaseTag compares in Python, ten times as slowly
        if number in _BULK_TAGS:
            bulk[number] = Bulk(vr or "", file.tell(), length)
        return number in _PIXEL_TAGS

    header = read_dataset(
        file,
        syntax == _IMPLICIT_LITTLE,
        syntax != _EXPLICIT_BIG,
        stop_when=located,
        defer_size=_DEFER,
        specific_tags=list(tags),
    )
    return Source(file, syntax, header, bulk)


@refusing()
def _plain(file: BinaryIO) -> tuple[BinaryIO, str]:
    """A file at its data set, inflated as it is read if need be, and its transfer syntax."""
    syntax = part10.read(file).transfer_syntax_uid
    if syntax != _DEFLATED:
        return file, syntax
    return inflate.buffered(file), syntax
