"""Who may ask at the clinic door, and for what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from appliance.box import Box
from appliance.config import Config, load
from tests.support.clinic import ROOT
from tests.support.files import brainix
from tests.support.indexing import stock
from web.app import clinic_app
from web.rendering import Renderer

Ask = Callable[..., Awaitable[ClientResponse]]
STUDIES = f"{ROOT}/studies"


def configured(config: Config, bind: str) -> Config:
    environment = {"PACSBOX_DATA_DIR": str(config.data_dir), "PACSBOX_WEB_CLINIC_BIND": bind}
    return load(environment=environment)[0]


@pytest.fixture
async def home(box: Box, renderer: Renderer) -> TestClient[Request, Application]:
    """The door as it is by default: for this machine alone."""
    async with TestClient(TestServer(clinic_app(box, renderer))) as client:
        yield client


@pytest.fixture
async def lan(config: Config, renderer: Renderer) -> TestClient[Request, Application]:
    """The door as it is when it listens beyond this machine (what a test server does not)."""
    box = Box(configured(config, "0.0.0.0"))
    async with TestClient(TestServer(clinic_app(box, renderer))) as client:
        yield client
    box.close()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def test_a_program_on_this_machine_needs_no_token(home: TestClient[Request, Application]) -> None:
    assert (await home.get(STUDIES)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"CF-Connecting-IP": "192.0.2.7"},
        {"X-Forwarded-Proto": "https"},
        {"CF-Ray": "1-FRA"},
        {"Via": "1.1 proxy"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "127.0.0.1:1"},
        {"Host": "localhost:99999"},
        {"Host": "[::1"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8042"},
        {"Host": "192.0.2.7:8042"},
    ],
)
async def test_who_comes_through_a_proxy_or_by_another_name_is_not_on_this_machine(
    home: TestClient[Request, Application], headers: dict[str, str]
) -> None:
    assert (await home.get(STUDIES, headers=headers)).status == 401


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "LOCALHOST"])
async def test_every_name_of_this_machine_will_do(home: TestClient[Request, Application], host: str) -> None:
    assert (await home.get(STUDIES, headers={"Host": f"{host}:{home.port}"})).status == 200


async def test_a_client_that_leaves_the_port_out_of_host_is_let_in(home: TestClient[Request, Application]) -> None:
    # as dicomweb-client does
    assert (await home.get(STUDIES, headers={"Host": "127.0.0.1"})).status == 200


async def test_a_proxy_that_tells_only_by_its_old_http_is_not_on_this_machine(
    home: TestClient[Request, Application],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
    writer.write(f"GET {STUDIES} HTTP/1.0\r\nHost: 127.0.0.1:{home.port}\r\n\r\n".encode())
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()
    await writer.wait_closed()


async def test_beyond_this_machine_nobody_is_let_in_without_a_token(lan: TestClient[Request, Application]) -> None:
    for path in ("/studies", "/series", "/studies/1.2", "/studies/1.2/metadata", "/studies/1.2/series/1/instances/2"):
        answer = await lan.get(ROOT + path)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pacsbox"'
        assert "token" in await answer.text()


async def test_a_token_opens_what_it_is_good_for(lan: TestClient[Request, Application], box: Box) -> None:
    stock(box, brainix()[0])
    (study,) = box.storage.studies.study_uids()
    query = bearer(box.tokens.create("Q", ["query"]).text)
    retrieve = bearer(box.tokens.create("R", ["retrieve"]).text)
    assert (await lan.get(STUDIES, headers=query)).status == 200
    assert (await lan.get(STUDIES, headers=retrieve)).status == 403
    for path in ("", "/metadata"):
        refused = await lan.get(f"{STUDIES}/{study}{path}", headers=query)
        assert refused.status == 403
        assert await refused.text() == "This access does not include: retrieve.\n"
        assert (await lan.get(f"{STUDIES}/{study}{path}", headers=retrieve)).status == 200


async def test_a_bad_token_is_refused_even_where_none_is_needed(
    home: TestClient[Request, Application], box: Box
) -> None:
    answer = await home.get(STUDIES, headers=bearer("nonsense"))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pacsbox", error="invalid_token"'
    for said in ("Basic dXNlcjpwdw==", "Bearer", "", "Bearer  "):
        assert (await home.get(STUDIES, headers={"Authorization": said})).status == 401


async def test_a_revoked_token_opens_nothing_any_more(lan: TestClient[Request, Application], box: Box) -> None:
    text = box.tokens.create("A", ["query"]).text
    assert (await lan.get(STUDIES, headers=bearer(text))).status == 200
    box.tokens.revoke("A")
    answer = await lan.get(STUDIES, headers=bearer(text))
    assert answer.status == 401
    assert await answer.text() == "The token was revoked.\n"


async def test_no_answer_quotes_the_token(lan: TestClient[Request, Application]) -> None:
    answer = await lan.get(STUDIES, headers=bearer("very.secret.token"))
    assert "secret" not in str(answer.headers) + await answer.text()
