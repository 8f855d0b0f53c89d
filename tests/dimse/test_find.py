"""C-FIND as dcmtk, pynetdicom and our own caller ask it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from appliance.archive import looking
from appliance.box import Box
from appliance.dimse.client.find import find
from appliance.dimse.client.ourselves import Ourselves
from appliance.storage.rows import Peer
from tests.storage.test_find import enter, header
from tests.support.files import PYDICOM, brainix, knee
from tests.support.growth import held
from tests.support.ourselves import OURSELVES
from tests.support.querying import (
    BRAINIX,
    KNEE,
    MR,
    PATIENT_ROOT,
    PATIENT_STUDY,
    STUDY_ROOT,
    STUDY_ROOT_FIND,
    ask,
    findscu,
    keys,
    open_box,
    serving,
    stocked,
)
from tests.support.scp import data_set, uids
from tests.support.scu import EXPLICIT, Scu
from tests.support.waiting import wait_for

CHARSETS = sorted(path for path in (PYDICOM / "charset_files").glob("chr*.dcm") if "SQ" not in path.name)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with two MR studies, of two series each, and one of each of pydicom's character sets."""
    with stocked(
        tmp_path_factory.mktemp("find") / "box", [*brainix()[:3], *brainix()[-2:], *knee()[:2], *CHARSETS]
    ) as made:
        yield made


def study(*keys: str) -> tuple[str, ...]:
    return ("QueryRetrieveLevel=STUDY", "StudyInstanceUID", *keys)


