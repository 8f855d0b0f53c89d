"""One order's whole journey, over real processes: desk, modality, images, complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM
from tests.support.modality import MPPS, STEP, Modality, ending, report
from tests.support.waiting import wait_for

_CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(tmp_path)
    box.box.peers.add("MODALITY", "MODALITY", "127.0.0.1", 104)
    yield box.start("receiver", "indexer")
    box.stop()


def performed(association: Association, item: Dataset) -> None:
    """What a CT does with an item of its worklist: begin, two images, end."""
    step = item.ScheduledProcedureStepSequence[0]
    said = report(
        PatientName=item.PatientName,
        PatientID=item.PatientID,
        PatientBirthDate=item.PatientBirthDate,
        StudyInstanceUID=item.StudyInstanceUID,
        AccessionNumber=item.AccessionNumber,
        ScheduledProcedureStepID=step.ScheduledProcedureStepID,
    )
    assert association.send_n_create(said, MPPS, "1.2.3.9")[0].Status == 0
    image = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber"):
        setattr(image, keyword, item[keyword].value)
    for uid in ("1.2.3.9.1", "1.2.3.9.2"):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
        assert association.send_c_store(image).Status == 0
    assert association.send_n_set(ending("COMPLETED", "1.2.3.9.1", "1.2.3.9.2"), MPPS, "1.2.3.9")[0].Status == 0


def test_from_the_desk_to_complete(running: RunningBox, tmp_path: Path) -> None:
    box = running.box
    said = {"PatientName": "Doe, Jane", "PatientID": "4711", "PatientBirthDate": "1970-01-31", "Modality": "CT"}
    order = box.orders.add(said, "console")
    (tmp_path / "answers").mkdir()
    keys = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber")
    steps = (f"{STEP}Modality=CT", f"{STEP}ScheduledProcedureStepID")
    (item,) = Modality(running.dicom_port, tmp_path / "answers").worklist(*keys, *steps)
    modality = AE("MODALITY")
    modality.add_requested_context(MPPS)
    modality.add_requested_context(_CT)
    association = modality.associate("127.0.0.1", running.dicom_port, ae_title="PACSBOX")
    performed(association, item)
    association.release()
    wait_for(lambda: box.orders.get(order.id).state == "complete", 30, "the order to be complete")
    (study,) = box.storage.studies.search("doe", 2)
    assert study.study_instance_uid == order.study_instance_uid
    assert box.orders.get(order.id).images == study.number_of_study_related_instances == 2
