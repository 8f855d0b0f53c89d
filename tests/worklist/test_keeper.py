"""What goes on with orders by itself: images, files, the calendar."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pydicom
import pytest

from appliance.box import Box
from appliance.config import Config, load
from appliance.dimse.received import attributes
from appliance.storage.rows import Order
from appliance.worklist.keeper import Keeper
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.support.modality import ending, report
from tests.support.waiting import wait_for
from tests.support.worklist_files import PATIENTS, worklist_file

_JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}


@pytest.fixture
def keeper(box: Box) -> Keeper:
    found = box.keeper()
    found.look(box.storage)
    return found


@pytest.fixture
def order(box: Box) -> Order:
    return box.orders.add(_JANE, "test")


def image(folder: Path, study: str, number: int = 1, **said: str) -> Path:
    """An image of Jane Doe's, with what the modality had from the worklist."""
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "4711", ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f"{study}.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number}"
    dataset.AccessionNumber = ""
    for keyword, value in said.items():
        setattr(dataset, keyword, value)
    dataset.save_as(folder / f"{number}.dcm")
    return folder / f"{number}.dcm"


def seen(box: Box, keeper: Keeper, number: int = 1) -> tuple[str, int]:
    keeper.look(box.storage)
    order = box.orders.get(number)
    return order.state, order.images


def test_from_ordered_to_complete(box: Box, fill: Fill, keeper: Keeper, order: Order, tmp_path: Path) -> None:
    study = order.study_instance_uid
    assert seen(box, keeper) == ("ordered", 0)
    box.steps.create("1.2.3", attributes(report(StudyInstanceUID=study, PatientBirthDate="")), "CT1")
    assert seen(box, keeper) == ("started", 0)
    fill([image(tmp_path, study, 1)])
    assert seen(box, keeper) == ("images here", 1)
    box.steps.update("1.2.3", attributes(ending("COMPLETED", "1.2.9.1", "1.2.9.2")))
    assert seen(box, keeper) == ("images here", 1)
    fill([image(tmp_path, study, 2)])
    assert seen(box, keeper) == ("complete", 2)
    with box.storage.transaction():
        box.storage.studies.remove_study(study)
        box.storage.events.add("study.deleted", study)
    assert seen(box, keeper) == ("complete", 0)


@pytest.mark.parametrize(("name", "state"), [("Doe^Jane", "images here"), ("Roe^Richard", "ordered")])
def test_images_with_a_study_uid_of_the_modalitys_own_are_found_by_accession_number(
    box: Box, fill: Fill, keeper: Keeper, order: Order, tmp_path: Path, name: str, state: str
) -> None:
    patient = {"PatientName": name, "PatientID": "4711" if name == "Doe^Jane" else "4712"}
    fill([image(tmp_path, "1.2.77", AccessionNumber=order.accession_number, **patient)])
    assert seen(box, keeper)[0] == state


def test_images_that_came_while_nobody_looked_are_found_at_the_start(
    box: Box, fill: Fill, order: Order, tmp_path: Path
) -> None:
    fill([image(tmp_path, order.study_instance_uid)])
    assert seen(box, box.keeper()) == ("images here", 1)


def test_orders_expire_by_configuration(box: Box, keeper: Keeper, order: Order) -> None:
    day = datetime.strptime(order.start_date, "%Y%m%d").date()  # noqa: DTZ007 - a local day
    keeper.look(box.storage, day + timedelta(days=3))
    assert box.orders.get(1).state == "ordered"
    keeper.look(box.storage, day + timedelta(days=4))
    assert box.orders.get(1).state == "expired"
    assert list(box.storage.orders.scheduled()) == []


@pytest.fixture
def watching(tmp_path: Path, config: Config) -> Iterator[Box]:
    """A box that watches a folder, its keeper running."""
    (tmp_path / "worklists").mkdir()
    environment = {"PACSBOX_DATA_DIR": str(config.data_dir), "PACSBOX_WORKLIST_FOLDER": str(tmp_path / "worklists")}
    box = Box(load(environment=environment)[0])
    with box.keeper().running():
        yield box
    box.close()


def test_a_file_that_is_put_into_the_folder_is_an_order_soon(watching: Box, tmp_path: Path) -> None:
    worklist_file(tmp_path / "worklists" / "1.wl", PATIENTS[0], 1)
    wait_for(lambda: [order.patient_id for order in watching.orders.all()] == ["P1"], 20, "the order")


def test_a_broken_index_and_a_missing_folder_are_told_once_and_waited_for(
    watching: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "worklists").rmdir()
    wait_for(lambda: "cannot be read" in caplog.text, 20, "the complaint")
    (tmp_path / "worklists").mkdir()
    worklist_file(tmp_path / "worklists" / "1.wl", PATIENTS[0], 1)
    wait_for(watching.orders.all, 20, "the order")
    assert caplog.text.count("cannot be read") == 1


def test_it_ends_when_it_is_told_to(box: Box) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=box.keeper().run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
