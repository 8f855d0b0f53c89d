"""Memory that the machine has already: without it, each round measures how fast the host of a virtual one gives some.

A page that a virtual machine has not used yet, or has told its host to be free, takes ten times as long to fill as
another, and a receiver's files go through pages like that. Touched beforehand, all receivers find the same.
"""

from __future__ import annotations

import mmap

_PAGE = 4096
_SOME = 256 << 20


def touch(size: int) -> None:
    """Have so many bytes of the machine's memory used, and free again."""
    held = []
    for _ in range(0, size, _SOME):
        part = mmap.mmap(-1, _SOME, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for at in range(0, _SOME, _PAGE):
            part[at] = 1
        held.append(part)
    for part in held:
        part.close()
