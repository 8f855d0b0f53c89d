"""`pacsbox token`, as staff use it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from click.testing import CliRunner, Result

from appliance.access.scope import Permission
from appliance.access.tokens import TokenRefusedError
from appliance.cli.context import Context
from appliance.cli.token import token


def run(context: Context, *words: str) -> Result:
    return CliRunner().invoke(token, words, obj=context, catch_exceptions=False)


def test_a_new_token_is_the_only_thing_on_standard_output(context: Context) -> None:
    done = run(context, "create", "Reading room", "--may", "query", "--may", "retrieve")
    assert done.exit_code == 0
    scope = context.box.tokens.scope(done.stdout.strip())
    assert scope.may == {Permission.QUERY, Permission.RETRIEVE}
    assert "cannot be shown again" in done.stderr


def test_permissions_may_be_listed_by_comma_and_the_answer_be_json(context: Context) -> None:
    done = run(context, "create", "PACS", "--may", "store,query", "--days", "3", "--json")
    told = orjson.loads(done.stdout)
    assert told["may"] == ["store", "query"]
    assert context.box.tokens.scope(told["text"]).who == "token PACS"


def test_the_list_tells_names_states_and_no_secret(context: Context) -> None:
    assert context.box.tokens.all() == []
    assert "no tokens yet" in run(context, "list").output
    text = run(context, "create", "A", "--may", "query").stdout.strip()
    run(context, "create", "B", "--may", "store")
    run(context, "revoke", "A")
    listed = run(context, "list").output
    assert [line.split()[0] for line in listed.splitlines()] == ["in", "revoked"]
    assert text not in listed
    assert [known["status"] for known in orjson.loads(run(context, "list", "--json").output)] == ["in use", "revoked"]


def test_a_revoked_token_opens_nothing(context: Context) -> None:
    text = run(context, "create", "A", "--may", "query").stdout.strip()
    assert run(context, "revoke", "a").exit_code == 0
    with pytest.raises(TokenRefusedError):
        context.box.tokens.scope(text)


def test_a_permission_that_is_none_is_refused_in_a_sentence(context: Context) -> None:
    with pytest.raises(ValueError, match="'read' is none of these"):
        run(context, "create", "A", "--may", "read")


def test_a_token_may_end_on_a_day(context: Context) -> None:
    told = orjson.loads(
        run(
            context,
            "create",
            "PACS",
            "--may",
            "store",
            "--expires",
            f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}",
            "--json",
        ).output
    )
    assert 88 < (datetime.fromisoformat(told["expires"]) - datetime.now(UTC)).days + 1 <= 91
    with pytest.raises(ValueError, match="a token ends"):
        run(context, "create", "Late", "--may", "store", "--expires", "2020-01-01")


def test_making_and_revoking_are_in_the_audit(context: Context) -> None:
    run(context, "create", "A", "--may", "query")
    run(context, "revoke", "A")
    noted = [(row.who, row.action, row.resource) for row in context.box.storage.audit.rows()]
    assert noted == [("staff", "revoke", "token A"), ("staff", "create", "token A")]
