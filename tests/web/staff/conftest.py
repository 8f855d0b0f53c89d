"""The clinic door as it is beyond this machine, and somebody who may come in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from appliance.box import Box
from appliance.config import Config, load
from appliance.storage.rows import Person
from web.app import clinic_app
from web.rendering import Renderer

Door = TestClient[Request, Application]
PASSWORD = "correct horse battery"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def configured(config: Config, **options: str) -> Config:
    environment = {"PACSBOX_DATA_DIR": str(config.data_dir), "PACSBOX_WEB_CLINIC_BIND": "0.0.0.0"}
    return load(environment=environment | {f"PACSBOX_{name.upper()}": value for name, value in options.items()})[0]


@pytest.fixture
async def lan(config: Config, renderer: Renderer) -> AsyncIterator[Door]:
    """The door, listening beyond this machine (what a test server does not)."""
    box = Box(configured(config))
    async with TestClient(TestServer(clinic_app(box, renderer))) as client:
        yield client
    box.close()


@pytest.fixture
def anna(box: Box) -> Person:
    """Somebody who may look."""
    return box.staff.add("Anna Berg", PASSWORD)