def test_an_answer_has_what_was_asked_for_and_where_it_is(port: int, tmp_path: Path) -> None:
    keys = study("PatientID=5Yp0E", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
    (answer,) = findscu(
        port, tmp_path, *keys, "RetrieveAETitle", "InstanceAvailability", "NumberOfPatientRelatedStudies"
    )
    assert answer.StudyInstanceUID == BRAINIX
    assert (answer.ModalitiesInStudy, answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (
        "MR",
        2,
        5,
    )
    assert (answer.RetrieveAETitle, answer.InstanceAvailability) == ("PACSBOX", "ONLINE")
    assert answer.NumberOfPatientRelatedStudies == 1
    assert (answer.PatientID, answer.QueryRetrieveLevel) == ("5Yp0E", "STUDY")
    assert "PatientName" not in answer


@pytest.mark.parametrize(
    ("model", "keys", "count"),
    [
        (PATIENT_ROOT, ["QueryRetrieveLevel=PATIENT", "PatientID=5Yp0E"], 1),
        (PATIENT_ROOT, ["QueryRetrieveLevel=STUDY", "PatientID=5Yp0E", "StudyInstanceUID"], 1),
        (PATIENT_ROOT, ["QueryRetrieveLevel=SERIES", "PatientID=5Yp0E", f"StudyInstanceUID={BRAINIX}"], 2),
        (PATIENT_ROOT, ["QueryRetrieveLevel=IMAGE", "PatientID=5Yp0E", f"StudyInstanceUID={BRAINIX}"], 5),
        (PATIENT_STUDY, ["QueryRetrieveLevel=PATIENT", "PatientID=5Yp0E"], 1),
        (PATIENT_STUDY, ["QueryRetrieveLevel=STUDY", "PatientID=5Yp0E"], 1),
        (STUDY_ROOT, ["QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}"], 1),
        (STUDY_ROOT, ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={BRAINIX}", "SeriesInstanceUID"], 2),
        (STUDY_ROOT, ["QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={BRAINIX}", "SOPInstanceUID"], 5),
        # Relational, and with keys of a level below.
        (STUDY_ROOT, ["QueryRetrieveLevel=SERIES", "PatientID=5Yp0E", "Modality=MR"], 2),
        (STUDY_ROOT, ["QueryRetrieveLevel=IMAGE", "PatientID=5Yp0E", "InstanceNumber=1"], 1),
        (STUDY_ROOT, ["QueryRetrieveLevel=STUDY", "Modality=MR"], 2),
    ],
)
def test_every_level_of_every_model_is_answered(
    port: int, tmp_path: Path, model: str, keys: list[str], count: int
) -> None:
    answers = findscu(port, tmp_path, *keys, model=model)
    assert len(answers) == count
    assert {answer.QueryRetrieveLevel for answer in answers} == {keys[0].partition("=")[2]}


def test_a_patient_is_answered_once_with_counts_of_all_studies(box: Box, port: int, tmp_path: Path) -> None:
    values = {"PatientName": "Twice^Here", "PatientID": "TWICE", "Modality": "CT"}
    with box.own_storage() as storage:
        enter(storage, header("777", "1", "1", values), header("778", "1", "1", values | {"StudyDate": "20240101"}))
    keys = ["PatientName=twice*", "NumberOfPatientRelatedStudies", "NumberOfPatientRelatedInstances"]
    (patient,) = findscu(port, tmp_path, "QueryRetrieveLevel=PATIENT", *keys, model=PATIENT_ROOT)
    assert (patient.PatientName, patient.PatientID) == ("Twice^Here", "TWICE")
    assert (patient.NumberOfPatientRelatedStudies, patient.NumberOfPatientRelatedInstances) == (2, 2)


@pytest.mark.parametrize("path", CHARSETS, ids=lambda path: path.stem)
def test_a_name_typed_in_utf_8_is_found_and_answered_unharmed(path: Path, peer: Peer) -> None:
    original = dcmread(path)
    original.decode()
    name = str(original.PatientName)
    last = name.rsplit("=", 1)[-1].partition("^")[0]
    for typed in (name, f"{last}*"):
        answers = list(find(peer, {"PatientName": typed, "StudyInstanceUID": ""}, ourselves=OURSELVES))
        assert name in [answer["PatientName"] for answer in answers]


@pytest.mark.parametrize(
    ("asked", "name", "answered"),
    [
        ("ISO_IR 100", "Buc^J", "ISO_IR 100"),
        ("ISO_IR 126", "Διον", "ISO_IR 126"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "Yamada^Tarou", "ISO 2022 IR 6\\ISO 2022 IR 87"),
        ("ISO_IR 100", "Διον", "ISO_IR 192"),
        ("ISO_IR 192", "Yamada", "ISO_IR 192"),
        ("GB18030", "Wang", "GB18030"),
        ("", "Διον", "ISO_IR 192"),
    ],
)
def test_answers_come_in_the_set_asked_for_where_it_carries_the_names(
    port: int, tmp_path: Path, asked: str, name: str, answered: str
) -> None:
    everything = {str(a.PatientName) for a in findscu(port, tmp_path / "all", *study("PatientName"))}
    answers = findscu(port, tmp_path, *study("PatientName", f"SpecificCharacterSet={asked}"))
    assert {str(answer.PatientName) for answer in answers} == everything
    (found,) = {
        "\\".join(values) if not isinstance(values := answer.SpecificCharacterSet, str) else values
        for answer in answers
        if str(answer.PatientName).startswith(name)
    }
    assert found == answered


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        (["PatientName=brainix"], 1),
        (["PatientName=BR*NI?"], 1),
        (["PatientName=yamada^tarou"], 1),
        (["PatientName=BUC^JEROME"], 1),
        (["PatientName=*"], None),
        ([f"StudyInstanceUID={BRAINIX}\\{KNEE}\\1.2.3"], 2),
        (["StudyDate=20061201"], 1),
        (["StudyDate=-20061201", "ModalitiesInStudy=MR"], 1),
        (["StudyDate=20061202-", "ModalitiesInStudy=MR"], 1),
        (["PatientID=5yp0e"], 0),
        (["PatientID=5Y*"], 1),
    ],
)
def test_keys_match_by_their_kind(port: int, tmp_path: Path, keys: list[str], count: int | None) -> None:
    wanted = [key for key in study() if key.partition("=")[0] not in {k.partition("=")[0] for k in keys}]
    answers = findscu(port, tmp_path, *wanted, *keys)
    assert len(answers) == count if count is not None else len(answers) > 10


def test_keys_that_are_not_supported_are_told_of_and_not_answered(peer: Peer) -> None:
    supported = ask(peer, keys(QueryRetrieveLevel="STUDY", PatientID="5Yp0E", TimezoneOffsetFromUTC=""))
    assert supported.statuses == [0xFF00, 0x0000]
    asked = ask(peer, keys(QueryRetrieveLevel="STUDY", PatientID="5Yp0E", PatientPosition="", StudyDescription=""))
    assert asked.statuses == [0xFF01, 0x0000]
    assert 0x00185100 not in asked.answers[0].keys
    assert 0x00081030 in asked.answers[0].keys


def test_an_image_answers_with_what_only_its_metadata_tell(port: int, tmp_path: Path) -> None:
    wanted = ["SliceLocation", "PatientWeight", "ImagePositionPatient", "SamplesPerPixel", "ContrastBolusAgent"]
    image = dcmread(brainix()[0])
    keys = ["QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={BRAINIX}", f"SOPInstanceUID={image.SOPInstanceUID}"]
    (answer,) = findscu(port, tmp_path, *keys, *wanted)
    for keyword in wanted[:4]:
        assert answer[keyword].value == image[keyword].value, keyword
    assert answer.ContrastBolusAgent == ""


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("STUDY", ["PatientWeight", "PregnancyStatus", "RequestingService"]),
        ("SERIES", ["InstitutionalDepartmentName", "FrameOfReferenceUID", "SoftwareVersions", "RequestingService"]),
    ],
)
def test_a_study_and_a_series_answer_with_what_only_the_metadata_of_their_images_tell(
    port: int, peer: Peer, tmp_path: Path, level: str, wanted: list[str]
) -> None:
    image = dcmread(brainix()[0])
    named = {
        "StudyInstanceUID": BRAINIX,
        **({"SeriesInstanceUID": image.SeriesInstanceUID} if level != "STUDY" else {}),
    }
    unknown = "PatientComments"
    given = [f"{keyword}={uid}" for keyword, uid in named.items()]
    (answer,) = findscu(port, tmp_path, f"QueryRetrieveLevel={level}", *given, *wanted, unknown)
    for keyword in wanted:
        assert answer[keyword].value == image[keyword].value, keyword
    assert answer[unknown].value == ""
    asked = keys(QueryRetrieveLevel=level, **named, **dict.fromkeys((*wanted, unknown), ""))
    assert ask(peer, asked).statuses == [0xFF00, 0x0000]


