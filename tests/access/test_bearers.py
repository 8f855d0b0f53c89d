"""Passes for one study: what they open, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from appliance.access.scope import EVERYTHING, NotAllowedError, Permission, Scope
from appliance.access.tokens import TokenRefusedError
from appliance.box import Box

PASSWORD = "correct horse battery"
UID = "1.2.840.99"


def anna(box: Box) -> Scope:
    person = box.staff.add("Anna Berg", PASSWORD, list(Permission))
    return box.staff.scope(person.id, person.session_epoch)


def test_a_pass_opens_one_study_for_looking(box: Box) -> None:
    given = box.bearers.pass_for(UID, anna(box), 15)
    scope = box.bearers.scope(given.text)
    assert scope.who == "staff Anna Berg by link"
    assert scope.may == {Permission.QUERY, Permission.RETRIEVE}
    assert scope.sees(UID)
    assert not scope.sees("1.2.3")
    assert timedelta(minutes=14) < given.expires - datetime.now(UTC) <= timedelta(minutes=15)


def test_a_program_s_token_is_taken_as_before(box: Box) -> None:
    assert box.bearers.scope(box.tokens.create("PACS", ["query"]).text).who == "token PACS"
    with pytest.raises(TokenRefusedError):
        box.bearers.scope("nonsense")


def test_no_name_is_written_into_it(box: Box) -> None:
    claims = jwt.decode(box.bearers.pass_for(UID, anna(box), 15).text, options={"verify_signature": False})
    assert claims.keys() == {"aud", "sub", "exp", "by", "jti"}
    assert "Anna" not in str(claims)


def test_it_ends_by_itself(box: Box) -> None:
    claims = {"aud": "study", "sub": UID, "by": "console", "exp": datetime.now(UTC) - timedelta(seconds=1)}
    with pytest.raises(TokenRefusedError, match="expired"):
        box.bearers.scope(jwt.encode(claims, box.secret("pass.key"), "HS256"))


@pytest.mark.parametrize("deed", ["disable", "remove"])
def test_it_ends_with_what_let_its_maker_in(box: Box, deed: str) -> None:
    given = box.bearers.pass_for(UID, anna(box), 15)
    getattr(box.staff, deed)("Anna Berg")
    with pytest.raises(TokenRefusedError, match="not let in any more"):
        box.bearers.scope(given.text)


def test_it_ends_with_the_token_of_the_program_that_made_it(box: Box) -> None:
    made = box.tokens.create("RIS", ["query", "retrieve"]).text
    given = box.bearers.pass_for(UID, box.bearers.scope(made), 15)
    assert box.bearers.scope(given.text).who == "token RIS by link"
    box.tokens.revoke("RIS")
    with pytest.raises(TokenRefusedError):
        box.bearers.scope(given.text)


def test_whoever_came_by_a_pass_makes_no_other(box: Box) -> None:
    scope = box.bearers.scope(box.bearers.pass_for(UID, Scope("console", EVERYTHING), 15).text)
    assert scope.who == "console by link"
    with pytest.raises(NotAllowedError):
        box.bearers.pass_for(UID, scope, 15)


@pytest.mark.parametrize("may", [{Permission.QUERY}, {Permission.RETRIEVE}, {Permission.STORE}])
def test_nobody_passes_on_what_they_may_not(box: Box, may: set[Permission]) -> None:
    with pytest.raises(NotAllowedError):
        box.bearers.pass_for(UID, Scope("token X", frozenset(may)), 15)


@pytest.mark.parametrize("key", [b"k" * 32, None])
def test_nobody_else_signs_one(box: Box, key: bytes | None) -> None:
    claims = {"aud": "study", "sub": UID, "by": "console", "exp": datetime.now(UTC) + timedelta(minutes=1)}
    text = jwt.encode(claims, key, "HS256" if key else "none")
    with pytest.raises(TokenRefusedError):
        box.bearers.scope(text)
    signed_as_token = jwt.encode(claims | {"aud": "pacsbox"}, box.secret("pass.key"), "HS256")
    with pytest.raises(TokenRefusedError):
        box.bearers.scope(signed_as_token)
