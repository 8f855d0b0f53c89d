"""Work that is looked for again and again, in threads beside a service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage

log = logging.getLogger(__name__)

Round = Callable[[Storage, threading.Event], None]
"""Do what is due, less when the event is set."""
_TICK = 0.5
"""Seconds between rounds."""
_ROUNDS = 10
_TROUBLE = 2.0
_GRACE = 5.0


@contextmanager
def beside(storage: Callable[[], AbstractContextManager[Storage]], *rounds: Round) -> Iterator[None]:
    """Go these rounds while the block runs, each in a thread of its own; `storage` opens the index for a thread."""
    stop = threading.Event()
    # Daemons, since a peer that hangs must not keep the process from ending.
    threads = [threading.Thread(target=_go, args=(storage, each, stop), daemon=True) for each in rounds]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(_GRACE)


def _go(storage: Callable[[], AbstractContextManager[Storage]], once: Round, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with storage() as index:
                _go_some(index, once, stop)
        except IndexUnavailableError as fault:
            log.error("%s %s", fault, fault.hint)
            stop.wait(_TROUBLE)
        except Exception:  # the outermost loop of a thread: the next round may go better
            log.exception("storage commitment was left in the middle")
            stop.wait(_TROUBLE)


def _go_some(index: Storage, once: Round, stop: threading.Event) -> None:
    """Then the index is opened anew: its file may have been replaced."""
    for _ in range(_ROUNDS):
        if stop.is_set():
            return
        once(index, stop)
        stop.wait(_TICK)