def test_pixel_values_are_answered_by_the_vr_that_the_image_has(tmp_path: Path) -> None:
    image = dcmread(brainix()[0])
    image.add_new("SmallestPixelValueInSeries", "SS", -5)
    image.save_as(tmp_path / "image.dcm")
    with stocked(tmp_path / "box", [tmp_path / "image.dcm"]) as made, serving(made) as port:
        asked = ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={BRAINIX}", "SmallestPixelValueInSeries"]
        (answer,) = findscu(port, tmp_path / "answers", *asked)
    assert answer.SmallestPixelValueInSeries == -5


CODE, REQUEST = "ProcedureCodeSequence[0].", "RequestAttributesSequence[0]."


@pytest.mark.parametrize(
    ("level", "keys", "count"),
    [
        ("STUDY", [f"{CODE}CodeValue=IRMCEREB"], 1),
        ("STUDY", [f"{CODE}CodeValue=IR*"], 2),
        ("STUDY", [f"{CODE}CodeValue=IRMCEREB", f"{CODE}CodingSchemeDesignator=XPLORE"], 1),
        ("STUDY", [f"{CODE}CodeValue=IRMCEREB", f"{CODE}CodingSchemeDesignator=BROKER"], 0),
        ("STUDY", [f"{CODE}CodeValue=IRMCEREB", "PatientName=NOBODY"], 0),
        ("STUDY", [f"{CODE}CodeValue", "ModalitiesInStudy=MR"], 2),
        ("STUDY", ["ProcedureCodeSequence", "ModalitiesInStudy=MR"], 2),
        ("STUDY", [f"{REQUEST}ScheduledProcedureStepID=A10029316691"], 1),
        ("SERIES", [f"{REQUEST}ScheduledProcedureStepID=A10029316691"], 2),
        ("IMAGE", [f"{REQUEST}RequestedProcedureID=A10003245607"], 2),
        ("IMAGE", [f"ReferencedImageSequence[0].ReferencedSOPClassUID={MR}"], 7),
    ],
)
def test_items_of_sequences_are_matched(port: int, tmp_path: Path, level: str, keys: list[str], count: int) -> None:
    # PS3.4 C.2.2.2.6: an item must match all of its keys.
    assert len(findscu(port, tmp_path, f"QueryRetrieveLevel={level}", *keys)) == count


