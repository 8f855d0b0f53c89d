"""A stored instance in a transfer syntax that a peer takes: as it is, re-encoded, or decompressed.

Decompressing needs no new SOP Instance UID: nothing is lost by it (PS3.3 C.12.4 asks for one after lossy compression).
It happens in a process of its own, started when first needed: a codec that hangs or crashes costs one instance.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import orjson

from appliance.dicom import part10, reencode
from appliance.dicom.video import is_video
from appliance.errors import UnreadableInstanceError

_SECONDS = 120.0
_NICER = 5
"""Receiving goes first."""


def targets(stored: str) -> tuple[str, ...]:
    """What an instance stored in a transfer syntax can be sent in, the best first: itself."""
    if is_video(stored):
        return (stored,)
    return tuple(dict.fromkeys((stored, *reencode.TARGETS)))


class Transcoder:
    """Opens instances for sending, for any thread. `close` it, or use it in a `with` block."""

    def __init__(self, scratch: Path) -> None:
        """`scratch` is a folder for data sets that need another encoding."""
        self._scratch = scratch
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None

    def open(self, path: Path, size: int, wanted: str) -> BinaryIO:
        """The file at the first byte of its data set, in transfer syntax `wanted`, one of its `targets`.

        Raises OSError, EOFError when the file is not whole, `UnreadableInstanceError` when it cannot be converted.
        """
        file = path.open("rb")
        try:
            if (found := file.seek(0, os.SEEK_END)) != size:
                raise EOFError(f"the file has {found} bytes and should have {size}")
            file.seek(0)
            stored = part10.read(file).transfer_syntax_uid
            if stored == wanted:
                return file
            return self.converted(file, stored, wanted)
        except BaseException:
            file.close()
            raise

    def converted(self, file: BinaryIO, stored: str, wanted: str) -> BinaryIO:
        """The data set at which `file`, opened by its name, stands, in another transfer syntax. Raises as `open`.

        Closes `file`.
        """
        other = cast(BinaryIO, tempfile.TemporaryFile(dir=self._scratch))  # noqa: SIM115 - the caller's to close
        try:
            with file:
                if stored in reencode.SOURCES:
                    reencode.reencode(file, stored, other, wanted)
                else:
                    self._decompress(Path(file.name), other, wanted)
            other.seek(0)
        except BaseException:
            other.close()
            raise
        return other

    def _decompress(self, path: Path, target: BinaryIO, wanted: str) -> None:
        with tempfile.NamedTemporaryFile(dir=self._scratch) as plain:
            with self._lock:
                self._ask(str(path), plain.name)
            source = cast(BinaryIO, plain)
            if wanted == reencode.EXPLICIT_LITTLE:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
            else:
                reencode.reencode(source, reencode.EXPLICIT_LITTLE, target, wanted)

    def _ask(self, *job: str) -> None:
        worker = self._worker = self._worker or _started()
        assert worker.stdin is not None and worker.stdout is not None
        try:
            worker.stdin.write(orjson.dumps(job) + b"\n")
            worker.stdin.flush()
            answer = worker.stdout.readline() if select.select([worker.stdout], [], [], _SECONDS)[0] else b""
        except OSError:
            answer = b""
        if not answer:
            self.close()
            raise UnreadableInstanceError("the process that decompressed it crashed, or took too long")
        if fault := orjson.loads(answer):
            raise UnreadableInstanceError(fault)


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "appliance.dicom.transcode"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def _write_plain(path: Path, target: Path) -> None:
    # Late: the codecs are for this process alone.
    from appliance.dicom import decompress

    begun = decompress.begin(path)
    head = BytesIO(begun.head)
    part10.read(head)
    with target.open("wb") as file:
        file.write(head.read())
        file.write(begun.first)
        for index in range(1, begun.frames):
            file.write(decompress.frame(path, index))
        file.write(begun.pad)


def _work() -> None:
    """The process's life: a path to read and a path to write, a line each time; null, or what is wrong."""
    os.nice(_NICER)
    for line in sys.stdin.buffer:
        path, target = orjson.loads(line)
        fault = None
        try:
            _write_plain(Path(path), Path(target))
        except Exception as raised:  # noqa: BLE001 - the outermost loop of a worker: the asker gets the fault
            fault = str(raised) or type(raised).__name__
        sys.stdout.buffer.write(orjson.dumps(fault) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _work()
