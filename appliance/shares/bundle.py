"""A whole study as one zip file, made while it is sent: constant memory, no copy on disk."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_CHUNK = 256 * 1024
_ZIP64_FROM = 1 << 31


class _Sink(io.RawIOBase):
    """Takes what the zip file writes until it is fetched; it can't be rewound, as a socket can't."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zipped(files: Iterable[tuple[str, Path, datetime]], note: str = "") -> Iterator[bytes]:
    """The zip of `files`, each under its name and with its time, unpacked bytes as they are on disk.

    Nothing is compressed: most images are already, and a small box has better things to do. A `note` comes first,
    as NOTE.TXT. Raises `FileNotFoundError` when a file has gone meanwhile.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        if note:
            archive.writestr("NOTE.TXT", note)
        for name, path, time in files:
            with path.open("rb") as file:
                info = ZipInfo(name, (max(time.year, 1980), *time.timetuple()[1:6]))
                info.external_attr = 0o644 << 16
                with archive.open(info, "w", force_zip64=path.stat().st_size >= _ZIP64_FROM) as entry:
                    while chunk := file.read(_CHUNK):
                        entry.write(chunk)
                        yield sink.take()
    yield sink.take()
