"""What many tests of the DIMSE server start from: a box that is served. Which `box` is theirs to say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.box import Box
from appliance.storage.rows import Peer
from tests.support.querying import serving


@pytest.fixture(scope="module")
def port(box: Box) -> Iterator[int]:
    """Where the module's box listens."""
    with serving(box) as found:
        yield found


@pytest.fixture
def peer(port: int) -> Peer:
    """The module's box, as somebody who calls it knows it."""
    return Peer("BOX", "PACSBOX", "127.0.0.1", port)
