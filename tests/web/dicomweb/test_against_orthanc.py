"""The same requests to this box and to Orthanc, compared field by field.

Where the answers differ, `OURS_ALONE`, `THEIRS_ALONE` and `OTHERWISE` name the field and the sentence of the standard.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.datadict import tag_for_keyword

from appliance.box import Box
from appliance.dicom.attributes import ATTRIBUTES, MORE, Level
from tests.support.clinic import ROOT, opened
from tests.support.files import PYDICOM, brainix, knee
from tests.support.indexing import stock
from tests.support.orthanc import Orthanc, orthanc
from tests.support.programs import lacking

Json = dict[str, Any]
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"
CT = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"

_ALL = "8.3.4.3: includefield=all asks for all that there is of the level; Orthanc tells what it tells anyway"
OURS_ALONE = {
    **{f"{tag_for_keyword(keyword):08X}": _ALL for keyword in MORE[Level.STUDY]},
    **{f"{attribute.tag:08X}": _ALL for attribute in ATTRIBUTES if attribute.level is Level.STUDY},
    "00080005": "10.6.3.3: SpecificCharacterSet is told where it is needed; Orthanc answers UTF-8 without it",
    "00080056": "table 10.6.3-3: Instance Availability, type C; Orthanc leaves it out at some levels",
    "00080061": "table 10.6.3-3: ModalitiesInStudy, type R",
    "00080201": "tables 10.6.3-3 to -5: TimezoneOffsetFromUTC, when it is known",
    "0008103E": "table 10.6.3-4: SeriesDescription, when it is known",
    "00081190": "tables 10.6.3-3 to -5: RetrieveURL, type R",
    "00083002": "PS3.4 C.6.1.1.5.2: AvailableTransferSyntaxUID may be told",
    "00201206": "table 10.6.3-3: NumberOfStudyRelatedSeries, type R",
    "00201208": "table 10.6.3-3: NumberOfStudyRelatedInstances, type R",
    "00201209": "table 10.6.3-4: NumberOfSeriesRelatedInstances, type R",
    "00280008": "table 10.6.3-5: NumberOfFrames, when it is known",
    "00280010": "table 10.6.3-5: Rows, when it is known",
    "00280011": "table 10.6.3-5: Columns, when it is known",
    "00280100": "table 10.6.3-5: BitsAllocated, when it is known",
    "00400244": "table 10.6.3-4: PerformedProcedureStepStartDate, when it is known",
    "00400245": "table 10.6.3-4: PerformedProcedureStepStartTime, when it is known",
    "00400275": "table 10.6.3-4: RequestAttributesSequence, when it is known",
    **dict.fromkeys(
        ("00080020", "00080030", "00080050", "00080090", "00100010", "00100020", "00100030", "00100040", "00200010"),
        "table 10.6.3-3: type R, told even when it is empty",
    ),
    **dict.fromkeys(("00080016", "00080018", "00200013"), "table 10.6.3-5: type R"),
    **dict.fromkeys(("00080060", "0020000E", "00200011"), "table 10.6.3-4: type R"),
}
_NAMED = (
    "10.6.3.3.2, -3: the attributes of a level above are told where the path does not name it; Orthanc always tells"
)
THEIRS_ALONE = {
    **dict.fromkeys("00080020 00080030 00080050 00080061 00080090 00100010 00100020".split(), _NAMED),
    **dict.fromkeys("00100030 00100040 00200010 0020000D 00201206 00201208".split(), _NAMED),
    **dict.fromkeys("00080060 0008103E 0020000E 00200011 00201209 00400244 00400245".split(), _NAMED),
}
OTHERWISE = {
    "00080005": "the answer's character set, UTF-8, not the file's",
    "00081190": "PS3.5 6.2, UR: ours are server-relative, right behind any proxy; Orthanc's name its own host",
}

STUDIES = [
    "",
    "PatientName=BRAINIX",
    "PatientName=BRAIN*",
    "PatientName=*RAIN*",
    "PatientName=brainix",
    "00100010=*",
    "PatientName=NOBODY",
    "PatientID=1CT1",
    "00100020=1CT1",
    "PatientID=1CT?",
    f"StudyInstanceUID={CT}",
    f"0020000D={CT}",
    f"StudyInstanceUID={CT},",
    "StudyInstanceUID=1.2.3",
    "StudyDate=20040119",
    "StudyDate=20040101-20041231",
    "StudyDate=20040101-",
    "StudyDate=-20051231",
    "StudyDate=19000101-19001231",
    "AccessionNumber=*0*",
    "PatientSex=O",
    "PatientName=*&StudyDate=20040101-20041231",
    "PatientID=1CT1&includefield=00081030",
    "PatientID=1CT1&includefield=StudyDescription,PatientBirthDate",
    "PatientID=1CT1&includefield=all",
    "PatientName=*&fuzzymatching=false",
]
SERIES = [
    "series",
    "series?Modality=MR",
    "series?00080060=CT",
    "series?Modality=US",
    "series?SeriesNumber=4",
    "series?SeriesInstanceUID=1.2.3",
    f"series?StudyInstanceUID={CT}",
    f"studies/{BRAINIX}/series",
    f"studies/{BRAINIX}/series?Modality=MR",
    f"studies/{BRAINIX}/series?Modality=CT",
    f"studies/{CT}/series?includefield=0008103E",
    f"studies/{CT}/series?includefield=SeriesDescription",
    "studies/1.2.3/series",
    f"studies/{CT}/series?limit=1",
    f"studies/{CT}/series?SeriesNumber=1&Modality=CT",
]
INSTANCES = [
    "instances",
    "instances?Modality=CT",
    "instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.4",
    "instances?InstanceNumber=1",
    "instances?SOPInstanceUID=1.2.3",
    f"studies/{BRAINIX}/instances",
    f"studies/{CT}/instances",
    f"studies/{CT}/instances?includefield=00280010",
    f"studies/{CT}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2",
    "{series}/instances",
    "{series}/instances?InstanceNumber=1",
]
METADATA = [f"studies/{CT}/metadata", f"studies/{BRAINIX}/metadata", "{series}/metadata", "{instance}/metadata"]
RETRIEVED = [f"studies/{CT}", "{series}", "{instance}", "{instance}/frames/1"]
KEYS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory, stocked: Box) -> Iterator[tuple[str, str]]:
    """DICOMweb's root of this box and of Orthanc, which have the same files."""
    folder = tmp_path_factory.mktemp("against-orthanc")
    box = Box(stocked.config.model_copy(update={"data_dir": folder / "box"}))
    if not PLUGIN.exists():
        lacking("orthanc-dicomweb is not installed (see requirements/debian.txt)")
    stock(box, *files())
    with (
        opened(box) as doors,
        orthanc(folder, {}, Plugins=[str(PLUGIN)], DicomWeb={"Enable": True, "Root": ROOT + "/"}) as other,
    ):
        _fill(other)
        yield doors.clinic + ROOT, f"http://127.0.0.1:{other.http_port}{ROOT}"
    box.close()


