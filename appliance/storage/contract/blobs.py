"""Files by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol


class Blobs(Protocol):
    """Where the bytes live, keyed by keys of ours."""

    def link(self, key: str, file: Path) -> None:
        """Bring `file` (already fsynced) under `key`, without copying where that can be.

        Doing it again with the same bytes changes nothing; not durable before `sync`.
        """

    def holds(self, key: str, size: int) -> bool:
        """Whether `key` has its bytes, as many as there should be."""

    def sync(self, keys: Iterable[str]) -> None:
        """Make the links of these keys durable; each folder is flushed once."""

    def path(self, key: str) -> Path:
        """A path to read the bytes from; raises FileNotFoundError when there are none."""

    def open(self, key: str) -> BinaryIO:
        """The bytes, for reading."""

    def names(self, files: Iterable[tuple[str, int]]) -> list[str]:
        """The name of each file by key and size, for the kernel to send from; empty where bytes are missing."""

    def remove(self, key: str) -> None:
        """Delete; deleting twice changes nothing."""

    def keys(self) -> Iterator[str]:
        """Every key, in no promised order."""
