"""What tests of the doors start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from web.limiter import Limiter
from web.rendering import Renderer


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """Picture workers for the whole run: starting them takes longer than most tests."""
    made = Renderer(1)
    yield made
    made.close()


def stand_still(*limiters: Limiter) -> None:
    """No try comes back, however long a test takes."""
    for limiter in limiters:
        limiter._clock = lambda: 0.0
