"""Senders that leave their character set out, or name the wrong one: what staff say of them counts; doubts are news."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from appliance import events
from appliance.archive.reindex import reindex
from appliance.box import Box
from appliance.dicom import elements, header
from appliance.dicom.charset import ANSWERS, checked
from appliance.dicom.kinds import Unsure
from appliance.dicom.model import Origin
from tests.support.files import PYDICOM


@pytest.fixture(params=["lean", "tolerant"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both readers of headers must agree."""
    if request.param == "tolerant":

        def unsure(*_: object, **__: object) -> None:
            raise Unsure("for a test")

        monkeypatch.setattr(elements, "read", unsure)


def bring(box: Box, folder: Path, name: bytes, character_set: str | None, source: str = "CT1") -> str:
    """Have a patient's name of these bytes arrive from `source`; the name as the index has it."""
    dataset = dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.PatientName = "X" * (len(name) + len(name) % 2)
    if character_set is None:
        del dataset.SpecificCharacterSet
    else:
        dataset.SpecificCharacterSet = character_set.split("\\") if character_set else ""
    path = folder / "made.dcm"
    dataset.save_as(path)
    path.write_bytes(
        path.read_bytes().replace(b"X" * (len(name) + len(name) % 2), name.ljust(len(name) + len(name) % 2))
    )
    with path.open("rb") as file:
        box.spool("receiver").keep(file, Origin("C-STORE", source, "PACSBOX", "127.0.0.1", events.now()))
    assert box.indexer().drain_batch() == 1
    return stored_name(box)


def stored_name(box: Box) -> str:
    (uid,) = box.storage.studies.study_uids()
    (study,) = box.storage.studies.studies([uid])
    return study.patient_name


def doubts(box: Box) -> list[tuple[str, str]]:
    found = [each for each in box.storage.events.since(0) if each.kind == events.CHARACTER_SET_DOUBTED]
    return [(each.detail["source"], each.detail["why"]) for each in found]


GREEK = "Διονυσιος"


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("said", [None, ""])
def test_a_peers_character_set_counts_where_its_data_sets_name_none(box: Box, tmp_path: Path, said: str | None) -> None:
    box.peers.add("CT", "CT1", "10.0.0.1", 104, character_set="ISO_IR 126")
    assert bring(box, tmp_path, GREEK.encode("iso8859_7"), said) == GREEK
    assert doubts(box) == []
    box.peers.change("CT", character_set="")
    reindex(box.storage, box.blobs)
    assert stored_name(box) != GREEK
    box.peers.change("CT", character_set="ISO_IR 126")
    reindex(box.storage, box.blobs)
    assert stored_name(box) == GREEK


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(("overrides", "expected"), [(False, "Müller"), (True, "Mόller")])
def test_what_a_data_set_names_counts_unless_staff_say_that_it_lies(
    box: Box, tmp_path: Path, overrides: bool, expected: str
) -> None:
    box.peers.add("CT", "CT1", "10.0.0.1", 104, character_set="ISO_IR 126", overrides_character_set=overrides)
    assert bring(box, tmp_path, "Müller".encode("latin-1"), "ISO_IR 100") == expected


@pytest.mark.usefixtures("reader")
def test_other_senders_are_read_as_before(box: Box, tmp_path: Path) -> None:
    box.peers.add("CT", "CT1", "10.0.0.1", 104, character_set="ISO_IR 126")
    assert bring(box, tmp_path, "Müller".encode("latin-1"), "ISO_IR 100", "US1") == "Müller"
    assert doubts(box) == []


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        (GREEK.encode("iso8859_7"), None, "beyond ASCII"),
        ("Müller".encode("latin-1"), "ISO_IR 192", "not in the character set"),
        ("Łódź".encode("cp1252", "replace") + b"\x8c\x9c", "ISO_IR 100", "not in the character set"),
    ],
)
def test_bytes_that_contradict_the_character_set_are_news_once_a_batch(
    box: Box, tmp_path: Path, name: bytes, said: str | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown = bring(box, tmp_path, name, said)
    ((source, told),) = doubts(box)
    assert source == "CT1"
    assert why in told
    assert "pacsbox peer change NAME --character-set" in caplog.text
    assert shown not in caplog.text, "no name of a patient in a log"


@pytest.mark.parametrize("path", sorted((PYDICOM / "charset_files").glob("*.dcm")), ids=lambda path: path.stem)
def test_what_is_right_raises_no_doubt(path: Path) -> None:
    if not path.stem.startswith("chrSQEncoding"):  # those have no UIDs
        assert header.read(path).doubt == ""


@pytest.mark.parametrize("value", [*ANSWERS, "\\ISO 2022 IR 87", "iso_ir 100", "ISO 2022 IR 6\\ISO 2022 IR 126"])
def test_defined_terms_are_taken(value: str) -> None:
    assert checked(value) == value.upper()


@pytest.mark.parametrize("value", ["latin1", "ISO_IR 192\\ISO 2022 IR 87", "ISO_IR 7"])
def test_other_terms_are_named(value: str) -> None:
    with pytest.raises(ValueError, match=r"character set|stands alone"):
        checked(value)