def test_an_answer_carries_the_items_that_match(port: int, tmp_path: Path) -> None:
    asked = (
        f"{CODE}CodeValue=IRMC*",
        f"{CODE}CodeMeaning",
        "ReferencedStudySequence",
        "SpecificCharacterSet=ISO_IR 100",
    )
    (answer,) = findscu(port, tmp_path, *study(*asked))
    (code,) = answer.ProcedureCodeSequence
    assert (code.CodeValue, code.CodeMeaning) == ("IRMCEREB", "IRM cérébrale, neuro-crâne")
    assert "CodingSchemeDesignator" not in code
    assert len(answer.ReferencedStudySequence) == 1
    assert answer.SpecificCharacterSet == "ISO_IR 100"


def test_a_sequence_of_a_level_below_narrows_and_is_not_answered(peer: Peer) -> None:
    request = {"ScheduledProcedureStepID": "A10029316691"}
    asked = ask(peer, keys(QueryRetrieveLevel="STUDY", RequestAttributesSequence=request))
    assert asked.statuses == [0xFF01, 0]
    assert asked.answers[0].sequences == {}


def test_a_query_that_would_look_into_too_much_is_refused_in_words(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SECONDS", -1.0)
    asked = ask(peer, keys(QueryRetrieveLevel="STUDY", ProcedureCodeSequence={"CodeValue": "X"}))
    assert (asked.statuses, asked.comment) == (
        [0xA700],
        "too many instances to look into: add PatientID or StudyDate",
    )


@pytest.mark.parametrize(
    ("identifier", "expected", "words"),
    [
        (keys(PatientID=""), 0xA900, "(0008,0052) is missing"),
        (keys(QueryRetrieveLevel="PATIENT"), 0xA900, "no level 'PATIENT'"),
        (keys(QueryRetrieveLevel="STUDY", StudyDate="yesterday"), 0xC000, "StudyDate takes a date"),
        (keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.x"), 0xC000, "StudyInstanceUID takes UIDs"),
        (b"", 0xA900, "(0008,0052) is missing"),
        (
            keys(QueryRetrieveLevel="STUDY", ReferencedStudySequence={"ReferencedSOPInstanceUID": "x"}),
            0xC000,
            "ReferencedSOPInstanceUID takes UIDs",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(peer: Peer, identifier: bytes, expected: int, words: str) -> None:
    asked = ask(peer, identifier)
    assert asked.statuses == [expected]
    assert words in asked.comment


def test_a_sequence_nested_without_end_is_refused(peer: Peer) -> None:
    deep = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 20_000
    assert ask(peer, deep).statuses == [0xC000]
    assert ask(peer, keys(QueryRetrieveLevel="STUDY", PatientID="5Yp0E")).statuses == [0xFF00, 0]


@pytest.fixture(scope="module")
def crowded_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with 10,000 studies, all copies of one."""
    made = open_box(tmp_path_factory.mktemp("crowded") / "box")
    values = {"PatientName": "Doe^John", "PatientID": "X", "StudyDescription": "d" * 60, "Modality": "CT"}
    with made.own_storage() as storage:
        enter(storage, header("1", "1", "1", values))
    with closing(sqlite3.connect(made.index_path)) as index, index:
        columns = [row[1] for row in index.execute("PRAGMA table_info(study)")]
        copied = ["NULL", "'1.2.' || i", *columns[2:]]
        assert columns[:2] == ["id", "study_instance_uid"]
        index.execute(
            "WITH RECURSIVE numbers(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM numbers WHERE i < 10000)"
            f" INSERT INTO study ({', '.join(columns)}) SELECT {', '.join(copied)} FROM study, numbers"
        )
    yield made
    made.close()


@pytest.fixture(scope="module")
def crowded(crowded_box: Box) -> Iterator[Peer]:
    """As it is called."""
    with serving(crowded_box) as port:
        yield Peer("BOX", "PACSBOX", "127.0.0.1", port)


def test_ten_thousand_answers_stream_in_little_memory(crowded: Peer) -> None:
    wanted = {"StudyInstanceUID": "", "PatientName": "", "PatientID": "", "StudyDescription": "", "StudyDate": ""}
    before = held(os.getpid()).memory
    answers = find(crowded, wanted, ourselves=OURSELVES, most=20_000)
    most = max(held(os.getpid()).memory if number % 1000 == 0 else 0 for number, _ in enumerate(answers, 1))
    assert sum(1 for _ in find(crowded, {"StudyInstanceUID": ""}, ourselves=OURSELVES, most=20_000)) == 10_000
    assert most - before < 20


def test_a_cancel_is_honoured_within_what_is_on_its_way(crowded: Peer) -> None:
    asked = ask(crowded, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=""), cancel_after=5)
    assert asked.statuses[-1] == 0xFE00
    # Beside those on their way when it came, one answer at most.
    assert len(asked.answers) < 2_000


def test_a_caller_that_goes_in_the_middle_harms_nobody_and_is_told_of(crowded_box: Box, crowded: Peer) -> None:
    answers = find(crowded, {"StudyInstanceUID": ""}, ourselves=Ourselves("GONE"), most=20_000)
    next(iter(answers))
    answers.close()  # type: ignore[attr-defined]
    assert len(list(find(crowded, {"StudyInstanceUID": "1.2.77"}, ourselves=OURSELVES))) == 1

    def told() -> list[int]:
        with crowded_box.own_storage() as storage:
            return [row.items for row in storage.audit.rows(who="AE GONE")]

    wait_for(told, what="the audit of it")
    assert 0 < told()[0] < 10_000


def negotiated(peer: Peer, wanted: bytes, query: Dataset) -> tuple[bytes, int]:
    """What is agreed on of `wanted`, and how many answers `query` has then; dcmtk's findscu cannot negotiate."""
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = STUDY_ROOT_FIND, wanted
    ae = AE("TEST")
    ae.add_requested_context(STUDY_ROOT_FIND)
    association = ae.associate(peer.host, peer.port, ae_title=peer.ae_title, ext_neg=[item])
    assert association.is_established
    agreed = association.acceptor.sop_class_extended.get(STUDY_ROOT_FIND, b"")
    count = sum(1 for code, _ in association.send_c_find(query, STUDY_ROOT_FIND) if code.Status & 0xFF00 == 0xFF00)
    association.release()
    return agreed, count


def test_what_is_agreed_on_is_done(box: Box, peer: Peer) -> None:
    values = {"PatientName": "Span^Case", "Modality": "CT"}
    with box.own_storage() as storage:
        enter(storage, header("881", "1", "1", values | {"StudyDate": "20240105", "StudyTime": "230000"}))
        enter(storage, header("882", "1", "1", values | {"StudyDate": "20240106", "StudyTime": "010000"}))
    spans = Dataset()
    spans.QueryRetrieveLevel, spans.StudyInstanceUID = "STUDY", ""
    spans.StudyDate, spans.StudyTime = "20240105-20240106", "2200-0200"
    assert negotiated(peer, b"\0", spans) == (b"\0", 0)
    assert negotiated(peer, b"\1\1", spans) == (b"\1\1", 2)
    fuzzy = Dataset()
    fuzzy.QueryRetrieveLevel, fuzzy.PatientName = "STUDY", "cas spa"
    assert negotiated(peer, b"\1\0\0", fuzzy)[1] == 0
    assert negotiated(peer, b"\1\1\1\1\1\1\1\1", fuzzy) == (b"\1\1\1\0\0\1\1", 2)


def test_without_an_index_queries_fail_in_words_and_images_are_still_taken(tmp_path: Path) -> None:
    made = open_box(tmp_path / "box")
    with serving(made) as port:
        made.index_path.write_bytes(b"this is no index" * 1000)
        peer = Peer("BOX", "PACSBOX", "127.0.0.1", port)
        asked = ask(peer, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=""))
        assert (asked.statuses, asked.comment) == ([0xC001], "the index cannot be read at the moment")
        with Scu(port).associate([(MR, [EXPLICIT])]) as scu:
            assert scu.store(1, MR, uids(brainix()[0])[1], data_set(brainix()[0])).status == 0
    made.close()
