"""What the tests of disks need: without it they are skipped, or fail where peers are required."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support import disks


@pytest.mark.parametrize(("required", "outcome"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
@pytest.mark.parametrize("missing", ["/dev/loop-control", "/dev/fuse", "unshare"])
def test_a_lack_is_named_and_fails_where_peers_are_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException], missing: str
) -> None:
    refused = subprocess.CompletedProcess((), int(missing == "unshare"), "", "unshare: Operation not permitted")
    monkeypatch.setenv("PACSBOX_REQUIRE_PEERS", required)
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != missing)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(outcome, match=missing):
        disks.needed()
