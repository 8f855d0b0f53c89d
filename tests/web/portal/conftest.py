"""A patient door with a shared study behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient
from blockbuster import blockbuster_ctx

from appliance.box import Box
from appliance.shares.sharing import NewShare
from tests.conftest import Fill
from tests.support.files import PYDICOM
from web.app import public_app
from web.rendering import Renderer

CT = PYDICOM / "test_files" / "CT_small.dcm"

Client = TestClient[Any, Any]


@dataclass(frozen=True)
class Link:
    """A share as its patient has it."""

    new: NewShare

    @property
    def path(self) -> str:
        return urlsplit(self.new.link).path

    @property
    def code(self) -> str:
        return self.path.rsplit("/", 1)[1]

    @property
    def id(self) -> int:
        return self.new.share.id

    @property
    def pin(self) -> str:
        return self.new.pin

    @property
    def wrong_pin(self) -> str:
        return "135790" if self.pin != "135790" else "246801"


Shared = Callable[..., Link]


@pytest.fixture
def shared(box: Box) -> Shared:
    """Makes a link to the study of a file that is in the box, the newest by default."""

    def make(study_instance_uid: str = "", **options: Any) -> Link:
        uid = study_instance_uid or box.storage.studies.search("", 1)[0].study_instance_uid
        return Link(box.sharing.create(uid, **options))

    return make


@pytest.fixture
def link(fill: Fill, shared: Shared) -> Link:
    """A link to a study of one CT picture."""
    fill([CT])
    return shared()


@pytest.fixture
async def client(
    box: Box, renderer: Renderer, aiohttp_client: Callable[..., Awaitable[Client]]
) -> AsyncIterator[Client]:
    """A browser at the patient door; a handler that blocks the event loop fails."""
    made = await aiohttp_client(public_app(box, renderer))
    with blockbuster_ctx(["web"]):
        yield made


Enter = Callable[[Client, Link], Awaitable[None]]


@pytest.fixture
def enter() -> Enter:
    """Types the PIN."""

    async def give(client: Client, link: Link) -> None:
        async with client.post(link.path, data={"pin": link.pin}, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()

    return give


Names = Callable[[Link], list[str]]


@pytest.fixture
def names(box: Box) -> Names:
    """The names in addresses of everything in a share, in order."""

    def of(link: Link) -> list[str]:
        share = box.sharing.get(link.id)
        return [item.name for stack in box.sharing.album(share).stacks for item in stack.items]

    return of
