"""Keeps the orders true: follows the watched folder, arriving images and the calendar.

It has a thread of its own beside the indexer, and reads the indexer's news afterwards, so that nothing here can
hold up what comes in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from appliance import events
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.worklist import folder as folders
from appliance.worklist import progress

log = logging.getLogger(__name__)

_LOOK = 1.0
"""Seconds between looks; a look at an index where nothing happened takes microseconds."""
_OF_IMAGES = frozenset((events.STUDY_RECEIVED, events.STUDY_DELETED))
_NEWS = 1000
"""Events that are read at a time."""


class Keeper:
    """What goes on with orders by itself."""

    def __init__(self, index: Callable[[], Storage], close: Callable[[], None], folder: Path | None, days: int) -> None:
        """`index` gives this thread's index, `close` lets go of it; `days` after its day an order is over."""
        self._index = index
        self._close = close
        self._folder = folder
        self._days = days
        self._storage: Storage | None = None
        self._seq: int | None = None
        self._complained = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Beside the block, in a thread of its own."""
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,), name="orders", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(_LOOK)

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; an index that can't be used is tried again."""
        try:
            while not stop.is_set():
                try:
                    self.look(self._index())
                except IndexUnavailableError as fault:
                    self._complain(str(fault))
                stop.wait(_LOOK)
        finally:
            self._close()

    def look(self, storage: Storage, today: date | None = None) -> None:
        """One look at everything. Raises `IndexUnavailableError`."""
        if storage is not self._storage:
            self._storage, self._seq = storage, None
        if self._folder is not None:
            self._follow(storage, self._folder)
        self._hear(storage)
        self._mind_the_calendar(storage, today or datetime.now().astimezone().date())

    def _follow(self, storage: Storage, folder: Path) -> None:
        try:
            changed = folders.follow(storage, folder)
        except OSError as fault:
            self._complain(f"the worklist folder {folder} cannot be read: {fault.strerror}")
            return
        self._complained = ""
        if changed:
            log.info("%d files of the worklist folder were new, changed or gone", changed)

    def _hear(self, storage: Storage) -> None:
        """Whose images came, or went? At first, look at every open order."""
        if self._seq is None:
            self._seq = storage.events.last()
            progress.refresh_all(storage, storage.orders.all(limit=-1, unfinished=True))
        while storage.events.last() > self._seq:
            news = storage.events.since(self._seq, _NEWS)
            touched = {event.study_instance_uid for event in news if event.kind in _OF_IMAGES}
            progress.refresh_all(storage, progress.orders_of(storage, touched))
            self._seq = news[-1].seq

    def _mind_the_calendar(self, storage: Storage, today: date) -> None:
        over = storage.orders.before(f"{today - timedelta(days=self._days):%Y%m%d}")
        if over:
            with storage.transaction():
                for order in over:
                    progress.move(storage, order, progress.aged(order, today, self._days), order.images)

    def _complain(self, what: str) -> None:
        """Once, until something else is wrong."""
        if what != self._complained:
            self._complained = what
            log.error("%s", what)
