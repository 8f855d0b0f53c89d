"""Who read and wrote what, on the way into the index: noting costs the one who is served nothing.

```
note -> queue -> <door>-....open (a line each, within a moment) -> every few seconds <door>-....jsonl
     -> ONE transaction: a row for all that is alike -> the file is removed
```
The file's name is the batch's: what was taken in before a power cut is not taken in twice. So kill -9 loses what
was noted in its last milliseconds; a damaged or locked index loses nothing, the files wait. What cannot be
written down goes to the log, word for word.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import orjson

from appliance import events
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.storage.rows import AuditRow

_LOG = logging.getLogger(__name__)
OK = "ok"
_SECONDS = 2.0
"""From the first note of a batch until it is handed over."""
_GATHER = 0.02
"""From a note until it is written down with those behind it: to wake for each would hold up who is served."""
_LARGEST = 10_000
"""Notes of a batch."""


@dataclass(frozen=True)
class Note:
    """One request that was answered."""

    at: str
    who: str
    address: str
    action: str
    resource: str
    study_instance_uid: str
    outcome: str
    items: int


class Journal:
    """The notes of one door, written down by a thread of its own between `start` and `close`."""

    def __init__(
        self,
        folder: Path,
        door: str,
        storage: Callable[[], Storage],
        let_go: Callable[[], None],
        seconds: float = _SECONDS,
    ) -> None:
        """`storage` gives the thread its connection, which `let_go` closes."""
        self._folder = folder
        self._door = door
        self._storage = storage
        self._let_go = let_go
        self._seconds = seconds
        self._queue: queue.SimpleQueue[Note | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._file = -1
        self._path = Path()
        self._due = 0.0
        self._many = 0

    def start(self) -> None:
        """Begin to write down; what dead processes left is taken in, too."""
        self._closing.clear()
        self._thread = threading.Thread(target=self._run, name=f"audit {self._door}", daemon=True)
        self._thread.start()

    def note(
        self,
        who: str,
        action: str,
        resource: str,
        *,
        address: str = "",
        study: str = "",
        outcome: str = OK,
        items: int = 1,
    ) -> None:
        """From any thread; never waits."""
        self._queue.put(Note(events.now(), who, address, action, resource, study, outcome, items))

    def close(self) -> None:
        """Write down what was noted, hand it over, and end; it may start again."""
        if self._thread is not None:
            self._closing.set()
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        self._recover()
        self._take_in()
        running = True
        while running:
            notes, running = self._waited()
            if notes:
                self._write(notes)
            if self._many and (not running or time.monotonic() >= self._due or self._many >= _LARGEST):
                self._rotate()
                self._take_in()
        self._let_go()

    def _waited(self) -> tuple[list[Note], bool]:
        """The notes that have come, and whether there will be more."""
        notes: list[Note] = []
        with suppress(queue.Empty):
            first = self._queue.get(timeout=max(0.0, self._due - time.monotonic()) if self._many else None)
            self._closing.wait(_GATHER)
            while first is not None:
                notes.append(first)
                first = self._queue.get_nowait()
            return notes, False
        return notes, True

    def _write(self, notes: list[Note]) -> None:
        lines = b"".join(orjson.dumps(astuple(note)) + b"\n" for note in notes)
        try:
            if self._file < 0:
                self._open()
            os.write(self._file, lines)
            self._many += len(notes)
        except OSError as fault:
            _LOG.error("the audit cannot be written down (%s): %s", fault.strerror, lines.decode())

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{self._door}-{time.time_ns():020}-{secrets.token_hex(4)}"
        draft = self._folder / f"{name}.new"
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        # Only now by a name that others look for, lest they take it for a dead process's.
        self._path = draft.rename(self._folder / f"{name}.open")
        self._due = time.monotonic() + self._seconds

    def _rotate(self) -> None:
        self._path.rename(self._path.with_suffix(".jsonl"))
        os.close(self._file)
        self._file, self._many = -1, 0

    def _recover(self) -> None:
        """Close what no living process writes to any more."""
        for path in sorted(self._folder.glob("*.open")):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.rename(path.with_suffix(".jsonl"))

    def _take_in(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            try:
                take_in(self._storage(), path)
            except (IndexUnavailableError, OSError) as fault:
                _LOG.error("the audit of %s waits in its journal: %s", self._door, fault)
                return


def take_in(storage: Storage, path: Path) -> None:
    """Bring a closed journal into the index, once. Raises `IndexUnavailableError`; the file stays then."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return  # another door was faster
    rows = merged(note for line in lines if (note := _read(line)) is not None)
    with storage.transaction():
        storage.audit.add(rows, path.stem)
    path.unlink(missing_ok=True)


def merged(notes: Iterable[Note]) -> list[AuditRow]:
    """One row for all that is alike but for time and number."""
    rows: dict[tuple[str, ...], AuditRow] = {}
    for note in notes:
        alike = (note.who, note.address, note.action, note.resource, note.study_instance_uid, note.outcome)
        row = rows.get(alike)
        if row is None:
            rows[alike] = AuditRow(note.at, note.at, *alike, requests=1, items=note.items)
        else:
            rows[alike] = replace(row, last=note.at, requests=row.requests + 1, items=row.items + note.items)
    return list(rows.values())


def _read(line: bytes) -> Note | None:
    try:
        return Note(*orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError):
        _LOG.error("a line of the audit's journal was torn by a power cut, and is left out")
        return None
