"""Both doors with a small viewer, and a study."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from blockbuster import blockbuster_ctx

from appliance.box import Box
from appliance.full_viewer import Viewer
from tests.support.viewer import small
from web.app import clinic_app, public_app
from web.rendering import Renderer

Client = TestClient[Any, Any]
Opens = Callable[..., Awaitable[Client]]


@pytest.fixture
def viewer(tmp_path: Path) -> Viewer:
    return small(tmp_path / "viewer")


@pytest.fixture
async def staff(box: Box, renderer: Renderer, viewer: Viewer, aiohttp_client: Opens) -> AsyncIterator[Client]:
    """A browser on the box itself, at the clinic door."""
    made = await aiohttp_client(clinic_app(box, renderer, viewer))
    with blockbuster_ctx(["web"]):
        yield made


@pytest.fixture
async def patient(box: Box, renderer: Renderer, viewer: Viewer, aiohttp_client: Opens) -> AsyncIterator[Client]:
    """A browser at the patient door."""
    made = await aiohttp_client(public_app(box, renderer, viewer))
    with blockbuster_ctx(["web"]):
        yield made
