"""One table from the core's errors to HTTP."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from appliance.dicom.source import NothingToShowError
from appliance.errors import AlreadyExistsError, IndexUnavailableError, NotFoundError, StorageFullError
from appliance.shares.sharing import Refusal, ShareRefusedError
from web import errors
from web.archived import ArchiveFaultError
from web.rendering import PictureFailedError


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (NotFoundError("no"), 404),
        (AlreadyExistsError("taken"), 409),
        (StorageFullError("full"), 507),
        (IndexUnavailableError("locked"), 503),
        (PictureFailedError("crashed"), 503),
        (NothingToShowError("nothing"), 404),
        (ArchiveFaultError("00/1.dcm", "is missing"), 500),
        (FileNotFoundError(), 500),
        (KeyError("x"), 500),
        (LookupError("x"), 404),
        (ValueError("x"), 400),
        (web.HTTPRequestEntityTooLarge(1, 2), 413),
        (RuntimeError("x"), 500),
        (PermissionError(), 500),
    ],
)
def test_faults_have_their_status(fault: Exception, status: int) -> None:
    assert errors.status(fault) == status


def test_every_refusal_of_a_share_has_its_status() -> None:
    assert {refusal: errors.status(ShareRefusedError(refusal)) for refusal in Refusal} == {
        Refusal.UNKNOWN: 404,
        Refusal.EXPIRED: 410,
        Refusal.REVOKED: 410,
        Refusal.GONE: 410,
        Refusal.LOCKED: 423,
        Refusal.WRONG_PIN: 401,
        Refusal.NO_SESSION: 401,
    }


Connect = Callable[..., Awaitable[TestClient[Any, Any]]]


async def test_a_fault_of_ours_is_logged_without_its_words_and_told_without_detail(
    aiohttp_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError(request.query["name"])

    app = web.Application(middlewares=[errors.middleware(errors.plain)])
    app.router.add_get("/", broken)
    client = await aiohttp_client(app)
    with caplog.at_level(logging.ERROR):
        async with client.get("/?name=Doe") as answer:
            assert answer.status == 500
            assert "Doe" not in await answer.text()
    assert "RuntimeError" in caplog.text
    assert "in broken" in caplog.text
    assert "Doe" not in caplog.text


async def test_a_mistake_that_looks_like_an_odd_request_says_in_the_log_where_it_was_made(
    aiohttp_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def odd(request: web.Request) -> web.Response:
        raise ValueError(request.query["name"])

    app = web.Application(middlewares=[errors.middleware(errors.plain)])
    app.router.add_get("/", odd)
    client = await aiohttp_client(app)
    with caplog.at_level(logging.INFO, "web.errors"):
        assert (await client.get("/?name=Doe")).status == 400
    (said,) = [record.getMessage() for record in caplog.records if record.name == "web.errors"]
    assert said.startswith("400 for ValueError at test_errors.py:")
