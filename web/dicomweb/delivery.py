"""How an instance goes out as a DICOM file: as it is stored, or made Explicit VR Little Endian on the way.

What can't be converted goes out as it is stored, and says so.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aiohttp import web

from appliance.dicom import part10, reencode
from appliance.dicom.decompress import begin, frame
from appliance.dicom.model import Origin
from appliance.dicom.pixels.decode import COMPRESSED
from appliance.dicom.source import NothingToShowError
from appliance.errors import UnreadableInstanceError
from appliance.storage.contract import Blobs
from appliance.storage.rows import Stored
from web import archived
from web.dicomweb.accept import DICOM
from web.keys import BOX, RENDERER, THREADS
from web.rendering import PictureFailedError

_LOG = logging.getLogger(__name__)
_EXPLICIT = reencode.EXPLICIT_LITTLE
_CHUNK = 1 << 20


class Part(NamedTuple):
    """One instance on its way out."""

    instance: Stored
    convert: bool
    """Whether it is to be made Explicit VR Little Endian."""

    @property
    def syntax(self) -> str:
        """In which it is meant to go out."""
        return _EXPLICIT if self.convert else self.instance.transfer_syntax_uid


@dataclass(frozen=True)
class Body:
    """A DICOM file that is ready to go."""

    syntax: str
    chunks: AsyncIterator[bytes]
    size: int | None = None
    """Bytes in all; None when that is not known before the end."""


def content_type(syntax: str) -> str:
    """Of a file in this transfer syntax: where it does not stand, readers assume another (8.7.3.5.2)."""
    return f"{DICOM}; transfer-syntax={syntax}"


def planned(instances: Sequence[Stored], syntaxes: Sequence[str]) -> list[Part]:
    """How each instance goes out, by the client's order of preference; those that can't are left out.

    In `syntaxes`, `*` is any and the empty one the default: Explicit VR Little Endian, and for what can't be
    that, such as films, what is stored (8.7.3.5.2).
    """
    converts = {syntax: _converts(syntax, syntaxes) for syntax in {each.transfer_syntax_uid for each in instances}}
    planned = ((each, converts[each.transfer_syntax_uid]) for each in instances)
    return [Part(each, convert) for each, convert in planned if convert is not None]


def _converts(stored: str, syntaxes: Sequence[str]) -> bool | None:
    """Whether what is stored so has to be converted; None where that would not help."""
    convertible = stored in reencode.SOURCES or stored in COMPRESSED
    for syntax in syntaxes:
        if syntax in ("*", stored) or (not syntax and not convertible):
            return False
        if syntax in ("", _EXPLICIT) and convertible:
            return stored != _EXPLICIT
    return None


async def prepare(request: web.Request, part: Part) -> Body:
    """The file of `part`; as it is stored when it can't be converted. Raises `ArchiveFaultError`."""
    blobs, threads = request.app[BOX].blobs, request.app[THREADS]
    stored, key = part.instance.transfer_syntax_uid, part.instance.blob_key
    path = await threads.run(archived.whole, blobs, part.instance)
    if part.convert:
        try:
            if stored in reencode.SOURCES:
                return await _reencoded(request, path)
            return await _decompressed(request, path)
        except (UnreadableInstanceError, NothingToShowError, PictureFailedError) as fault:
            _LOG.info("an instance goes out as it is stored: %s", fault)
    first = await threads.run(_first, blobs, key)

    async def chunks() -> AsyncIterator[bytes]:
        yield first
        if len(first) == _CHUNK:
            async for chunk in threads.each(_rest(blobs, key)):
                yield chunk

    return Body(stored, chunks(), part.instance.size)


async def _reencoded(request: web.Request, path: Path) -> Body:
    """An uncompressed file in the other uncompressed encoding, made as it goes out: it needs no room on the disk."""
    await request.app[THREADS].run(_check, path)
    return Body(_EXPLICIT, request.app[THREADS].each(_reencode(path)))


def _check(path: Path) -> None:
    with path.open("rb") as source:
        reencode.check(source, part10.read(source).transfer_syntax_uid)


def _reencode(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        meta = part10.read(source)
        yield part10.encode(meta.sop_class_uid, meta.sop_instance_uid, _EXPLICIT, Origin(via=""))
        yield from reencode.chunks(source, meta.transfer_syntax_uid, _EXPLICIT)


async def _decompressed(request: web.Request, path: Path) -> Body:
    """A compressed file without its compression, a frame at a time."""
    renderer = request.app[RENDERER]
    beginning = await renderer.run(begin, path)

    async def chunks() -> AsyncIterator[bytes]:
        yield beginning.head
        yield beginning.first
        for index in range(1, beginning.frames):
            following = await renderer.run(frame, path, index)
            if len(following) != len(beginning.first):
                raise UnreadableInstanceError("its frames are of different lengths")
            yield following
        yield beginning.pad

    return Body(_EXPLICIT, chunks())


def _first(blobs: Blobs, key: str) -> bytes:
    """The first chunk of a file: for most images it is all, and costs one visit to a thread."""
    with blobs.open(key) as file:
        return file.read(_CHUNK)


def _rest(blobs: Blobs, key: str) -> Iterator[bytes]:
    file = blobs.open(key)
    file.seek(_CHUNK)
    yield from _read(file)


def _read(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
