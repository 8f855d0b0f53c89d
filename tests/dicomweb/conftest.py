"""A box whose peer is a DICOMweb server of the tests' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.box import Box
from appliance.dicomweb.link import DicomwebLink
from appliance.dicomweb.session import Limits
from appliance.storage.rows import Peer
from tests.support.dicomweb import Server

QUICK = Limits(connect=5.0, write=5.0, answer=1.0)
Known = Callable[..., Peer]


@pytest.fixture
def link(box: Box) -> DicomwebLink:
    """Ours, which doesn't wait for long."""
    return DicomwebLink(
        box.peer_secrets, box.identity, box.blobs, box.run_dir, lambda: box.spool("fetch"), limits=QUICK
    )


@pytest.fixture
def known(box: Box) -> Known:
    """Makes a server a peer of the box."""

    def add(server: Server | str, **options: Any) -> Peer:
        url = server if isinstance(server, str) else server.url
        return box.peers.add_web("CLINIC-B", url, **options)

    return add
