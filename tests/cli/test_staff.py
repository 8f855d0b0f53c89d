"""`pacsbox staff`, as an installer uses it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from appliance.cli.context import Context
from appliance.cli.staff import staff
from tests.support.files import ROOT
from tests.support.waiting import wait_for

PASSWORD = "correct horse battery"


def run(context: Context, *words: str, piped: str = "") -> Result:
    return CliRunner().invoke(staff, words, obj=context, input=piped, catch_exceptions=False)


def test_the_password_is_piped_in(context: Context) -> None:
    assert run(context, "add", "Anna Berg", piped=f"{PASSWORD}\nmore\n").exit_code == 0
    assert context.box.staff.log_in("anna berg", PASSWORD).may == ("query", "retrieve")


def test_at_a_terminal_it_is_asked_for_twice_and_never_shown(tmp_path: Path) -> None:
    outer, inner = pty.openpty()
    environment = os.environ | {"PACSBOX_DATA_DIR": str(tmp_path / "box")}
    command = [sys.executable, "-m", "appliance.cli.main", "staff", "add", "Anna Berg", "--may", "query,store"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    shown = bytearray()

    def asks(times: int) -> bool:
        shown.extend(os.read(outer, 1024))
        return shown.count(b"characters or more:") + shown.count(b"confirmation:") == times

    for times in (1, 2):
        wait_for(lambda times=times: asks(times), 60, "the question")
        os.write(outer, f"{PASSWORD}\n".encode())
    assert process.wait(60) == 0
    shown.extend(os.read(outer, 1024))
    os.close(outer)
    assert PASSWORD.encode() not in shown
    assert b"Anna Berg may store, query" in shown


def test_the_list_tells_who_is_let_in_and_no_secret(context: Context) -> None:
    assert context.box.staff.all() == []
    assert "nobody yet" in run(context, "list").output
    run(context, "add", "Anna Berg", piped=PASSWORD)
    run(context, "add", "Carl", "--may", "query", "--may", "store", piped=PASSWORD)
    run(context, "disable", "carl")
    shown = run(context, "list").output
    assert "let in" in shown.splitlines()[0]
    assert "shut out" in shown.splitlines()[1]
    told = orjson.loads(run(context, "list", "--json").output)
    assert [row["may"] for row in told] == [["query", "retrieve"], ["store", "query"]]
    assert "argon2" not in shown + str(told)


def test_somebody_is_changed_shut_out_let_in_and_removed(context: Context) -> None:
    run(context, "add", "Anna Berg", piped=PASSWORD)
    assert "store, query" in run(context, "allow", "anna berg", "--may", "query,store").output
    assert "must log in again" in run(context, "password", "anna berg", piped="another long one").output
    assert "shut out" in run(context, "disable", "anna berg").output
    assert "may log in again" in run(context, "enable", "anna berg").output
    assert context.box.staff.log_in("Anna Berg", "another long one").may == ("store", "query")
    assert "is removed" in run(context, "remove", "anna berg").output
    assert context.box.staff.all() == []
