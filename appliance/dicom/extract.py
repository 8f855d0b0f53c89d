"""Bytes that lie inside an instance and are a file of their own: a document, a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.dicom.source import reopened

_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Extract:
    """Where they lie, and what they are."""

    path: Path
    media_type: str
    parts: tuple[tuple[int, int], ...]
    """Offset and length of each piece, in order."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(length for _, length in self.parts)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, a little at a time."""
        stop = self.size if stop is None else min(stop, self.size)
        with reopened(self.path) as file:
            for offset, length in self._between(start, stop):
                file.seek(offset)
                for done in range(0, length, _CHUNK):
                    yield file.read(min(_CHUNK, length - done))

    def _between(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        begin = 0
        for offset, length in self.parts:
            first, last = max(start, begin), min(stop, begin + length)
            if first < last:
                yield offset + first - begin, last - first
            begin += length
