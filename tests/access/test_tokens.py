"""Access tokens: made, used, ended."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from appliance import events
from appliance.access.scope import NotAllowedError, Permission
from appliance.access.tokens import TokenRefusedError
from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError
from appliance.storage.rows import Token


def signed(box: Box, **claims: object) -> str:
    known = {"aud": "pacsbox", "jti": "x", "exp": datetime.now(UTC) + timedelta(hours=1)}
    return jwt.encode(
        {key: value for key, value in (known | claims).items() if value}, box.secret("token.key"), "HS256"
    )


def test_a_token_opens_what_it_was_made_for_and_nothing_else(box: Box) -> None:
    scope = box.tokens.scope(box.tokens.create("Reading room", ["query", "retrieve"]).text)
    assert scope.who == "token Reading room"
    assert scope.sees("1.2.3")
    scope.check(Permission.QUERY)
    scope.check(Permission.RETRIEVE)
    with pytest.raises(NotAllowedError, match="store"):
        scope.check(Permission.STORE)


def test_the_text_is_not_kept(box: Box) -> None:
    text = box.tokens.create("A", ["query"]).text
    box.storage.studies.count()
    kept = b"".join(path.read_bytes() for path in box.index_path.parent.iterdir())
    assert text.split(".")[2].encode() not in kept


def test_a_revoked_token_is_refused_at_once_and_its_name_is_free_again(box: Box) -> None:
    first = box.tokens.create("PACS", ["query"])
    box.tokens.revoke("pacs")
    with pytest.raises(TokenRefusedError, match="revoked"):
        box.tokens.scope(first.text)
    second = box.tokens.create("PACS", ["store"])
    assert box.tokens.scope(second.text).may == {Permission.STORE}
    assert [token.revoked != "" for token in box.tokens.all()] == [False, True]


def test_a_name_in_use_is_taken_in_whatever_case(box: Box) -> None:
    box.tokens.create("Reading room", ["query"])
    with pytest.raises(AlreadyExistsError, match="already"):
        box.tokens.create("READING  ROOM", ["query"])


def test_an_unknown_token_cannot_be_revoked(box: Box) -> None:
    with pytest.raises(NotFoundError):
        box.tokens.revoke("nobody")


def test_a_token_ends_with_its_days_even_if_its_note_says_otherwise(box: Box) -> None:
    past = events.stamp(datetime.now(UTC) - timedelta(minutes=1))
    with box.storage.transaction():
        box.storage.tokens.add(Token("old", "old", ("query",), past, past))
    with pytest.raises(TokenRefusedError, match="expired"):
        box.tokens.scope(signed(box, jti="old"))
    with pytest.raises(TokenRefusedError, match="expired"):
        box.tokens.scope(signed(box, jti="old", exp=datetime.now(UTC) - timedelta(minutes=1)))


@pytest.mark.parametrize(
    "flaw", ["key", "none", "audience", "no end", "no number", "unknown", "garbage", "empty", "cut"]
)
def test_what_is_no_token_of_this_box_is_refused(box: Box, flaw: str) -> None:
    new = box.tokens.create("A", ["query"])
    text = {
        "key": jwt.encode({"aud": "pacsbox", "jti": new.token.id, "exp": 4e9}, b"k" * 32, "HS256"),
        "none": jwt.encode({"aud": "pacsbox", "jti": new.token.id, "exp": 4e9}, None, "none"),
        "audience": signed(box, jti=new.token.id, aud="share"),
        "no end": signed(box, jti=new.token.id, exp=None),
        "no number": signed(box, jti=None),
        "unknown": signed(box, jti="elsewhere"),
        "garbage": "\ud800 not a token",
        "empty": "",
        "cut": new.text[:-5],
    }[flaw]
    with pytest.raises(TokenRefusedError, match="no token of this box"):
        box.tokens.scope(text)


@pytest.mark.parametrize(
    ("name", "may", "days", "reason"),
    [
        ("", ["query"], 1, "name"),
        ("x" * 65, ["query"], 1, "name"),
        ("a\x1bb", ["query"], 1, "name"),
        ("a", [], 1, "say what"),
        ("a", ["read"], 1, "'read'"),
        ("a", ["query"], 0, "days"),
        ("a", ["query"], 4000, "days"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(box: Box, name: str, may: list[str], days: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        box.tokens.create(name, may, days)


def test_making_and_ending_a_token_are_news(box: Box) -> None:
    box.tokens.create("A", ["query"])
    box.tokens.revoke("A")
    news = [event.detail for event in box.storage.events.since(0) if event.kind == events.TOKEN_CHANGED]
    assert news == [{"token": "A", "what": "created"}, {"token": "A", "what": "revoked"}]


def test_two_at_once_cannot_take_the_same_name(box: Box) -> None:
    made: list[str] = []

    def make() -> None:
        try:
            made.append(box.tokens.create("same", ["query"]).text)
        except AlreadyExistsError:
            pass
        finally:
            box.close()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
