"""Every answer of the patient door, of whatever kind, tells the browser to be strict and to keep nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from aiohttp.test_utils import TestClient

from appliance.box import Box
from appliance.config import load
from tests.web.portal.conftest import Client, Enter, Link, Names
from web.app import public_app
from web.rendering import Renderer

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def test_every_answer_is_strict_and_kept_by_no_one(
    client: Client, link: Link, enter: Enter, names: Names
) -> None:
    item = f"{link.path}/i/{names(link)[0]}"
    shared = [link.path, f"{link.path}/images.zip", f"{item}/1.jpg", f"{item}/small.jpg", f"{item}/about.json"]
    missing = [f"{item}/document", f"{item}/film", f"{item}/9.jpg", "/s/" + "A" * 22, "/nothing", "/", "/robots.txt"]
    for _ in range(2):
        for path in shared + missing:
            async with client.get(path) as answer:
                _is_strict(answer.headers, path)
        await enter(client, link)
    async with client.post(link.path, data={"pin": link.pin}, allow_redirects=False) as answer:
        _is_strict(answer.headers, "the redirection")
    async with client.put(link.path) as answer:
        _is_strict(answer.headers, "the refusal")


def _is_strict(headers: object, path: str) -> None:
    assert hasattr(headers, "items")
    seen = dict(headers.items())
    assert seen.items() >= STRICT.items(), path
    assert seen["Cache-Control"] == "no-store", path
    assert seen["Server"] == "pacsbox", path
    policy = seen["Content-Security-Policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'"):
        assert rule in policy, path
    assert "unsafe" not in policy, path
    assert "http" not in policy, path
    assert "Strict-Transport-Security" not in seen, path


async def test_style_and_script_may_be_kept_since_their_names_change_with_them(client: Client) -> None:
    page = await (await client.get("/")).text()
    paths = re.findall(r'"(/static/[^"]+)"', page)
    assert paths
    for path in paths:
        async with client.get(path) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert STRICT.items() <= dict(answer.headers).items()


async def test_pages_hold_no_inline_script_or_style_and_name_no_other_host(
    client: Client, link: Link, enter: Enter
) -> None:
    pages = [await (await client.get(link.path)).text()]
    await enter(client, link)
    pages.append(await (await client.get(link.path)).text())
    pages.append(await (await client.get("/nothing")).text())
    for page in pages:
        assert not re.search(r"<style|style=|\son\w+=|javascript:", page)
        assert not re.search(r"(?:src|href|action)=\"(?!/)", page)
        for script in re.findall(r"<script[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script


@pytest.fixture
async def https(
    box: Box,
    renderer: Renderer,
    aiohttp_client: Callable[..., Awaitable[TestClient]],  # type: ignore[type-arg]
) -> Client:
    """A door whose links begin with https."""
    environment = {"PACSBOX_DATA_DIR": str(box.data_dir), "PACSBOX_WEB_PUBLIC_URL": "https://images.clinic.example"}
    box.config = load(environment=environment)[0]
    return await aiohttp_client(public_app(box, renderer))


async def test_behind_https_the_cookie_is_secure_and_https_is_insisted_on(https: Client, link: Link) -> None:
    async with https.post(link.path, data={"pin": link.pin}, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Set-Cookie"].startswith("__Secure-share=")
        assert "Secure" in answer.headers["Set-Cookie"].split("; ")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    origin = {"Origin": "https://images.clinic.example"}
    async with https.post(link.path, data={"pin": link.pin}, headers=origin, allow_redirects=False) as answer:
        assert answer.status == 303
