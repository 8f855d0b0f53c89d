"""Damage of all kinds, the same in every run; more of it, and other, with FUZZ=50 (so many times as much)."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_TIMES = int(os.environ.get("FUZZ", "0"))
_LENGTHS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\1\0\0\0", b"\0\0\0\1", b"\xfe\xff\0\xe0")


def bounded(examples: int) -> settings:
    """So many, however long each takes."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=examples * max(_TIMES, 1),
        deadline=None,
        derandomize=not _TIMES,
        database=None,
        suppress_health_check=slow,
    )


@st.composite
def damaged(draw: st.DrawFn, originals: Sequence[bytes], most: int = 6) -> bytes:
    """One of `originals`, changed in a few places."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("flip", "length", "noise", "cut out", "end", "repeat"))):
            case "flip":
                data[at : at + 1] = bytes((draw(st.integers(0, 255)),))
            case "length":
                data[at : at + 4] = draw(st.sampled_from(_LENGTHS))
            case "noise":
                data[at:at] = draw(st.binary(max_size=20))
            case "cut out":
                del data[at : at + draw(st.integers(1, 40))]
            case "end":
                del data[at:]
            case "repeat":
                data[at:at] = data[at : at + 64] * draw(st.integers(1, 50))
    return bytes(data)


@contextmanager
def little_memory(most: int) -> Iterator[None]:
    """AssertionError when the block takes `most` MB more than was ever taken before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < most, f"{grown:.0f} MB"
