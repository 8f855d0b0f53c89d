"""What is on a disk after the power was cut: worked out from the record of what was written to it and flushed.

A write is safe when it was answered before a flush came that was answered before the cut. Of all later writes the
disk may have done any, in any order, also only parts of one: a sector is the least that it writes at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.support import disks
from tests.support.recorded_disk import Flush, Write

SECTORS = (512, 4096)
"""Bytes, of disks old and new."""


@dataclass(frozen=True)
class Cut:
    """A power cut."""

    at: int
    """As `time.monotonic_ns`."""
    seed: int
    """Decides which of the writes that were not safe yet are on the disk."""

    def left(self, loose: list[Write], sectors: Sequence[int] = SECTORS) -> Iterator[tuple[int, bytes]]:
        """What is on the disk of the writes that were not safe."""
        chance = Random(self.seed)
        share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        torn = chance.choice((0.0, 0.3))
        for write in loose:
            if chance.random() < torn:
                yield from _torn(write, chance, sectors)
            elif chance.random() < share:
                yield write.at, write.data


def _torn(write: Write, chance: Random, sectors: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    sector = chance.choice(sectors)
    starts = range(0, len(write.data), sector)
    first_only = chance.random() < 0.5
    end = chance.randrange(len(starts) + 1)
    for number, start in enumerate(starts):
        if number < end if first_only else chance.random() < 0.5:
            yield write.at + start, write.data[start : start + sector]


class Replay:
    """The disk as it is after one cut after another, each later than the one before."""

    def __init__(self, image: Path, log: Iterable[Write | Flush], sectors: Sequence[int] = SECTORS) -> None:
        """`image` is what was on the disk when the record began; it is changed."""
        entries = list(log)
        self._image = image
        self._writes = [entry for entry in entries if isinstance(entry, Write)]
        self._flushes = [entry for entry in entries if isinstance(entry, Flush)]
        self._sectors = sectors
        self._safe = 0

    def after(self, cut: Cut, to: Path) -> int:
        """Make the image `to` what is left after `cut`; how many writes were not safe."""
        safe_until = max((flush.came for flush in self._flushes if flush.answered <= cut.at), default=0)
        while self._safe < len(self._writes) and self._writes[self._safe].answered < safe_until:
            self._put(self._image, [(self._writes[self._safe].at, self._writes[self._safe].data)])
            self._safe += 1
        loose = [write for write in self._writes[self._safe :] if write.came <= cut.at]
        disks.copy(self._image, to)
        self._put(to, cut.left(loose, self._sectors))
        return len(loose)

    @staticmethod
    def _put(image: Path, pieces: Iterable[tuple[int, bytes]]) -> None:
        descriptor = os.open(image, os.O_WRONLY)
        try:
            for at, data in pieces:
                os.pwrite(descriptor, data, at)
        finally:
            os.close(descriptor)
