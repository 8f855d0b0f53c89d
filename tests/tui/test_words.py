"""What the console says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from appliance.dicom.model import Study
from appliance.storage.rows import Proof, Transfer, TransferState
from tui import words

NOON = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def study(**known) -> Study:
    blank = {field.name: "" for field in dataclasses.fields(Study)}
    counts = {"number_of_study_related_series": 1, "number_of_study_related_instances": 1, "size": 0}
    return Study(**blank | counts | {"modalities_in_study": (), "sop_classes_in_study": ()} | known)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Müller", "Müller"),
        ("\x1b[2Jevil", "[2Jevil"),
        ("two\r\nlines\t", "two  lines"),
        ("\u202eabc\u202c", "abc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\x00\x9b1m", "1m"),
    ],
)
def test_text_from_outside_cannot_steer_the_terminal(text, safe):
    assert words.clean(text) == safe


def test_a_person_without_a_name():
    assert words.person("^^") == "(no name)"


@pytest.mark.parametrize(("text", "shown"), [("20240501", "2024-05-01"), ("", ""), ("2024", ""), ("not-date", "")])
def test_dates(text, shown):
    assert words.date(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("143207.5", "14:32"), ("14", ""), ("", "")])
def test_times(text, shown):
    assert words.time(text) == shown


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-05-20T09:05:00+00:00", "09:05"),
        ("2026-05-19T23:59:00+00:00", "19 May"),
        ("2025-12-31T12:00:00+00:00", "Dec 2025"),
        ("", ""),
    ],
)
def test_moments_take_eight_cells_at_most(at, shown):
    assert words.when(at, NOON) == shown
    assert len(words.when(at, NOON)) <= 8


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (1200, "1.2 kB"), (41_400_000_000, "41 GB"), (1_240_000_000_000, "1.2 TB")],
)
def test_sizes_as_disks_are_sold(number, shown):
    assert words.size(number) == shown


@pytest.mark.parametrize(
    ("number", "thing", "shown"),
    [(1, "image", "1 image"), (2, "image", "2 images"), (2, "study", "2 studies"), (12345, "series", "12,345 series")],
)
def test_one_and_more(number, thing, shown):
    assert words.plural(number, thing) == shown


@pytest.mark.parametrize(
    ("values", "shown"), [((), ""), (("MR",), "MR"), (("CT", "SR"), "CT/SR"), (("CT", "PR", "SR"), "CT+2")]
)
def test_modalities_in_five_cells(values, shown):
    assert words.modalities(values, 5) == shown


def test_a_study_is_arriving_for_some_seconds_after_its_last_image():
    at = NOON.isoformat()
    assert words.is_arriving(study(last_received=at), NOON + timedelta(seconds=3))
    assert not words.is_arriving(study(last_received=at), NOON + timedelta(seconds=30))
    assert not words.is_arriving(study(last_received=at), NOON - timedelta(hours=1))  # the clock was set back
    assert not words.is_arriving(study(), NOON)


def test_identity_leaves_out_what_is_unknown():
    assert words.identity(study(patient_birth_date="19750312", patient_sex="F", patient_id="12")) == (
        "born 1975-03-12 · female · ID 12"
    )
    assert words.identity(study()) == "no birth date"


def transfer(state: TransferState, **known) -> Transfer:
    blank = {
        "due": "",
        "message": "",
        "created": "",
        "updated": "",
        "attempts": 0,
        "total": 44,
        "sent": 3,
        "refused": 0,
    }
    return Transfer(id=1, study_instance_uid="1.2", peer="CLINIC-B", state=state, **blank | known)


@pytest.mark.parametrize(
    ("known", "up", "story"),
    [
        ((TransferState.QUEUED, {}), True, "Waiting for its turn to go to CLINIC-B."),
        ((TransferState.QUEUED, {}), False, "The sender is down"),
        (
            (TransferState.QUEUED, {"message": "No answer.", "due": "2026-05-20T12:05:00+00:00"}),
            True,
            "No answer. Trying again at 12:05.",
        ),
        ((TransferState.SENDING, {}), True, "Sending to CLINIC-B."),
        ((TransferState.DONE, {}), False, "All 44 images arrived at CLINIC-B."),
        ((TransferState.DONE, {"message": "2 were left out."}), True, "2 were left out."),
        (
            (TransferState.DONE, {"proof": Proof.CONFIRMED, "proof_at": "2026-03-12T12:00:00+00:00"}),
            True,
            "All 44 images arrived at CLINIC-B. Confirmed by CLINIC-B on 12 Mar 2026, 12:00.",
        ),
        (
            (TransferState.DONE, {"proof": Proof.AWAITING}),
            True,
            "All 44 images arrived at CLINIC-B. Waiting for CLINIC-B to confirm that it keeps them.",
        ),
        (
            (TransferState.DONE, {"proof": Proof.UNANSWERED, "message": "2 were left out."}),
            True,
            "2 were left out. CLINIC-B was asked and did not say whether it keeps them.",
        ),
        ((TransferState.DONE, {"proof": Proof.NOT_OFFERED}), True, "All 44 images arrived at CLINIC-B."),
        ((TransferState.FAILED, {"message": "Refused."}), True, "Refused."),
        ((TransferState.CANCELLED, {}), True, "Cancelled after 3 images."),
    ],
)
def test_how_a_transfer_stands(known, up, story):
    state, values = known
    assert words.transfer_story(transfer(state, **values), up, NOON).startswith(story)


def test_a_confirmed_transfer_says_so_in_its_column():
    assert words.transfer_state(transfer(TransferState.DONE)) == "arrived"
    assert words.transfer_state(transfer(TransferState.DONE, proof=Proof.CONFIRMED)) == "confirmed"
    assert words.transfer_state(transfer(TransferState.FAILED, proof=Proof.CONFIRMED)) == "failed"
