"""The watched folder of worklist files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from appliance.box import Box
from appliance.storage.rows import OrderState
from appliance.worklist import item as items
from appliance.worklist.folder import follow
from tests.support.worklist_files import PATIENTS, worklist_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "worklists"
    (found / "PACSBOX").mkdir(parents=True)
    return found


def states(box: Box) -> dict[str, str]:
    return {order.patient_id: order.state for order in box.orders.all()}


def test_files_are_orders_in_the_folder_and_in_one_named_for_an_ae_title(box: Box, folder: Path) -> None:
    worklist_file(folder / "1.wl", PATIENTS[0], 1)
    worklist_file(folder / "PACSBOX" / "2.wl", PATIENTS[3], 2)
    (folder / "PACSBOX" / "lockfile").touch()
    assert follow(box.storage, folder) == 2
    by_source = {order.source: order for order in box.orders.all()}
    assert by_source.keys() == {"file 1.wl", "file PACSBOX/2.wl"}
    order = by_source["file PACSBOX/2.wl"]
    assert (order.patient_name, order.station, order.start_date) == ("Müller^Jürgen", "AA3", "20261123")
    assert follow(box.storage, folder) == 0


def test_a_file_without_identifiers_gets_those_that_images_come_back_by(box: Box, folder: Path) -> None:
    worklist_file(folder / "1.wl", PATIENTS[0], 1)
    item = pydicom.dcmread(folder / "1.wl")
    del item.StudyInstanceUID
    item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID = ""
    item.save_as(folder / "1.wl")
    follow(box.storage, folder)
    (before,) = box.orders.all()
    assert before.study_instance_uid.startswith("2.25.")
    assert before.scheduled_procedure_step_id == "S0000001"
    item.PatientID = "CHANGED"
    item.save_as(folder / "1.wl")
    follow(box.storage, folder)
    (after,) = box.orders.all()
    assert (after.patient_id, after.study_instance_uid) == ("CHANGED", before.study_instance_uid)


def test_an_order_goes_with_its_file_unless_the_modality_has_begun(box: Box, folder: Path) -> None:
    for number in (0, 1):
        worklist_file(folder / f"{number}.wl", PATIENTS[number], number)
    follow(box.storage, folder)
    begun = next(order for order in box.orders.all() if order.patient_id == "P2")
    with box.storage.transaction():
        box.storage.orders.change(replace(begun, state=OrderState.STARTED))
    for number in (0, 1):
        (folder / f"{number}.wl").unlink()
    assert follow(box.storage, folder) == 2
    assert states(box) == {"P1": "cancelled", "P2": "started"}
    assert box.storage.orders.files() == {}


def test_a_half_written_file_is_told_and_read_when_it_is_whole(box: Box, folder: Path) -> None:
    worklist_file(folder / "1.wl", PATIENTS[0], 1)
    whole = (folder / "1.wl").read_bytes()
    (folder / "1.wl").write_bytes(whole[:200])
    follow(box.storage, folder)
    assert box.orders.all() == []
    assert box.storage.orders.files()["1.wl"].fault
    (folder / "1.wl").write_bytes(whole)
    follow(box.storage, folder)
    assert states(box) == {"P1": "ordered"}
    (folder / "1.wl").write_bytes(whole[:200])
    follow(box.storage, folder)
    assert states(box) == {"P1": "ordered"}
    assert items.value(box.orders.get(1).item, "AccessionNumber") == "A1"
