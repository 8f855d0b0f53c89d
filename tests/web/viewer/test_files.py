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
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
    old = "Sun, 06 Nov 1994 08:49:37 GMT"
    for ask in (patient.get, patient.head):
        for known in ({"If-None-Match": tag, "If-Modified-Since": old}, {"If-Modified-Since": date}):
            async with ask(FOLDER + name, headers=known) as answer:
                assert answer.status == 304
        for other in ({"If-None-Match": '"x"', "If-Modified-Since": date}, {"If-Modified-Since": old}):
            async with ask(FOLDER + name, headers=other) as answer:
                assert answer.status == 200


async def test_a_part_of_another_form_of_a_file_is_none_of_this_one(patient: Client) -> None:
    path, whole = FOLDER + "app.bundle.js", BODIES["app.bundle.js"]
    async with patient.get(path, headers={"Range": "bytes=2-5", "Accept-Encoding": "identity"}) as answer:
        assert (answer.status, await answer.read()) == (206, whole[2:6])
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
    for said in (tag, '"other"', date, "nonsense"):
        headers = {"Range": "bytes=2-5", "If-Range": said, "Accept-Encoding": "gzip"}
        async with patient.get(path, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, whole)
            assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


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
