"""Looking for a patient's other studies at another clinic, which is a box too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.box import Box
from tests.storage.test_find import enter, header
from tests.support.files import brainix
from tests.support.programs import free_port
from tests.support.querying import open_box, serving, take_in

BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"


@pytest.fixture
def clinic(box, fill, tmp_path: Path) -> Iterator[Box]:
    """A clinic with more of our patient's study, an older one of hers, and one of somebody who shares her ID."""
    fill(brainix()[:2])
    made = open_box(tmp_path / "clinic", PACSBOX_DICOM_AE_TITLE="CLINIC-B")
    take_in(made, brainix()[:5])
    hers = {"PatientName": "BRAINIX", "PatientID": "77", "PatientBirthDate": "19490301", "Modality": "CT"}
    other = {"PatientName": "Else^Someone", "PatientID": "5Yp0E", "PatientBirthDate": "19500101", "Modality": "US"}
    with made.own_storage() as storage:
        enter(storage, header("1", "1", "1", hers | {"StudyDate": "20050607", "StudyDescription": "Skull"}))
        enter(storage, header("2", "1", "1", other | {"StudyDate": "20040506", "StudyDescription": "Knee"}))
    with serving(made) as port:
        box.peers.add("CLINIC-B", "CLINIC-B", "127.0.0.1", port)
        yield made
    made.close()


async def to_the_list(console) -> None:
    await console.sees("BRAINIX")
    await console.press("enter", "enter", "p")
    await console.sees("Look for other studies at another clinic")
    await console.sees("> CLINIC-B")
    await console.press("enter")


async def test_what_the_clinic_has_of_the_patient_is_listed_with_doubts(opened, clinic):
    async with opened() as console:
        await to_the_list(console)
        await console.sees("> 2006-12-01", "MR", "2 of 5", seconds=20)
        assert console.row("2005-06-07", "Skull", "another ID")
        assert console.row("2004-05-06", "Knee", "born on another day")


async def test_a_study_is_fetched_with_progress_and_an_end_in_words(opened, box, clinic):
    async with opened() as console:
        await to_the_list(console)
        await console.sees("> 2006-12-01", seconds=20)
        await console.press("enter")
        await console.sees("5 images came from CLINIC-B.", seconds=20)
        assert console.row("5 of 5 images")
        await console.sees("Esc Close", "Try again")
        box.indexer().drain_batch()
        await console.press("escape")
        await console.sees("> 2006-12-01", "yes", seconds=20)
        assert box.storage.studies.study(BRAINIX).number_of_study_related_instances == 5


async def test_what_may_be_another_persons_is_asked_about_first(opened, clinic):
    async with opened() as console:
        await to_the_list(console)
        await console.sees("Knee", seconds=20)
        await console.press("j", "j", "enter")
        await console.sees("Is this the same person?")
        await console.sees("born on another day")


async def test_a_clinic_that_does_not_answer_is_named(opened, box, fill):
    fill(brainix()[:1])
    box.peers.add("CLINIC-B", "CLINIC-B", "127.0.0.1", free_port())
    async with opened() as console:
        await to_the_list(console)
        await console.sees("nothing listens on port", seconds=20)
        await console.press("enter", "escape")
        await console.sees("5Yp0E")
