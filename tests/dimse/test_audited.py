"""What goes over DIMSE is in the audit, as dcmtk's programs ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.dimse.audited import who
from appliance.dimse.caller import Caller
from appliance.dimse.client.find import find
from appliance.storage.rows import AuditRow, Peer
from appliance.storage.sqlite import connection
from tests.support.files import brainix, knee
from tests.support.modality import MPPS, modality_of, report
from tests.support.ourselves import OURSELVES
from tests.support.querying import BRAINIX, MR, findscu, getscu, movescu, open_box, serving, stocked
from tests.support.scp import data_set, storescp, uids
from tests.support.scu import EXPLICIT, Scu
from tests.support.waiting import wait_for

STUDY = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a study of three images, which knows the caller FINDSCU as a peer."""
    with stocked(tmp_path_factory.mktemp("audited") / "box", brainix()[:3]) as made:
        made.peers.add("READING ROOM", "FINDSCU", "127.0.0.1", 104)
        made.close()
        yield made


def told(box: Box, action: str, what: str) -> AuditRow:
    """The row of the audit on this, once it is there; without its times."""

    def rows() -> list[AuditRow]:
        with box.own_storage() as storage:
            return [row for row in storage.audit.rows(limit=99) if (row.action, row.resource) == (action, what)]

    wait_for(lambda: bool(rows()), what=f"{action} {what} in the audit")
    (row,) = rows()
    return row


def test_a_query_is_told_of_with_the_peer_that_asked_and_how_many_it_found(box: Box, port: int, tmp_path: Path) -> None:
    findscu(port, tmp_path, *STUDY)
    row = told(box, "query", "C-FIND STUDY")
    assert (row.who, row.address) == ("peer READING ROOM, AE FINDSCU", "127.0.0.1")
    assert (row.study_instance_uid, row.requests, row.items, row.outcome) == (BRAINIX, 1, 1, "ok")


def test_a_query_that_was_refused_is_told_of_with_its_status(box: Box, port: int, tmp_path: Path) -> None:
    findscu(port, tmp_path, "PatientID=1")
    row = told(box, "query", "C-FIND")
    assert (row.items, row.outcome) == (0, "A900")


def test_a_fetch_is_told_of_by_the_study_though_only_images_were_named(box: Box, port: int, tmp_path: Path) -> None:
    with box.own_storage() as storage:
        one = storage.studies.instances(BRAINIX)[0].sop_instance_uid
    getscu(port, tmp_path, "QueryRetrieveLevel=IMAGE", f"SOPInstanceUID={one}")
    row = told(box, "retrieve", "C-GET")
    assert (row.who, row.study_instance_uid, row.items, row.outcome) == ("AE GETSCU", BRAINIX, 1, "ok")


