"""WADO-RS from servers that hand out, refuse and break off: straight into the spool."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pytest
from pydicom import dcmread

from appliance.box import Box
from appliance.dicom import header
from appliance.dicomweb.link import DicomwebLink
from appliance.errors import StorageFullError
from appliance.peers.faults import Fault, PeerError
from appliance.priors.progress import Progress
from appliance.priors.search import remote_study
from appliance.spool.spool import Spool
from tests.dicomweb.conftest import Known
from tests.support.dicomweb import Answer, Asked, Script, Server, multipart, serving
from tests.support.files import brainix, knee


def read(file: bytes) -> tuple[str, str, str]:
    """Study, series and instance."""
    found = dcmread(BytesIO(file), stop_before_pixels=True)
    return str(found.StudyInstanceUID), str(found.SeriesInstanceUID), str(found.SOPInstanceUID)


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """Six images of one study."""
    return [path.read_bytes() for path in brainix()[:6]]


class Fetching:
    """Fetches the study of `files` from a server that does as `script` says."""

    def __init__(self, link: DicomwebLink, box: Box, known: Known, files: list[bytes]) -> None:
        self._link = link
        self._box = box
        self._known = known
        self.study = read(files[0])[0]
        self._images = len(files)
        self.told: list[Progress] = []
        self.server: Server | None = None

    def __call__(self, script: Script, stop_after: int = -1) -> Progress:
        tells = remote_study({"StudyInstanceUID": self.study, "NumberOfStudyRelatedInstances": str(self._images)})
        with serving(script) as self.server:
            peer = self._known(self.server)
            return self._link.fetch(peer, tells, self.told.append, lambda: len(self.told) == stop_after)

    @property
    def kept(self) -> list[str]:
        """What is in the spool."""
        return sorted(header.read_uids(entry.path)[1] for entry in self._box.spool("tests").waiting())


@pytest.fixture
def fetching(link: DicomwebLink, box: Box, known: Known, files: list[bytes]) -> Fetching:
    return Fetching(link, box, known, files)


def test_a_study_comes_as_it_is_stored_there(fetching: Fetching, files: list[bytes], box: Box) -> None:
    done = fetching(lambda _: multipart(files))
    assert done == Progress(6)
    assert [each.arrived for each in fetching.told] == [1, 2, 3, 4, 5, 6]
    assert [each.remaining for each in fetching.told] == [5, 4, 3, 2, 1, 0]
    assert fetching.server
    (asked,) = fetching.server.asked
    assert asked.path == f"/dicom-web/studies/{fetching.study}"
    assert asked.headers["Accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'
    assert fetching.kept == sorted(read(file)[2] for file in files)
    first = header.read(box.spool("tests").waiting()[0].path)
    assert first.origin and (first.origin.via, first.origin.source_ae) == ("WADO-RS", "CLINIC-B")


def test_what_is_missing_after_a_break_is_fetched_by_itself(fetching: Fetching, files: list[bytes]) -> None:
    by_uid = {read(file)[2]: file for file in files}

    def script(asked: Asked) -> Answer:
        if "/instances/" in asked.path:
            return multipart([by_uid[asked.path.rpartition("/")[2]]])
        if asked.path.endswith("/instances"):
            tags = ("0020000D", "0020000E", "00080018")
            told = [
                {tag: {"vr": "UI", "Value": [value]} for tag, value in zip(tags, read(f), strict=True)} for f in files
            ]
            return Answer(200, json.dumps(told).encode())
        whole = multipart(files)
        whole.announced = len(whole.body)
        whole.body = whole.body[: len(whole.body) * 2 // 3]
        return whole

    assert fetching(script) == Progress(6)
    assert fetching.kept == sorted(by_uid)
    assert fetching.server
    paths = [asked.path for asked in fetching.server.asked]
    assert len([path for path in paths if re.search("/instances/", path)]) in (2, 3)


def test_a_break_before_anything_came_is_told(fetching: Fetching, files: list[bytes]) -> None:
    whole = multipart(files)
    with pytest.raises(PeerError, match="lost in the middle") as raised:
        fetching(lambda _: Answer(200, whole.body[:1000], whole.kind, announced=5000))
    assert raised.value.fault is Fault.LOST
    assert not fetching.kept and not fetching._box.spool("tests").drafts()


def test_a_server_that_knows_no_any_is_asked_without(fetching: Fetching, files: list[bytes]) -> None:
    done = fetching(lambda asked: Answer(406) if "syntax=*" in asked.headers["Accept"] else multipart(files))
    assert done == Progress(6)


def test_one_file_without_frame_is_taken(fetching: Fetching, files: list[bytes]) -> None:
    assert fetching(lambda _: Answer(200, files[0], "application/dicom")).arrived == 1


def test_what_is_not_of_the_study_or_no_dicom_is_not_kept(fetching: Fetching, files: list[bytes]) -> None:
    done = fetching(lambda _: multipart([files[0], knee()[0].read_bytes(), b"hello"]))
    assert (done.arrived, done.failed) == (1, 2) and done.why
    assert fetching.kept == [read(files[0])[2]]


@pytest.mark.parametrize(
    ("answer", "fault", "said"),
    [
        (Answer(401), Fault.UNAUTHORIZED, "does not let us in"),
        (Answer(403), Fault.FORBIDDEN, "does not allow"),
        (Answer(404), Fault.UNSUPPORTED, "knows the study, but does not hand it out"),
        (Answer(500), Fault.FAILED, "HTTP 500"),
        (Answer(200, b"<html>", "text/html"), Fault.NOT_DICOMWEB, "no DICOMweb server"),
        (None, Fault.LOST, "was lost"),
    ],
)
def test_what_is_wrong_is_said(fetching: Fetching, answer: Answer | None, fault: Fault, said: str) -> None:
    with pytest.raises(PeerError, match=re.escape(said)) as raised:
        fetching(lambda _: answer)
    assert raised.value.fault is fault


def test_a_stop_leaves_what_has_come(fetching: Fetching, files: list[bytes]) -> None:
    done = fetching(lambda _: multipart(files), stop_after=2)
    assert (done.arrived, done.remaining) == (2, 4)
    assert len(fetching.kept) == 2 and not fetching._box.spool("tests").drafts()


def test_a_full_disk_is_told(fetching: Fetching, files: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Spool.begin
    begun: list[int] = []

    def full(self: Spool, head: bytes) -> object:
        begun.append(1)
        if len(begun) > 2:
            raise StorageFullError("The disk does not take new images: no space left on device.")
        return begin(self, head)

    monkeypatch.setattr(Spool, "begin", full)
    done = fetching(lambda _: multipart(files))
    assert done == Progress(2, 4, 0, "The disk does not take new images: no space left on device")
