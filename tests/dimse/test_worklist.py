"""The modality worklist, asked by dcmtk's findscu and by pynetdicom."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom.association import Association

from appliance.box import Box
from appliance.dicom.worklist import STEPS
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.command import encode
from appliance.dimse.identifier import Identifier
from appliance.storage.rows import Peer
from appliance.worklist import item as items
from tests.support.growth import held
from tests.support.items import dataset
from tests.support.modality import STEP, WORKLIST, Modality, modality_of
from tests.support.querying import ask, keys
from tests.support.scu import EXPLICIT, Scu

_FULL = {
    "PatientName": "Müller^Jürgen",
    "PatientID": "4711",
    "PatientBirthDate": "19590107",
    "PatientSex": "M",
    "PatientWeight": "70.5",
    "MedicalAlerts": "Pacemaker",
    "Allergies": "Iodine",
    "PregnancyStatus": "4",
    "PatientState": "stable",
    "SpecialNeeds": "Lift",
    "ConfidentialityConstraintOnPatientDataDescription": "R",
    "CurrentPatientLocation": "Ward 3",
    "AdmissionID": "ADM1",
    "RequestingPhysician": "Weiß^Käthe",
    "ReferringPhysicianName": "Grün^Bärbel",
    "AccessionNumber": "A1",
    "RequestedProcedureID": "P1",
    "RequestedProcedureDescription": "Head CT",
    "RequestedProcedurePriority": "STAT",
    "PatientTransportArrangements": "Bed",
    "StudyInstanceUID": "2.25.1",
}
_STEP = {
    "Modality": "CT",
    "ScheduledStationAETitle": "CT1",
    "ScheduledStationName": "ROOM1",
    "ScheduledProcedureStepLocation": "Basement",
    "ScheduledProcedureStepStartDate": "20261121",
    "ScheduledProcedureStepStartTime": "143000",
    "ScheduledPerformingPhysicianName": "Groß^Uwe",
    "ScheduledProcedureStepDescription": "Head native",
    "ScheduledProcedureStepID": "S1",
    "PreMedication": "none",
    "RequestedContrastAgent": "Iomeprol",
}
_OTHER = {"PatientName": "Doe^Jane", "PatientID": "4712", "Modality": "MR", "ScheduledStationAETitle": "MR1"}
_TOMORROW = {"ScheduledProcedureStepStartDate": "20261122", "ScheduledProcedureStepStartTime": "081500"}


@pytest.fixture
def modality(box: Box, tmp_path: Path) -> Iterator[Modality]:
    box.orders.add(_FULL | _STEP, "test")
    box.orders.add(_OTHER | _TOMORROW, "test")
    with modality_of(box, tmp_path / "answers") as found:
        yield found


def test_each_key_of_the_standard_matches_and_is_returned(modality: Modality) -> None:
    keys = [f"{keyword}={value}" for keyword, value in _FULL.items()]
    keys += [f"{STEP}{keyword}={value}" for keyword, value in _STEP.items()]
    latin = [key for key in keys if not key.isascii()]
    plain = [key for key in keys if key.isascii()]
    asked = [key.partition("=")[0] for key in latin]
    (answer,) = modality.worklist(*plain, *asked, "SpecificCharacterSet=ISO_IR 100")
    (step,) = answer.ScheduledProcedureStepSequence
    assert {keyword: str(answer[keyword].value) for keyword in _FULL} == _FULL
    assert {keyword: str(step[keyword].value) for keyword in _STEP} == _STEP


def answered(association: Association, keys: Dataset) -> list[str]:
    """Whose orders are found. Once in a thousand times pynetdicom's own thread takes an answer away from who asked."""
    for _ in range(2):
        answers = list(association.send_c_find(keys, WORKLIST))
        assert [status.Status for status, _ in answers][-1] == 0
        if len(answers) > 1:
            break
    return [answer.PatientID for _, answer in answers[:-1]]


def test_each_key_alone_finds_its_order_and_no_other(modality: Modality) -> None:
    found = {}
    with modality.associated(WORKLIST) as association:
        for keyword, value in (_FULL | _STEP).items():
            typed = int(value) if keyword == "PregnancyStatus" else value
            asked = {keyword: typed} if keyword in _FULL else {"ScheduledProcedureStepSequence": {keyword: typed}}
            keys = dataset(SpecificCharacterSet="ISO_IR 192", **{"PatientID": ""} | asked)
            found[keyword] = answered(association, keys)
    assert found == {keyword: ["4711"] for keyword in (*_FULL, *_STEP)}


def test_names_are_answered_in_the_set_asked_for_when_it_can_carry_them(modality: Modality) -> None:
    answered = {}
    for asked in ("ISO_IR 192", "ISO_IR 100", "ISO_IR 144", ""):
        (answer,) = modality.worklist("PatientID=4711", "PatientName", f"SpecificCharacterSet={asked}")
        answered[asked] = answer.SpecificCharacterSet
        assert str(answer.PatientName) == "Müller^Jürgen"
    others = dict.fromkeys(("ISO_IR 192", "ISO_IR 144", ""), "ISO_IR 192")
    assert answered == others | {"ISO_IR 100": "ISO_IR 100"}


