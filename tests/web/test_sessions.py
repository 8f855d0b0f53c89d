"""The cookie: what it says, when it ends, and that nobody else can write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from appliance.storage.rows import Share
from web.sessions import Session, Sessions

KEY = b"k" * 32
SHARE = Share(7, "1.2.3", "c0de", "pin", "", "", "", 0, 3)


def opened(sessions: Sessions) -> SimpleCookie:
    response = web.Response()
    sessions.open(response, "/s/abc", SHARE)
    return response.cookies


def read(sessions: Sessions, cookie: str) -> Session | None:
    return sessions.read(make_mocked_request("GET", "/s/abc", {"Cookie": cookie}))


def test_what_was_written_is_read_back() -> None:
    sessions = Sessions(KEY, 60, secure=False)
    value = opened(sessions)["share"].value
    session = read(sessions, f"share={value}")
    assert session is not None
    assert (session.share_id, session.epoch) == (7, 3)
    assert jwt.decode(value, options={"verify_signature": False}).keys() == {"aud", "sub", "epoch", "jti", "iat", "exp"}


def test_behind_https_it_never_travels_without() -> None:
    cookie = opened(Sessions(KEY, 60, secure=True))["__Secure-share"]
    assert cookie["secure"] is True
    assert cookie["httponly"] is True
    assert cookie["path"] == "/s/abc"


def claims(**changes: object) -> dict[str, object]:
    now = datetime.now(UTC)
    return {"aud": "share", "sub": "7", "epoch": 3, "jti": "x", "iat": now, "exp": now + timedelta(minutes=1)} | changes


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(claims(), b"x" * 32, "HS256"),
        jwt.encode(claims(exp=datetime.now(UTC) - timedelta(seconds=1)), KEY, "HS256"),
        jwt.encode(claims(aud="staff"), KEY, "HS256"),
        jwt.encode(claims(sub="seven"), KEY, "HS256"),
        jwt.encode(claims(epoch="three"), KEY, "HS256"),
        jwt.encode({"sub": "7", "epoch": 3, "jti": "x", "aud": "share"}, KEY, "HS256"),
        jwt.encode(claims(), None, "none"),
        "",
        "a.b.c",
    ],
)
def test_forged_foreign_old_and_broken_ones_are_none(token: str) -> None:
    assert read(Sessions(KEY, 60, secure=False), f"share={token}") is None


def test_it_can_be_taken_back() -> None:
    response, request = web.Response(), make_mocked_request("POST", "/s/abc/leave")
    Sessions(KEY, 60, secure=True).close(request, response, "/s/abc")
    cookie = response.cookies["__Secure-share"]
    assert (cookie.value, cookie["path"], str(cookie["max-age"])) == ("", "/s/abc", "0")


def test_what_was_taken_back_is_over_for_every_copy_of_it_and_for_no_other() -> None:
    sessions = Sessions(KEY, 60, secure=False)
    ours, other = (f"share={opened(sessions)['share'].value}" for _ in range(2))
    sessions.close(make_mocked_request("POST", "/s/abc/leave", {"Cookie": ours}), web.Response(), "/s/abc")
    assert read(sessions, ours) is None
    assert read(sessions, other) is not None


def test_closed_ones_are_remembered_only_until_they_would_have_run_out() -> None:
    sessions = Sessions(KEY, -1, secure=False)
    sessions._ended["old"] = 0.0
    sessions.close(make_mocked_request("POST", "/s/abc/leave"), web.Response(), "/s/abc")
    assert sessions._ended == {}
