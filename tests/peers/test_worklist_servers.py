"""The same worklist files, asked of this box, of dcmtk's wlmscpfs and of Orthanc: the same answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.worklist.folder import follow
from tests.support.modality import STEP, Modality, modality_of
from tests.support.programs import free_port, program
from tests.support.waiting import wait_for
from tests.support.worklist_files import PATIENTS, worklist_file

RETURNED = ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureID")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Worklist files as wlmscpfs has them: in a folder that is named for the AE title, beside its lock."""
    found = tmp_path / "worklists" / "PACSBOX"
    found.mkdir(parents=True)
    (found / "lockfile").touch()
    for number, row in enumerate(PATIENTS, 1):
        worklist_file(found / f"{number}.wl", row, number)
    return found.parent


@pytest.fixture
def ours(box: Box, folder: Path, tmp_path: Path) -> Iterator[Modality]:
    follow(box.storage, folder)
    with modality_of(box, tmp_path / "ours") as modality:
        yield modality


@pytest.fixture
def wlmscpfs(folder: Path, tmp_path: Path) -> Iterator[Modality]:
    port = free_port()
    process = subprocess.Popen([program("wlmscpfs"), "-dfp", str(folder), str(port)], stderr=subprocess.DEVNULL)
    (tmp_path / "theirs").mkdir()
    yield _ready(process, Modality(port, tmp_path / "theirs"))
    process.terminate()
    process.wait(30)


@pytest.fixture
def orthanc(folder: Path, tmp_path: Path) -> Iterator[Modality]:
    port = free_port()
    settings = {
        "StorageDirectory": str(tmp_path / "orthanc"),
        "HttpServerEnabled": False,
        "DicomAet": "PACSBOX",
        "DicomPort": port,
        "DicomAlwaysAllowFindWorklist": True,
        "DicomCheckModalityHost": False,
        "Plugins": ["/usr/share/orthanc/plugins/libModalityWorklists.so"],
        "Worklists": {"Enable": True, "Database": str(folder / "PACSBOX"), "FilterIssuerAet": False},
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [program("Orthanc"), str(tmp_path / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    (tmp_path / "orthancs").mkdir()
    yield _ready(process, Modality(port, tmp_path / "orthancs"))
    process.terminate()
    process.wait(30)


def _ready(process: subprocess.Popen[bytes], modality: Modality) -> Modality:
    echo = [program("echoscu"), "-aec", "PACSBOX", "127.0.0.1", str(modality.port)]
    wait_for(
        lambda: process.poll() is None and not subprocess.run(echo, capture_output=True, check=False).returncode, 30
    )
    return modality


QUERIES = {
    "everything": (),
    "station": (f"{STEP}ScheduledStationAETitle=AA1",),
    "modality": (f"{STEP}Modality=CT",),
    "modality and station": (f"{STEP}Modality=CT", f"{STEP}ScheduledStationAETitle=AA2"),
    "one day": (f"{STEP}ScheduledProcedureStepStartDate=20261121",),
    "days": (f"{STEP}ScheduledProcedureStepStartDate=20261121-20261122",),
    "from a day on": (f"{STEP}ScheduledProcedureStepStartDate=20261123-",),
    "until a day": (f"{STEP}ScheduledProcedureStepStartDate=-20261122",),
    "hours": (f"{STEP}ScheduledProcedureStepStartTime=080000-120000",),
    "a time": (f"{STEP}ScheduledProcedureStepStartTime=140000",),
    "until a time": (f"{STEP}ScheduledProcedureStepStartTime=-1000",),
    "name": ("PatientName=Doe^Jane",),
    "name with a wildcard": ("PatientName=Doe*",),
    "name with a question mark": ("PatientName=?oe*",),
    "identity": ("PatientID=P2",),
    "identity with a wildcard": ("PatientID=P*",),
    "physician": (f"{STEP}ScheduledPerformingPhysicianName=A*",),
    "accession": ("AccessionNumber=A3",),
    "step id": (f"{STEP}ScheduledProcedureStepID=S4",),
    "procedure id": ("RequestedProcedureID=RP1",),
    "study": ("StudyInstanceUID=1.2.276.0.7230010.3.2.5",),
    "nobody": ("PatientName=Nobody",),
    "all at once": ("PatientName=D*", f"{STEP}Modality=MR", f"{STEP}ScheduledProcedureStepStartDate=20261101-20261130"),
}
"""Each required matching key of PS3.4 table K.6-1, and those optional ones that all three know."""
DIFFERENT = {
    "step id": "an optional key, which wlmscpfs does not match by: it answers everything",
    "study": "an optional key, as above",
    "identity with a wildcard": "table K.6-1 asks for single values alone; we match by C.2.2.2.4, as Orthanc does",
}
"""Where wlmscpfs answers something else."""


def found(modality: Modality, query: tuple[str, ...]) -> set[tuple[str, ...]]:
    """What a modality reads of each answer."""
    asked = {key.partition("=")[0] for key in query}
    steps = [f"{STEP}{key}" for key in ("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate")]
    others = [key for key in (*RETURNED, *steps, f"{STEP}ScheduledProcedureStepID") if key not in asked]
    answers = modality.worklist(*query, *others, "SpecificCharacterSet=ISO_IR 100")
    return {
        (
            *(str(answer[key].value) for key in RETURNED),
            *(str(answer.ScheduledProcedureStepSequence[0][key.removeprefix(STEP)].value) for key in steps),
        )
        for answer in answers
    }


def test_wlmscpfs_and_orthanc_answer_as_this_box_does(ours: Modality, wlmscpfs: Modality, orthanc: Modality) -> None:
    answered = {name: found(ours, query) for name, query in QUERIES.items()}
    assert {name for name, query in QUERIES.items() if found(orthanc, query) != answered[name]} == set()
    different = {name for name, query in QUERIES.items() if found(wlmscpfs, query) != answered[name]}
    assert different == DIFFERENT.keys()
    only = {name: [row[1] for row in answered[name]] for name in ("step id", "study", "identity")}
    assert only == {"step id": ["P4"], "study": ["Q5"], "identity": ["P2"]}
