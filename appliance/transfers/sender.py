"""The sender: takes due transfers from the queue, a few peers at a time, one transfer a peer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from appliance import events
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.storage.rows import Transfer
from appliance.transfers import retry
from appliance.transfers.delivery import INDEX_DOWN, Delay, Delivery, Send
from appliance.transfers.queue import tell

log = logging.getLogger(__name__)

_TICK = 0.02
"""Seconds between looks at the queue; a look that finds nothing new costs microseconds."""
_DUE = 1.0
"""Seconds after which the queue is read although nobody wrote: a delay may be over."""
_GRACE = 10.0
"""Seconds that an instance has to get through when we stop; what is cut off then is sent again next time."""


class Sender:
    """Works through the queue. One process of a box has it at a time.

    `storage` opens a connection for the thread that asks, and closes it at the end of the block.
    """

    def __init__(
        self,
        storage: Callable[[], AbstractContextManager[Storage]],
        send: Send,
        *,
        parallel: int,
        attempts: int,
        delay: Delay = retry.delay,
    ) -> None:
        self._storage = storage
        self._send = send
        self._parallel = parallel
        self._attempts = attempts
        self._delay = delay
        self._running: dict[str, tuple[Transfer, threading.Thread]] = {}

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; then each running transfer ends its instance and goes back to the queue."""
        while not stop.is_set():
            try:
                with self._storage() as storage:
                    self._work(storage, stop)
            except IndexUnavailableError as fault:
                log.error("%s %s", fault, fault.hint)
                stop.wait(INDEX_DOWN)
        end = time.monotonic() + _GRACE
        for peer, (_, thread) in self._running.items():
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                log.warning("the transfer to %s is left in the middle of an image; it will be sent again", peer)

    def _work(self, storage: Storage, stop: threading.Event) -> None:
        if not self._running:
            self._recover(storage)
        seen: object = None
        while not stop.is_set():
            free = self._free(storage, stop)
            look = (storage.version(), free, time.monotonic() // _DUE)
            if free and look != seen:
                self._start_due(storage, stop)
            seen = look
            stop.wait(_TICK)

    def _recover(self, storage: Storage) -> None:
        with storage.transaction():
            found = storage.transfers.recover()
        if found:
            log.info("%d transfers that were cut short are queued again", found)

    def _free(self, storage: Storage, stop: threading.Event) -> int:
        """How many more transfers may run."""
        for peer, (transfer, thread) in list(self._running.items()):
            if not thread.is_alive():
                self._delivery(storage, transfer, stop).rescue()
                del self._running[peer]
        return self._parallel - len(self._running)

    def _start_due(self, storage: Storage, stop: threading.Event) -> None:
        while self._free(storage, stop):
            now = datetime.now(UTC)
            beyond = now + timedelta(seconds=retry.BEYOND)
            with storage.transaction():
                transfer = storage.transfers.claim(events.stamp(now), tuple(self._running), events.stamp(beyond))
                if transfer is None:
                    return
                tell(storage, transfer)
            # A daemon, since a peer that hangs must not keep the process from ending.
            thread = threading.Thread(
                target=self._deliver, args=(transfer, stop), name=f"transfer-{transfer.id}", daemon=True
            )
            self._running[transfer.peer] = transfer, thread
            thread.start()

    def _deliver(self, transfer: Transfer, stop: threading.Event) -> None:
        while True:
            try:
                with self._storage() as storage:
                    self._delivery(storage, transfer, stop).run()
                return
            except IndexUnavailableError as fault:
                log.error("%s %s", fault, fault.hint)
            except Exception:  # the outermost loop of a thread: `_free` puts the transfer off
                log.exception("transfer %d to %s was left in the middle", transfer.id, transfer.peer)
                return
            if stop.wait(INDEX_DOWN):
                return

    def _delivery(self, storage: Storage, transfer: Transfer, stop: threading.Event) -> Delivery:
        return Delivery(storage, transfer, stop, send=self._send, attempts=self._attempts, delay=self._delay)
