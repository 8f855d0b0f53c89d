"""A receiver for tests, and what it kept."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.config import Dicom
from appliance.dicom import part10
from appliance.dicom.part10 import FileMeta
from appliance.dimse.server import Receiver
from appliance.spool.spool import Spool


@dataclass(frozen=True)
class Receiving:
    """A receiver that listens on loopback."""

    receiver: Receiver
    port: int
    spool: Spool

    def kept(self) -> list[tuple[FileMeta, bytes]]:
        """Header and data set of what is in the spool, in the order it came."""
        return [instance(entry.path) for entry in self.spool.waiting()]

    def drafts(self) -> list[Path]:
        """What is half-written."""
        return self.spool.drafts()


@contextmanager
def receiving(
    folder: Path, hot: bool | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Receiving]:
    """A receiver whose spool is in `folder`; `options` are those of `[dicom]`."""
    spool = Spool(folder / "spool", "receiver")
    receiver = Receiver(Dicom(bind="127.0.0.1", port=0, **options), spool, hot=hot, tls=tls)
    port = receiver.start()
    try:
        yield Receiving(receiver, port, spool)
    finally:
        receiver.stop()


def instance(path: Path) -> tuple[FileMeta, bytes]:
    """Header and data set of a Part 10 file."""
    with path.open("rb") as file:
        return part10.read(file), file.read()