def test_a_move_is_told_of_with_its_destination(box: Box, port: int, tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer:
        box.peers.add("CLINIC-B", "CLINICB", peer.host, peer.port)
        box.close()
        movescu(port, "CLINICB", *STUDY)
    row = told(box, "retrieve", "C-MOVE to CLINIC-B")
    assert (row.who, row.study_instance_uid, row.items) == ("AE MOVESCU", BRAINIX, 3)
    movescu(port, "NOBODY", *STUDY)
    assert told(box, "retrieve", "C-MOVE").outcome == "A801"


def test_worklist_and_reports_are_told_of(tmp_path: Path) -> None:
    made = open_box(tmp_path / "box")
    made.orders.add({"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}, "test")
    with modality_of(made, tmp_path / "answers") as modality:
        modality.worklist("PatientID")
        with modality.associated(MPPS) as association:
            association.send_n_create(report(), MPPS, "1.2.3.9")
            association.send_n_create(report(), MPPS, "1.2.3.9")
    with made.own_storage() as storage:
        rows = {(row.action, row.resource, row.outcome): row for row in storage.audit.rows(limit=9)}
    assert {key: (row.who, row.study_instance_uid, row.items) for key, row in rows.items()} == {
        ("worklist", "C-FIND orders", "ok"): ("peer MODALITY, AE MODALITY", "", 1),
        ("mpps", "N-CREATE", "ok"): ("peer MODALITY, AE MODALITY", "1.2.3.4", 1),
        ("mpps", "N-CREATE", "0111"): ("peer MODALITY, AE MODALITY", "", 0),
    }


def stores(box: Box) -> list[tuple[str, str, int, str]]:
    """Study, outcome, items and who, of what the audit has on C-STOREs."""
    with box.own_storage() as storage:
        rows = [row for row in storage.audit.rows(limit=9) if (row.action, row.resource) == ("store", "C-STORE")]
    return sorted((row.study_instance_uid, row.outcome, row.items, row.who) for row in rows)


def test_what_is_stored_over_an_association_is_one_note_with_its_study_if_it_is_one(tmp_path: Path) -> None:
    box = open_box(tmp_path / "box")
    box.peers.add("CT-1", "TEST", "127.0.0.1", 104)
    box.close()
    with serving(box) as port:
        for paths in (brainix()[:3], [brainix()[0], *knee()[:2], brainix()[1]]):
            with Scu(port).associate([(MR, [EXPLICIT])]) as scu:
                for path in paths:
                    assert scu.store(1, MR, uids(path)[1], data_set(path)).status == 0
        with Scu(port).associate([(MR, [EXPLICIT])]) as scu:
            assert scu.store(1, MR, "1.2.3", data_set(brainix()[0])).status == 0xA900
            assert scu.store(1, MR, "1.2.3", data_set(brainix()[0])).status == 0xA900
        with Scu(port).associate([(MR, [EXPLICIT])]):
            pass
    who = "peer CT-1, AE TEST"
    assert stores(box) == [("", "A900", 0, who), ("", "ok", 4, who), (BRAINIX, "ok", 3, who)]


def test_images_are_taken_in_while_the_index_is_broken_and_their_note_waits(tmp_path: Path) -> None:
    box = open_box(tmp_path / "box")
    box.index_path.write_bytes(b"this is no index" * 100)
    audit = box.data_dir / "audit"
    with serving(box) as port:
        with Scu(port).associate([(MR, [EXPLICIT])]) as scu:
            assert scu.store(1, MR, uids(brainix()[0])[1], data_set(brainix()[0])).status == 0
        wait_for(lambda: [*audit.glob("*.jsonl")], what="a journal that waits")
        with Scu(port).associate([(MR, [EXPLICIT])]) as scu:
            assert scu.store(1, MR, uids(brainix()[1])[1], data_set(brainix()[1])).status == 0
    assert len(box.spool("tests").waiting()) == 2
    box.index_path.unlink()
    with serving(box):
        pass
    assert stores(box) == [(BRAINIX, "ok", 1, "AE TEST"), (BRAINIX, "ok", 1, "AE TEST")]


def test_answers_do_not_wait_for_an_audit_that_cannot_be_kept_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with stocked(tmp_path / "box", brainix()[:1]) as made:
        with serving(made) as port, made.own_storage() as storage:
            peer = Peer("BOX", "PACSBOX", "127.0.0.1", port)
            with storage.transaction():
                assert len(list(find(peer, {"StudyInstanceUID": ""}, ourselves=OURSELVES))) == 1
                wait_for(lambda: [*(made.data_dir / "audit").glob("*.jsonl")], what="a journal that waits")
                assert len(list(find(peer, {"StudyInstanceUID": ""}, ourselves=OURSELVES))) == 1
        with made.own_storage() as storage:
            (row, *others) = storage.audit.rows(limit=9)
        assert sum(each.requests for each in (row, *others)) == 2


def test_strangers_without_a_title_are_told_of_by_address() -> None:
    assert who(Caller("192.0.2.7")) == "a caller without AE title"
