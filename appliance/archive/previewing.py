"""Makes the small pictures of new studies while nothing waits to be indexed.

```
STUDY_RECEIVED --> pending --(study quiet, spool empty)--> a process of its own, at the lowest priority --> previews
```
The process ends with each round: a codec that hangs or crashes costs one picture, and an idle box no memory.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from appliance import events
from appliance.archive.previews import EDGE, QUALITY, Previews
from appliance.dicom.model import Instance
from appliance.dicom.source import NothingToShowError
from appliance.errors import IndexUnavailableError
from appliance.shares.album import Kind, album
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs, Storage

log = logging.getLogger(__name__)

_LOOK = 1.0
"""Seconds between looks at the news."""
_QUIET = 5.0
"""Seconds without another image after which a study counts as complete, for now."""
_SECONDS = 30.0
"""For one picture."""
_MOST_OF_ONE = 40
"""Pictures of a study; whoever scrolls that far waits for the others."""
_BETWEEN_PRUNES = 500
"""Pictures."""
_SHOWN = (Kind.PICTURES, Kind.CLIP)
_FIRST_TO_GO = "600"
"""When memory runs out, the kernel takes this process first (proc(5), oom_score_adj)."""

Job = tuple[Path, Path]
"""An instance's file, and where its picture goes."""


class Previewer:
    """Follows the news, in a thread of its own."""

    def __init__(
        self, previews: Previews, spool: Spool, blobs: Blobs, index: Callable[[], Storage], close: Callable[[], None]
    ) -> None:
        """`index` gives this thread's connection, `close` lets go of it."""
        self._previews = previews
        self._spool = spool
        self._blobs = blobs
        self._index = index
        self._close = close
        self._seen = -1
        self._pending: dict[str, float] = {}
        """Studies, and when the last of their images came."""
        self._made = 0

    def run(self, stop: threading.Event) -> None:
        """Make pictures until `stop`. What is wrong with index or disk, the indexer tells."""
        try:
            while not stop.wait(_LOOK):
                with contextlib.suppress(IndexUnavailableError, OSError):
                    self.round(stop, _QUIET)
        finally:
            self._close()

    def round(self, stop: threading.Event, quiet: float) -> None:
        """See what is new, and make the pictures of studies that were `quiet` for so many seconds."""
        storage = self._index()
        self._follow(storage)
        due = [uid for uid, last in self._pending.items() if time.monotonic() - last >= quiet]
        if not due or self._busy(stop):
            return
        with _Maker() as maker:
            for uid in due:
                for source, target in self._jobs(storage, uid):
                    if self._busy(stop):
                        return  # the study stays pending
                    maker.make(source, target)
                    self._made += 1
                self._pending.pop(uid, None)
        if self._made >= _BETWEEN_PRUNES:
            self._made = 0
            self._previews.prune()

    def _busy(self, stop: threading.Event) -> bool:
        return stop.is_set() or bool(self._spool.waiting(1))

    def _follow(self, storage: Storage) -> None:
        if self._seen < 0:
            self._seen = storage.events.last()
        for event in storage.events.since(self._seen):
            self._seen = event.seq
            if event.kind == events.STUDY_RECEIVED:
                self._pending[event.study_instance_uid] = time.monotonic()
            elif event.kind == events.STUDY_DELETED:
                self._pending.pop(event.study_instance_uid, None)
                self._previews.forget(event.study_instance_uid)

    def _jobs(self, storage: Storage, uid: str) -> Iterator[Job]:
        for instance in _shown_first(storage, uid):
            target = self._previews.place(uid, instance.digest)
            if instance.digest and not target.exists():
                with contextlib.suppress(FileNotFoundError):  # the doctor tells
                    yield self._blobs.path(instance.blob_key), target


def _shown_first(storage: Storage, uid: str) -> list[Instance]:
    """The instances that stand for the series of a study where a patient opens it."""
    study = storage.studies.study(uid)
    if study is None:
        return []
    stacks = album(study, storage.studies.series(uid), storage.studies.instances(uid), "").stacks
    return [stack.items[stack.middle].instance for stack in stacks if stack.kind in _SHOWN][:_MOST_OF_ONE]


class _Maker:
    """The process that makes pictures; started with the first, and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> _Maker:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._end()

    def make(self, source: Path, target: Path) -> None:
        """Make one, if it can be made; waits for it."""
        process = self._process = self._process or _started()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(orjson.dumps([str(source), str(target)]) + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _SECONDS)
            answered = ready and process.stdout.readline()
        except BrokenPipeError:
            answered = b""
        if not answered:
            log.warning("no small picture could be made of %s: the process hung or crashed", source.name)
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()  # it holds nothing
            process.communicate()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


def main() -> None:
    """The process: a line a picture comes in, a line goes out when it is made, or can't be."""
    # Its requests to the disk are of the idle class, too (ioprio_set(2)).
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    for line in sys.stdin.buffer:
        source, target = map(Path, orjson.loads(line))
        with contextlib.suppress(NothingToShowError, OSError):
            _make(source, target)
        try:
            os.write(sys.stdout.fileno(), b"\n")
        except BrokenPipeError:
            return  # the indexer was killed: nobody wants more


def _make(source: Path, target: Path) -> None:
    # Late: the codecs are much to load, and the indexer does without.
    from appliance.dicom.pixels import thumbnail

    picture = thumbnail(source, EDGE, quality=QUALITY)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part")
    draft.write_bytes(picture)
    draft.rename(target)


if __name__ == "__main__":
    main()
