"""What storage commitment says (PS3.4 tables J.3-1 and J.3-2): read with suspicion, written to the letter."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydicom.dataset import Dataset

from appliance.dicom.uid import is_valid
from appliance.storage.rows import Reference

SOP_CLASS = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model."""
SOP_INSTANCE = "1.2.840.10008.1.20.1.1"
"""Its only instance, which is well known."""
REQUEST = 1
"""The Action Type of a request."""
ALL_KEPT, SOME_FAILED = 1, 2
"""The Event Types of a report."""
_UNREADABLE = (ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, TypeError, ValueError)
_ODD = (*_UNREADABLE, struct.error)
"""What pydicom raises over data sets that are none."""


class Failure(IntEnum):
    """Why there is no commitment to an instance (PS3.3 C.14.1.1)."""

    PROCESSING = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    CLASS_NOT_SUPPORTED = 0x0122
    DUPLICATE_TRANSACTION = 0x0131
    RESOURCES = 0x0213


@dataclass(frozen=True)
class Question:
    """Are these instances kept?"""

    transaction_uid: str
    references: tuple[Reference, ...]

    @property
    def fingerprint(self) -> str:
        """The same for the same instances in any order."""
        lines = sorted(f"{reference.sop_instance_uid} {reference.sop_class_uid}" for reference in self.references)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Report:
    """These are, and those are not."""

    transaction_uid: str
    kept: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...] = ()
    """Each with its reason, one of `Failure` or another."""
    all_kept: bool = False
    """Whether it says so of the whole question, as its Event Type."""

    @property
    def event_type(self) -> int:
        """What its N-EVENT-REPORT says."""
        return SOME_FAILED if self.failed else ALL_KEPT


def read_question(data: Dataset) -> Question:
    """The Action Information of an N-ACTION. Raises ValueError saying what is wrong with it."""
    try:
        question = Question(str(data.TransactionUID), tuple(_references(data.ReferencedSOPSequence)))
    except _ODD as fault:
        raise ValueError("it has no Transaction UID, or no list of instances") from fault
    _check(question.transaction_uid, question.references)
    if not question.references:
        raise ValueError("its list of instances is empty")
    return question


def read_report(data: Dataset, event_type: int) -> Report:
    """The Event Information of an N-EVENT-REPORT. Raises ValueError saying what is wrong with it."""
    try:
        transaction_uid = str(data.TransactionUID)
        kept = tuple(_references(data.get("ReferencedSOPSequence") or ()))
        failed = tuple(
            (reference, int(item.get("FailureReason") or Failure.PROCESSING))
            for item in data.get("FailedSOPSequence") or ()
            for reference in _references([item])
        )
    except _ODD as fault:
        raise ValueError("it has no Transaction UID, or lists that cannot be read") from fault
    _check(transaction_uid, (*kept, *(reference for reference, _ in failed)))
    return Report(transaction_uid, kept, failed, all_kept=event_type == ALL_KEPT and not failed)


def question_data(question: Question) -> Dataset:
    """The Action Information."""
    data = Dataset()
    data.TransactionUID = question.transaction_uid
    data.ReferencedSOPSequence = [_item(reference) for reference in question.references]
    return data


def report_data(report: Report) -> Dataset:
    """The Event Information; neither of its lists is ever empty."""
    data = Dataset()
    data.TransactionUID = report.transaction_uid
    if report.kept:
        data.ReferencedSOPSequence = [_item(reference) for reference in report.kept]
    if report.failed:
        data.FailedSOPSequence = [_item(reference, reason) for reference, reason in report.failed]
    return data


def _references(items: Any) -> Iterator[Reference]:
    for item in items:
        yield Reference(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))


def _item(reference: Reference, reason: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reason is not None:
        item.FailureReason = reason
    return item


def _check(transaction_uid: str, references: tuple[Reference, ...]) -> None:
    if not is_valid(transaction_uid):
        raise ValueError("its Transaction UID is not valid")
    for reference in references:
        if not (is_valid(reference.sop_class_uid) and is_valid(reference.sop_instance_uid)):
            raise ValueError("a UID in its list of instances is missing or not valid")
