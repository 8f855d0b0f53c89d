"""Everything the console says, from what the core knows; pure functions."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

from appliance.dicom import names
from appliance.dicom.model import Series, Study, moment
from appliance.storage.rows import Proof, Transfer, TransferState

ARRIVING = timedelta(seconds=10)
"""A study whose last image is younger is still coming in."""

_SEX = {"F": "female", "M": "male", "O": "other"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows them on the line."""


def clean(text: str) -> str:
    """Text from outside, safe for a terminal: one line, no control characters, no marks of direction."""
    kept = (" " if c in "\r\n\t" else c for c in text if c not in _BIDI)
    return "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cs")).strip()


def person(name: str) -> str:
    """A patient's name as people write it."""
    return clean(names.display(name)) or "(no name)"


def date(text: str) -> str:
    """A DICOM date: `20240501` -> `2024-05-01`."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else ""


def time(text: str) -> str:
    """A DICOM time: `143207.5` -> `14:32`."""
    return f"{text[:2]}:{text[2:4]}" if text[:4].isdigit() and len(text) >= 4 else ""


def modalities(values: tuple[str, ...], width: int) -> str:
    """As many as `width` cells hold: `CT/SR`, else `CT+2`."""
    joined = "/".join(map(clean, values))
    return joined if len(joined) <= width else f"{clean(values[0])}+{len(values) - 1}"


def plural(number: int, thing: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number:,} {thing if number == 1 else things(thing)}"


def things(thing: str) -> str:
    """More than one of it."""
    return {"study": "studies", "series": "series"}.get(thing, f"{thing}s")


def size(count: int) -> str:
    """Bytes as disks are sold: `41 GB`, `1.2 GB`, `350 MB`."""
    for unit, worth in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= worth:
            number = count / worth
            return f"{number:.1f} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    return f"{count} B"


def is_arriving(study: Study, now: datetime) -> bool:
    """Whether its images are still coming in."""
    return bool(study.last_received) and timedelta(0) <= now - moment(study.last_received) < ARRIVING


def when(text: str, now: datetime) -> str:
    """A moment in eight cells or fewer: `14:32` today, `12 Mar` this year, else `Mar 2023`."""
    if not text:
        return ""
    local, today = moment(text).astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local:%b %Y}"


def day(text: str) -> str:
    """The day of a moment: `12 Mar 2026`."""
    local = moment(text).astimezone() if text else None
    return f"{local.day} {local:%b %Y}" if local else ""


def minute(text: str) -> str:
    """A moment in full: `12 Mar 2026, 14:32`."""
    return f"{day(text)}, {moment(text).astimezone():%H:%M}" if text else ""


def day_in(days: int) -> str:
    """The day that many days from now."""
    return day((datetime.now(UTC) + timedelta(days=days)).isoformat())


def sex(text: str) -> str:
    """A DICOM sex in a word."""
    return _SEX.get(text, "")


def whose(study: Study | None) -> str:
    """The patient of a study that may have been deleted since."""
    return person(study.patient_name) if study else "(the study is gone)"


def identity(study: Study) -> str:
    """What to compare with the patient in front of the desk."""
    return dotted(
        f"born {date(study.patient_birth_date)}" if study.patient_birth_date else "no birth date",
        sex(study.patient_sex),
        f"ID {clean(study.patient_id)}" if study.patient_id else "",
    )


def contents(study: Study) -> str:
    """What the study is, in a line."""
    return dotted(
        modalities(study.modalities_in_study, 11) if study.modalities_in_study else "",
        clean(study.study_description),
        date(study.study_date),
        plural(study.number_of_study_related_instances, "image"),
    )


def series_title(series: Series) -> str:
    """What a series is called."""
    return clean(series.series_description) or clean(series.protocol_name) or "(no description)"


def dotted(*parts: str) -> str:
    """The parts that say anything, in a row."""
    return " · ".join(part for part in parts if part)


TRANSFER_STATE = {
    TransferState.QUEUED: "waiting",
    TransferState.SENDING: "sending",
    TransferState.DONE: "arrived",
    TransferState.FAILED: "failed",
    TransferState.CANCELLED: "cancelled",
}


def progress(transfer: Transfer) -> str:
    """`12 of 44`."""
    return f"{transfer.sent} of {transfer.total}"


def transfer_state(transfer: Transfer) -> str:
    """Where a transfer is, in a word of nine cells."""
    confirmed = transfer.state is TransferState.DONE and transfer.proof is Proof.CONFIRMED
    return "confirmed" if confirmed else TRANSFER_STATE[transfer.state]


def proof(transfer: Transfer) -> str:
    """Whether the peer has said that it keeps what arrived, in a sentence; empty where nobody was asked."""
    return {
        Proof.CONFIRMED: f"Confirmed by {transfer.peer} on {minute(transfer.proof_at)}.",
        Proof.ASKING: f"Asking {transfer.peer} whether it keeps them.",
        Proof.AWAITING: f"Waiting for {transfer.peer} to confirm that it keeps them.",
        Proof.UNANSWERED: f"{transfer.peer} was asked and did not say whether it keeps them.",
    }.get(transfer.proof, "")


def transfer_story(transfer: Transfer, sender_up: bool, now: datetime) -> str:
    """How a transfer stands, in a sentence or two."""
    if not sender_up and not transfer.state.is_over:
        return "The sender is down: nothing goes out until it runs again. This one will not be lost."
    if transfer.state is TransferState.DONE:
        arrived = transfer.message or f"All {plural(transfer.total, 'image')} arrived at {transfer.peer}."
        return " ".join(part for part in (arrived, proof(transfer)) if part)
    if transfer.state is TransferState.SENDING:
        return transfer.message or f"Sending to {transfer.peer}. You need not wait here: it goes on by itself."
    if transfer.state is TransferState.QUEUED:
        again = f"Trying again at {when(transfer.due, now)}." if transfer.due and moment(transfer.due) > now else ""
        waiting = "" if transfer.message else f"Waiting for its turn to go to {transfer.peer}."
        return " ".join(part for part in (transfer.message, again or waiting) if part)
    if transfer.state is TransferState.CANCELLED:
        return f"Cancelled after {plural(transfer.sent, 'image')}. Press r to send the rest."
    return transfer.message or "It did not work."
