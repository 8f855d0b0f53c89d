"""The same queries of the box and of Orthanc, which hold the same studies, find the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance.box import Box
from appliance.dimse.client.find import find
from appliance.storage.rows import Peer
from tests.support.files import PYDICOM, brainix, knee
from tests.support.orthanc import orthanc
from tests.support.ourselves import OURSELVES
from tests.support.querying import open_box, serving, take_in

BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"
KNEE = "2.16.840.1.113669.632.20.121711.10000160881"
UNIQUE = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}

Both = tuple[Peer, Peer]


def held() -> list[Path]:
    """Studies of one image each in many scripts, and two of several; each SOP instance and each study once."""
    scripts = sorted((PYDICOM / "charset_files").glob("chr[!S]*.dcm"))
    once = {dcmread(path).get("StudyInstanceUID", ""): path for path in reversed(scripts)}
    once.pop("", None)
    return [*once.values(), *brainix()[:3], *brainix()[-2:], *knee()[:2]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The box, and Orthanc with exactly what the box has."""
    folder = tmp_path_factory.mktemp("matrix")
    box = open_box(folder / "box")
    take_in(box, held())
    with serving(box) as port, orthanc(folder / "orthanc", {}, DicomAlwaysAllowFind=True) as theirs:
        for path in _files(box):
            theirs.post("/instances", path.read_bytes())
        yield Peer("BOX", "PACSBOX", "127.0.0.1", port), theirs.peer
    box.close()


def _files(box: Box) -> list[Path]:
    with box.own_storage() as storage:
        uids = [i.blob_key for study in storage.studies.study_uids() for i in storage.studies.instances(study)]
    return [box.blobs.path(key) for key in uids]


def found(peer: Peer, level: str, keys: dict[str, str]) -> set[str]:
    """The unique keys of what is found."""
    asked = {UNIQUE[level]: "", **keys}
    return {answer.get(UNIQUE[level], "") for answer in find(peer, asked, ourselves=OURSELVES, level=level)}


def series(path: Path) -> str:
    return str(dcmread(path, stop_before_pixels=True).SeriesInstanceUID)


QUERIES: list[tuple[str, dict[str, str]]] = [
    ("STUDY", {}),
    ("STUDY", {"PatientName": "*"}),
    ("STUDY", {"PatientName": "BRAINIX"}),
    ("STUDY", {"PatientName": "brainix"}),
    ("STUDY", {"PatientName": "BRAI*"}),
    ("STUDY", {"PatientName": "*NIX"}),
    ("STUDY", {"PatientName": "BR?INIX"}),
    ("STUDY", {"PatientName": "*RAIN*"}),
    ("STUDY", {"PatientName": "NOBODY*"}),
    ("STUDY", {"PatientName": "Διονυσιος"}),
    ("STUDY", {"PatientName": "Διο*"}),
    ("STUDY", {"PatientName": "*太郎*"}),
    ("STUDY", {"PatientName": "Yamada*"}),
    ("STUDY", {"PatientName": "*山田*"}),
    ("STUDY", {"PatientName": "قباني*"}),
    ("STUDY", {"PatientName": "*لنزار"}),
    ("STUDY", {"PatientName": "*吉洞*"}),
    ("STUDY", {"PatientName": "*길동*"}),
    ("STUDY", {"PatientName": "Люк*"}),
    ("STUDY", {"PatientName": "שרון*"}),
    ("STUDY", {"PatientName": "Wang*"}),
    ("STUDY", {"PatientName": "*小东*"}),
    ("STUDY", {"PatientName": "Buc*"}),
    ("STUDY", {"PatientName": "Buc^Jérôme"}),
    ("STUDY", {"PatientID": "5Yp0E"}),
    ("STUDY", {"PatientID": "5Y*"}),
    ("STUDY", {"PatientID": "?Yp0E"}),
    ("STUDY", {"StudyDate": "20061201"}),
    ("STUDY", {"StudyDate": "20060101-20061231"}),
    ("STUDY", {"StudyDate": "20061202-"}),
    ("STUDY", {"StudyDate": "19000101-20051231"}),
    ("STUDY", {"StudyInstanceUID": BRAINIX}),
    ("STUDY", {"StudyInstanceUID": f"{BRAINIX}\\{KNEE}\\1.2.3"}),
    ("STUDY", {"ModalitiesInStudy": "MR"}),
    ("STUDY", {"ModalitiesInStudy": "MR\\OT"}),
    ("STUDY", {"ModalitiesInStudy": "US"}),
    ("STUDY", {"PatientSex": "F"}),
    ("STUDY", {"PatientBirthDate": "19490301"}),
    ("STUDY", {"PatientName": "B*", "StudyDate": "20060101-"}),
    ("STUDY", {"StudyDescription": "*c*"}),
    ("SERIES", {"StudyInstanceUID": BRAINIX}),
    ("SERIES", {"StudyInstanceUID": BRAINIX, "Modality": "MR"}),
    ("SERIES", {"StudyInstanceUID": BRAINIX, "Modality": "CT"}),
    ("SERIES", {"StudyInstanceUID": KNEE, "SeriesDescription": "*"}),
    ("SERIES", {"StudyInstanceUID": BRAINIX, "SeriesNumber": "4"}),
    ("IMAGE", {"StudyInstanceUID": BRAINIX, "SeriesInstanceUID": ""}),
    ("IMAGE", {"StudyInstanceUID": BRAINIX, "InstanceNumber": "1"}),
    ("IMAGE", {"StudyInstanceUID": KNEE, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}),
]

DIFFERENCES = ("*太郎*", "*山田*")
"""Names that we find more often than Orthanc.

Escape sequences within a name bring in the further sets of (0008,0005) (PS3.5 6.1.2.5.3). Orthanc reads the first set
alone, and so does not find the name that is written in ISO 2022 IR 13 and 87.
"""


@pytest.mark.parametrize(("level", "keys"), QUERIES, ids=str)
def test_the_same_is_found(both: Both, level: str, keys: dict[str, str]) -> None:
    ours, theirs = (found(peer, level, keys) for peer in both)
    if keys.get("PatientName", "") in DIFFERENCES:
        assert ours > theirs
    else:
        assert ours == theirs
