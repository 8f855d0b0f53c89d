"""`pacsbox send`, `transfers` and `transfer`, as staff use them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from appliance.box import Box
from appliance.errors import NotFoundError
from appliance.service import only_one
from tests.cli.conftest import Pacsbox
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.programs import free_port
from tests.support.scp import acceptor, storescp
from tests.support.sending import at_work


@pytest.fixture
def study(box: Box, fill: Fill) -> str:
    """The UID of a study of three images; there is a peer, too, that is down."""
    fill(brainix()[:3])
    box.peers.add("CLINIC-B", "STORESCP", "127.0.0.1", free_port())
    return next(box.storage.studies.study_uids())


def test_a_study_is_queued(pacsbox: Pacsbox, study: str) -> None:
    done = pacsbox("send", study, "clinic-b")
    assert done.exit_code == 0
    assert done.stdout == "Transfer 1: 3 images to CLINIC-B.\n"
    assert "The sender of this box is not running" in done.stderr
    assert pacsbox("transfers").stdout == f"1  {study}  CLINIC-B  queued  0 of 3\n"


def test_a_sender_that_runs_is_not_missed(box: Box, pacsbox: Pacsbox, study: str) -> None:
    with only_one(box.run_dir, "sender"):
        assert pacsbox("send", study, "CLINIC-B").stderr == ""


def test_unknown_studies_and_peers_are_said_so(pacsbox: Pacsbox, study: str) -> None:
    with pytest.raises(NotFoundError, match="no peer"):
        pacsbox("send", study, "CLINIC-D")
    with pytest.raises(NotFoundError, match="no study"):
        pacsbox("send", "1.2.3", "CLINIC-B")
    with pytest.raises(NotFoundError, match="no transfer 9"):
        pacsbox("transfer", "cancel", "9")


def test_waiting_ends_when_it_has_arrived(box: Box, pacsbox: Pacsbox, study: str, tmp_path: Path) -> None:
    port = box.peers.get("CLINIC-B").port
    with storescp(tmp_path / "peer", port=port), at_work(box.sender()):
        done = pacsbox("send", study, "CLINIC-B", "--wait")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "CLINIC-B  done  3 of 3"
    assert len(list((tmp_path / "peer").iterdir())) == 3
    assert pacsbox("transfers").stdout == "Nothing is on its way, and nothing failed.\n"
    assert "done  3 of 3" in pacsbox("transfers", "--all").stdout


def test_waiting_ends_with_exit_status_1_when_it_fails(box: Box, pacsbox: Pacsbox, study: str) -> None:
    with acceptor(calling=["SOMEONE"]) as scp, at_work(box.sender()):
        box.peers.add("CLINIC-C", "ACCEPTOR", "127.0.0.1", scp.peer.port)
        done = pacsbox("send", study, "CLINIC-C", "--wait")
    assert done.exit_code == 1
    assert done.stdout.endswith("failed  0 of 3  CLINIC-C did not accept our AE title PACSBOX: ask them to add it.\n")


def test_what_failed_is_listed_shown_and_tried_again(box: Box, pacsbox: Pacsbox, study: str) -> None:
    with acceptor(lambda _: 0xC001 if len(scp.received) == 2 else 0) as scp:
        box.peers.add("CLINIC-C", "ACCEPTOR", "127.0.0.1", scp.peer.port)
        with at_work(box.sender()):
            assert pacsbox("send", study, "CLINIC-C", "--wait").exit_code == 1
            (listed,) = orjson.loads(pacsbox("transfers", "--json").stdout)
            assert (listed["state"], listed["sent"], listed["refused"]) == ("failed", 2, 1)
            lines = pacsbox("transfer", "show", "1").stdout.splitlines()
            assert lines[0].endswith("1 of 3 images not sent: CLINIC-C could not make sense of it (C001).")
            assert lines[1] == f"  {scp.received[1]}  CLINIC-C could not make sense of it (C001)."
        assert pacsbox("transfer", "retry", "1").stdout == "Transfer 1 is queued again.\n"
        again = pacsbox("transfer", "retry", "1")
        assert (again.exit_code, again.stderr) == (1, "Transfer 1 is queued: it is neither failed nor cancelled.\n")


def test_a_transfer_is_cancelled_once(pacsbox: Pacsbox, study: str) -> None:
    pacsbox("send", study, "CLINIC-B")
    assert pacsbox("transfer", "cancel", "1").stdout == "Transfer 1 is cancelled.\n"
    again = pacsbox("transfer", "cancel", "1")
    assert (again.exit_code, again.stderr) == (1, "Transfer 1 is cancelled: it is over already.\n")
    assert pacsbox("transfers").stdout == "Nothing is on its way, and nothing failed.\n"