def files() -> list[Path]:
    """Of four studies."""
    odd = (PYDICOM / "test_files" / name for name in ("CT_small.dcm", "rtplan.dcm"))
    return [*brainix()[:3], *brainix()[-2:], *knee()[:2], *odd]


def _fill(other: Orthanc) -> None:
    for path in files():
        answer = requests.post(f"http://127.0.0.1:{other.http_port}/instances", data=path.read_bytes(), timeout=60)
        assert answer.ok


def answers(roots: tuple[str, str], target: str) -> tuple[list[Json], list[Json]]:
    found = [_asked(root, target) for root in roots]
    return found[0], found[1]


def _asked(root: str, target: str) -> list[Json]:
    answer = requests.get(f"{root}/{target}", headers={"Accept": "application/dicom+json"}, timeout=60)
    if answer.status_code == 204:  # editions before 2026a: nothing found
        return []
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def places(roots: tuple[str, str]) -> dict[str, str]:
    (series,) = _asked(roots[0], f"studies/{CT}/series")
    (instance,) = _asked(roots[0], f"studies/{CT}/instances")
    path = f"studies/{CT}/series/{series['0020000E']['Value'][0]}"
    return {"series": path, "instance": f"{path}/instances/{instance['00080018']['Value'][0]}"}


def compare(ours: list[Json], theirs: list[Json], key: str) -> None:
    mine, others = ({_text(each[key]): each for each in found} for found in (ours, theirs))
    assert mine.keys() == others.keys()
    for uid, one in mine.items():
        other = others[uid]
        for tag in one.keys() | other.keys():
            if tag not in other:
                assert tag in OURS_ALONE or not _told(one[tag]), f"{tag} is ours alone: {one[tag]}"
            elif tag not in one:
                assert tag in THEIRS_ALONE or not _told(other[tag]), f"{tag} is theirs alone: {other[tag]}"
            elif tag not in OTHERWISE:
                assert _told(one[tag]) == _told(other[tag]), tag


def _text(member: Json) -> str:
    return str(member["Value"][0])


def _told(member: Json) -> list[Any]:
    """The values, numbers as numbers, nothing for what is empty or bulk."""
    if "BulkDataURI" in member or "InlineBinary" in member:
        return []
    return [each for each in map(_plain, member.get("Value", ())) if each not in (None, "", {})]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _told(one) if isinstance(one, dict) else one for key, one in value.items()}
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def test_there_are_about_sixty_requests() -> None:
    assert len([*STUDIES, *SERIES, *INSTANCES, *METADATA, *RETRIEVED]) == 60


@pytest.mark.parametrize("query", STUDIES)
def test_studies(roots: tuple[str, str], query: str) -> None:
    compare(*answers(roots, f"studies?{query}"), KEYS["studies"])


@pytest.mark.parametrize("target", SERIES)
def test_series(roots: tuple[str, str], target: str) -> None:
    compare(*answers(roots, target), KEYS["series"])


@pytest.mark.parametrize("target", INSTANCES)
def test_instances(roots: tuple[str, str], target: str) -> None:
    compare(*answers(roots, target.format(**places(roots))), KEYS["instances"])


@pytest.mark.parametrize("target", METADATA)
def test_metadata(roots: tuple[str, str], target: str) -> None:
    compare(*answers(roots, target.format(**places(roots))), KEYS["instances"])


@pytest.mark.parametrize("target", RETRIEVED)
def test_what_is_retrieved_holds_the_same_bytes(roots: tuple[str, str], target: str) -> None:
    accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    if "frames" in target:
        accept = {"Accept": 'multipart/related; type="application/octet-stream"'}
    bodies = []
    for root in roots:
        answer = requests.get(f"{root}/{target.format(**places(roots))}", headers=accept, timeout=60)
        assert answer.status_code == 200
        bodies.append(_pixels(answer))
    assert bodies[0] == bodies[1]


def _pixels(answer: requests.Response) -> bytes:
    """The end of the one part: the header of a file is each server's own, the pixel data are not."""
    boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"')
    part = answer.content.split(f"--{boundary}".encode())[1]
    return base64.b64encode(part.removesuffix(b"\r\n").partition(b"\r\n\r\n")[2][-20_000:])
