"""The viewer's files: compressed beforehand, kept by browsers for good, and nothing beside them."""

from __future__ import annotations

import pytest

from appliance.full_viewer import Viewer
from tests.support.viewer import BODIES
from tests.web.viewer.conftest import Client

FOLDER = "/ohif/0123456789ab/"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("br, gzip", "br"), ("gzip, deflate", "gzip"), ("identity", None), ("", None)],
)
async def test_browsers_get_the_best_form_that_they_take(staff: Client, accepted: str, encoding: str | None) -> None:
    headers = {"Accept-Encoding": accepted}
    async with staff.get(FOLDER + "app.bundle.js", headers=headers, auto_decompress=False) as answer:
        assert answer.status == 200
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert (await answer.read() == BODIES["app.bundle.js"]) is (encoding is None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.bundle.css", "text/css; charset=utf-8"),
        ("codec.wasm", "application/wasm"),
        ("assets/picture.png", "image/png"),
    ],
)
async def test_files_say_what_they_are_and_may_be_kept(patient: Client, name: str, kind: str) -> None:
    async with patient.get(FOLDER + name) as answer:
        assert await answer.read() == BODIES[name]
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        tag = answer.headers["ETag"]
    async with patient.get(FOLDER + name, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize(
    "path",
    [
        FOLDER + "secret.js",
        FOLDER + "app.bundle.js.gz",
        FOLDER + "viewer.json",
        FOLDER + "../secret.js",
        FOLDER + "%2e%2e/%2e%2e/secret.js",
        "/ohif/ffffffffffff/app.bundle.js",
    ],
)
async def test_nothing_else_is_served(patient: Client, path: str) -> None:
    async with patient.get(path) as answer:
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_file_that_is_gone_after_all_is_not_missing_for_good(staff: Client, viewer: Viewer) -> None:
    (viewer.folder / "codec.wasm").unlink()
    async with staff.get(FOLDER + "codec.wasm") as answer:
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"


async def test_only_the_worker_that_decodes_may_make_functions_of_text(staff: Client) -> None:
    for name in BODIES:
        async with staff.get(FOLDER + name) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert ("'unsafe-eval'" in policy) is (name == "decode.js")
            assert "script-src 'self' 'unsafe-inline'" not in policy
            assert "http" not in policy