def test_a_japanese_name_is_answered_in_iso_2022(box: Box, modality: Modality) -> None:
    box.orders.add(_OTHER | {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "PatientID": "J"}, "test")
    (answer,) = modality.worklist("PatientID=J", "PatientName", "SpecificCharacterSet=\\ISO 2022 IR 87")
    assert list(answer.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
    assert str(answer.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"


def test_an_order_for_any_station_is_at_the_one_that_asks(box: Box, modality: Modality) -> None:
    box.orders.change(1, {"ScheduledStationAETitle": ""})
    keys = ("PatientID", f"{STEP}ScheduledStationAETitle")
    stations = {
        asked: [
            (answer.PatientID, answer.ScheduledProcedureStepSequence[0].ScheduledStationAETitle)
            for answer in modality.worklist(keys[0], f"{keys[1]}={asked}")
        ]
        for asked in ("", "CT9", "MR1")
    }
    assert stations == {
        "": [("4711", "MODALITY"), ("4712", "MR1")],
        "CT9": [("4711", "CT9")],
        "MR1": [("4711", "MR1"), ("4712", "MR1")],
    }


def test_a_key_that_nobody_knows_is_told_by_the_status(modality: Modality) -> None:
    with modality.associated(WORKLIST) as association:
        found = list(association.send_c_find(dataset(PatientID="4711", KVP=""), WORKLIST))
    assert [status.Status for status, _ in found] == [0xFF01, 0x0000]
    assert "KVP" not in found[0][1]


def test_a_key_that_cannot_be_right_is_refused_with_its_name(modality: Modality) -> None:
    with modality.associated(WORKLIST) as association:
        keys = dataset(ScheduledProcedureStepSequence={"ScheduledProcedureStepStartDate": "soon"})
        ((status, _),) = association.send_c_find(keys, WORKLIST)
    assert status.Status == 0xC000
    assert status.ErrorComment.startswith("ScheduledProcedureStepStartDate takes a date")


def test_a_cancel_sent_at_once_ends_the_answer(box: Box, modality: Modality) -> None:
    box.orders.add_all([items.made(_OTHER | {"PatientID": str(number)}) for number in range(200)], "test")
    asked = {0x0002: WORKLIST, 0x0100: 0x0020, 0x0110: 7, 0x0700: 0, 0x0800: 1}
    cancel = {0x0100: 0x0FFF, 0x0120: 7, 0x0800: 0x0101}
    with Scu(modality.port).associate([(WORKLIST, [EXPLICIT])], calling=b"MODALITY".ljust(16)) as scu:
        # All in one PDU: there is no moment between them.
        scu.fragments(1, (3, encode(asked)), (2, keys(PatientID="")), (3, encode(cancel)))
        statuses = [scu.response().status]
        while statuses[-1] == 0xFF00:
            statuses.append(scu.response().status)
    assert statuses[-1] == 0xFE00
    assert len(statuses) < 200


def test_ten_thousand_orders_stream_in_little_memory(box: Box, modality: Modality) -> None:
    with closing(sqlite3.connect(box.index_path)) as index, index:
        columns = [row[1] for row in index.execute("PRAGMA table_info(worklist_order)") if row[1] != "id"]
        index.execute(
            "WITH RECURSIVE numbers(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM numbers WHERE i < 10000)"
            f" INSERT INTO worklist_order ({', '.join(columns)}) SELECT {', '.join(columns)}"
            " FROM numbers JOIN worklist_order ON id = 1"
        )
    peer = Peer("BOX", "PACSBOX", "127.0.0.1", modality.port)
    wanted = {"PatientName": "", "StudyInstanceUID": "", STEPS: {"Modality": "", "ScheduledStationAETitle": ""}}
    ask(peer, keys(PatientID="4712", **wanted), WORKLIST, ourselves=Ourselves("MODALITY"))
    before, most = held(os.getpid()).memory, 0.0
    names: Counter[str] = Counter()

    def take(answer: Identifier) -> None:
        nonlocal most
        names[answer.text(0x00100020)] += 1
        if names.total() % 1000 == 0:
            most = max(most, held(os.getpid()).memory)

    done = ask(peer, keys(PatientID="", **wanted), WORKLIST, ourselves=Ourselves("MODALITY"), each=take)
    assert (done.statuses[-1], names) == (0, {"4711": 9999, "4712": 1})
    assert most - before < 20


def test_an_index_that_cannot_be_used_is_a_failure_that_says_so(box: Box, modality: Modality) -> None:
    with modality.associated(WORKLIST) as association:
        box.close()
        for file in box.index_path.parent.iterdir():
            file.unlink()
        box.index_path.write_bytes(b"this is no index" * 500)
        ((status, _),) = association.send_c_find(dataset(PatientID=""), WORKLIST)
    assert (status.Status, status.ErrorComment) == (0xC001, "the index cannot be read at the moment")
