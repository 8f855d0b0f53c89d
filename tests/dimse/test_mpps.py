"""Modality performed procedure steps, reported by pynetdicom as a modality does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom.association import Association

from appliance.box import Box
from appliance.storage.rows import OrderState, StepState
from appliance.storage.sqlite import connection
from tests.support.modality import MPPS, MPPS_RETRIEVE, WORKLIST, Modality, ending, modality_of, report
from tests.support.scu import EXPLICIT, Scu, element

_UID = "1.2.3.9"


@pytest.fixture
def modality(box: Box, tmp_path: Path) -> Iterator[Modality]:
    with modality_of(box, tmp_path / "answers") as found:
        yield found


@pytest.fixture
def association(modality: Modality) -> Iterator[Association]:
    with modality.associated(MPPS) as found:
        yield found


def create(association: Association, dataset: Dataset | None = None, uid: str | None = _UID) -> Dataset:
    status: Dataset = association.send_n_create(dataset or report(), MPPS, uid)[0]
    return status


def change(association: Association, dataset: Dataset, uid: str = _UID) -> Dataset:
    status: Dataset = association.send_n_set(dataset, MPPS, uid)[0]
    return status


def test_a_step_from_its_beginning_to_its_end(box: Box, association: Association) -> None:
    order = box.orders.add({"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}, "test")
    assert create(association, report(AccessionNumber=order.accession_number)).Status == 0
    assert (box.steps.get(_UID).state, box.steps.get(_UID).source_ae) == (StepState.IN_PROGRESS, "MODALITY")
    assert box.orders.get(order.id).state is OrderState.STARTED
    assert change(association, ending("IN PROGRESS", "1.2.3.4.1.1")).Status == 0
    assert change(association, ending("COMPLETED", "1.2.3.4.1.1", "1.2.3.4.1.2")).Status == 0
    assert box.steps.get(_UID).state is StepState.COMPLETED


@pytest.mark.parametrize("final", ["COMPLETED", "DISCONTINUED"])
def test_nothing_changes_after_the_end(box: Box, association: Association, final: str) -> None:
    create(association)
    assert change(association, ending(final)).Status == 0
    for said in (ending("IN PROGRESS"), ending("COMPLETED", "1.2.3.4.1.1"), ending("DISCONTINUED")):
        status = change(association, said)
        assert (status.Status, status.ErrorID) == (0x0110, 0xA710)
        assert status.ErrorComment == "Performed Procedure Step Object may no longer be updated"
    assert box.steps.get(_UID).state == final


def test_wrong_orders_of_messages_are_refused_each_with_its_status(association: Association) -> None:
    assert change(association, ending()).Status == 0x0112
    assert create(association, report(PerformedProcedureStepStatus="COMPLETED")).Status == 0x0106
    assert create(association, report(Modality=None)).Status == 0x0120
    assert create(association, report(Modality="")).Status == 0x0121
    assert create(association, uid="1.2.0x").Status in (0x0117, 0x0110)
    assert create(association).Status == 0
    assert create(association).Status == 0x0111
    lacking = change(association, ending(PerformedProcedureStepEndDate=""))
    assert (lacking.Status, lacking.AttributeIdentifierList) == (0x0121, 0x00400250)
    assert change(association, ending(PerformedProcedureStepStatus="DONE")).Status == 0x0106
    assert change(association, ending()).Status == 0


def test_a_modality_may_leave_the_uid_to_us(box: Box, association: Association) -> None:
    status, _ = association.send_n_create(report(), MPPS, None)
    assert status.Status == 0
    (step,) = box.steps.all()
    assert step.sop_instance_uid.startswith("2.25.")


def test_names_come_in_the_character_set_that_the_report_says(box: Box, association: Association) -> None:
    said = report(PatientName="Παπαδοπούλου^Ελένη", SpecificCharacterSet="ISO_IR 126")
    assert create(association, said).Status == 0
    assert box.steps.get(_UID).patient_name == "Παπαδοπούλου^Ελένη"


def test_a_report_that_cannot_be_kept_is_refused_and_taken_when_it_comes_again(
    box: Box, association: Association, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient, box.storage.transaction():
        impatient.setattr(connection, "BUSY_SECONDS", 0.1)
        status = create(association)
    assert status.Status == 0x0110
    assert "not kept" in status.ErrorComment
    assert box.steps.all() == []
    assert create(association).Status == 0


def test_what_was_reported_is_told_to_who_asks(modality: Modality) -> None:
    with modality.associated(MPPS, MPPS_RETRIEVE) as association:
        create(association, report(PatientName="Παπαδοπούλου^Ελένη"))
        change(association, ending("IN PROGRESS", "1.2.3.4.1.1"))
        status, found = association.send_n_get([], MPPS_RETRIEVE, _UID)
        assert (status.Status, found.PatientName, found.SpecificCharacterSet) == (0, "Παπαδοπούλου^Ελένη", "ISO_IR 192")
        assert found.PerformedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.1.1"
        asked = [0x00400252, 0x00100010]
        status, found = association.send_n_get(asked, MPPS_RETRIEVE, _UID)
        assert (status.Status, found.PerformedProcedureStepStatus, len(found)) == (0, "IN PROGRESS", 3)
        status, found = association.send_n_get([*asked, 0x00402016], MPPS_RETRIEVE, _UID)
        assert (status.Status, len(found)) == (0x0001, 3)
        assert association.send_n_get([], MPPS_RETRIEVE, "1.2.3.10")[0].Status == 0x0112


def test_a_modality_may_use_the_same_message_id_for_each_request(box: Box, association: Association) -> None:
    for number in range(20):
        assert association.send_n_create(report(), MPPS, f"1.2.3.{number}", msg_id=1)[0].Status == 0


GARBAGE = {
    "noise": b"\x7f\x13\xee" * 40,
    "cut short": b"\x10\x00\x20\x00LO\x40\x004711",
    "a number that is none": b"\x20\x00\x13\x00IS\x04\x00abcd",
    "deeply nested": b"\x40\x00\x00\x01SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 3000,
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_and_the_association_goes_on(modality: Modality, data: bytes) -> None:
    contexts = [(MPPS, [EXPLICIT]), (WORKLIST, [EXPLICIT])]
    with Scu(modality.port).associate(contexts, calling=b"MODALITY".ljust(16)) as scu:
        for context, sop_class, field in ((1, MPPS, b"\x40\x01"), (3, WORKLIST, b"\x20\0")):
            body = element(0x0002, sop_class.encode()) + element(0x0100, field) + element(0x0110, b"\x07\0")
            body += element(0x0700, b"\0\0") + element(0x0800, b"\0\0")
            body += element(0x1000, _UID.encode()) if sop_class == MPPS else b""
            scu.fragment(context, 3, element(0, len(body).to_bytes(4, "little")) + body)
            for at in range(0, len(data), 16000):
                scu.fragment(context, 2 if at + 16000 >= len(data) else 0, data[at : at + 16000])
            status = scu.response().status
            assert status == 0x0110 or status == 0x0120 if sop_class == MPPS else status in (0x0000, 0xC000)
