"""`pacsbox audit`, as staff use it."""

from __future__ import annotations

import orjson
import pytest
from click.testing import CliRunner, Result

from appliance.cli.audit import audit
from appliance.cli.context import Context
from appliance.storage.rows import AuditRow

AT = "2026-11-21T08:00:00.000+00:00"
ROWS = (
    AuditRow(AT, AT, "token Reading room", "192.0.2.7", "retrieve", "frames", "1.2.3", "ok", 20, 40),
    AuditRow(AT, AT, "unknown", "192.0.2.8", "query", "studies", "", "401", 1, 0),
)


@pytest.fixture
def context(context: Context) -> Context:
    """With something in the audit."""
    storage = context.box.storage
    with storage.transaction():
        storage.audit.add(ROWS)
    return context


def run(context: Context, *words: str) -> Result:
    return CliRunner().invoke(audit, words, obj=context, catch_exceptions=False)


def test_it_lists_who_what_and_how_many_newest_first(context: Context) -> None:
    refused, read = run(context).output.splitlines()
    assert "unknown (192.0.2.8)" in refused
    assert "REFUSED (401)" in refused
    assert "token Reading room (192.0.2.7)" in read
    assert "retrieve frames" in read
    assert "40  1.2.3" in read


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--study", "1.2.3"], 1),
        (["--who", "unknown"], 1),
        (["--limit", "1"], 1),
        (["--since", "2026-11-20"], 2),
        (["--since", "2026-11-23 10:00"], 0),
    ],
)
def test_it_narrows(context: Context, words: list[str], count: int) -> None:
    assert len(orjson.loads(run(context, *words, "--json").output)) == count


def test_it_says_when_there_is_nothing(context: Context) -> None:
    assert "Nothing" in run(context, "--who", "nobody").output
