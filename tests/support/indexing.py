"""Bringing files into archive and index, by the spool as always."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance import events
from appliance.box import Box
from appliance.dicom.model import Origin


def stock(box: Box, *paths: Path) -> None:
    """Bring files in as a modality's would come."""
    spool = box.spool("receiver")
    for path in paths:
        with path.open("rb") as file:
            spool.keep(file, Origin("C-STORE", "MODALITY", "PACSBOX", "127.0.0.1", events.now()))
    drain(box)


def drain(box: Box) -> None:
    """Index what is in the spool."""
    indexer = box.indexer()
    while indexer.drain_batch():
        pass


@contextmanager
def indexing(box: Box) -> Iterator[None]:
    """The indexer is at work while the block runs."""
    stop = threading.Event()

    def work() -> None:
        box.indexer().run(stop)
        box.close()

    thread = threading.Thread(target=work, name="indexer")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
