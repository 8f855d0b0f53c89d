"""`pacsbox share` as staff type it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.box import Box
from appliance.cli.main import cli
from appliance.dicom.model import moment
from tests.conftest import Fill
from tests.shares.test_qr import photograph, read
from tests.support.files import PYDICOM

Command = Callable[..., Result]


@pytest.fixture
def pacsbox(box: Box, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command on the test's box; `fails` says that it should."""
    monkeypatch.setenv("PACSBOX_DATA_DIR", str(box.data_dir))

    def run(*words: str, fails: type[Exception] | None = None) -> Result:
        done = CliRunner().invoke(cli, ["share", *words], catch_exceptions=fails is not None)
        assert fails is None or isinstance(done.exception, fails)
        return done

    return run


@pytest.fixture
def uid(box: Box, fill: Fill) -> str:
    fill([PYDICOM / "test_files" / "CT_small.dcm"])
    return next(box.storage.studies.study_uids())


def test_create_prints_link_pin_expiry_and_a_code_that_a_phone_reads(
    pacsbox: Command, uid: str, box: Box, tmp_path: Path
) -> None:
    said = pacsbox("create", uid).output
    link = re.search(r"^Link +(\S+)$", said, re.M)
    pin = re.search(r"^PIN +(\d{6})$", said, re.M)
    assert link
    assert pin
    share = box.sharing.unlock(link[1].rsplit("/", 1)[1], pin[1], "")
    assert f"Expires  {moment(share.expires).astimezone():%Y-%m-%d %H:%M}" in said
    drawn = [line for line in said.splitlines() if line and set(line) <= set(" ▄▀█")]
    assert read(photograph(drawn, tmp_path / "code.png")) == link[1]


def test_create_warns_of_a_link_that_no_phone_can_open(
    pacsbox: Command, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warning = "No phone can open this link: the box has no public address yet (web.public_url)."
    assert warning in pacsbox("create", uid).stderr
    monkeypatch.setenv("PACSBOX_WEB_PUBLIC_URL", "https://images.clinic.example")
    assert pacsbox("create", uid).stderr == ""


def test_create_for_programs(pacsbox: Command, uid: str, box: Box) -> None:
    said = json.loads(pacsbox("create", uid, "--days", "3", "--pin", "193755", "--json").output)
    assert said["pin"] == "193755"
    assert timedelta(days=2.9) < moment(said["expires"]) - datetime.now(UTC) <= timedelta(days=3)
    assert box.sharing.unlock(said["link"].rsplit("/", 1)[1], "193755", "").id == said["share"]


def test_what_cannot_be_shared_is_told(pacsbox: Command, uid: str) -> None:
    assert "exclude each other" in pacsbox("create", uid, "--pin", "193755", "--no-pin").output
    pacsbox("create", "1.2.3", fails=Exception)
    pacsbox("create", uid, "--pin", "123456", fails=ValueError)
    pacsbox("create", uid, "--no-pin", fails=ValueError)
    pacsbox("create", uid, "--days", "0", fails=ValueError)


def test_no_pin_where_policy_allows_it(pacsbox: Command, uid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACSBOX_SHARES_PIN", "optional")
    assert "whoever has the link" in pacsbox("create", uid, "--no-pin").output


def test_list_says_whom_it_is_for_and_how_often_it_was_opened(pacsbox: Command, uid: str, box: Box) -> None:
    assert "no shares yet" in pacsbox("list").output
    new = box.sharing.create(uid)
    assert "CompressedSamples" in pacsbox("list").output
    assert "not opened" in pacsbox("list").output
    box.sharing.unlock(new.link.rsplit("/", 1)[1], new.pin, "192.0.2.1")
    assert "opened 1 x" in pacsbox("list").output
    listed = json.loads(pacsbox("list", "--json").output)
    assert [(one["share"], one["status"], one["opened"], one["pin"]) for one in listed] == [(1, "active", 1, True)]
    assert "hash" not in json.dumps(listed)


def test_revoke_rearm_and_log(pacsbox: Command, uid: str, box: Box) -> None:
    new = box.sharing.create(uid)
    code = new.link.rsplit("/", 1)[1]
    assert "Nobody has opened share 1 yet" in pacsbox("log", "1").output
    pin = re.search(r"new PIN is (\d{6})", pacsbox("rearm", "1").output)
    assert pin
    box.sharing.unlock(code, pin[1], "192.0.2.1")
    assert re.search(r"192\.0\.2\.1 +opened$", pacsbox("log", "1").output, re.M)
    assert json.loads(pacsbox("log", "1", "--json").output)[0]["what"] == "opened"
    assert "revoked" in pacsbox("revoke", "1").output
    assert " revoked " in pacsbox("list").output
    pacsbox("revoke", "7", fails=Exception)


def test_a_share_of_a_deleted_study_is_still_listed(pacsbox: Command, uid: str, box: Box) -> None:
    box.sharing.create(uid)
    with box.storage.transaction():
        box.storage.studies.remove_study(uid)
    assert "(study deleted)" in pacsbox("list").output
