"""The data sets of storage commitment: read with suspicion, written to the letter."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from appliance.commitment.messages import (
    Failure,
    Question,
    Report,
    question_data,
    read_question,
    read_report,
    report_data,
)
from appliance.dimse.commitment import encoded
from appliance.dimse.received import data_set
from appliance.storage.rows import Reference

MR = "1.2.840.10008.5.1.4.1.1.4"
ONE, TWO = Reference(MR, "1.2.3.1"), Reference(MR, "1.2.3.2")
SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_question_reads_as_it_was_written(syntax: str) -> None:
    question = Question("1.2.9", (ONE, TWO))
    assert read_question(data_set(encoded(question_data(question), syntax), syntax)) == question


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_report_reads_as_it_was_written(syntax: str) -> None:
    report = Report("1.2.9", (ONE,), ((TWO, Failure.NO_SUCH_INSTANCE),))
    assert report.event_type == 2
    assert read_report(data_set(encoded(report_data(report), syntax), syntax), 2) == report


def test_a_report_never_has_an_empty_list() -> None:
    assert "FailedSOPSequence" not in report_data(Report("1.2.9", (ONE,)))
    assert "ReferencedSOPSequence" not in report_data(Report("1.2.9", (), ((ONE, 0x0112),)))


def test_the_order_of_a_question_does_not_matter() -> None:
    assert Question("1.2.9", (ONE, TWO)).fingerprint == Question("1.2.8", (TWO, ONE)).fingerprint
    assert Question("1.2.9", (ONE,)).fingerprint != Question("1.2.9", (TWO,)).fingerprint


def without(keyword: str) -> Dataset:
    data = question_data(Question("1.2.9", (ONE,)))
    del data[keyword]
    return data


def changed(keyword: str, value: str) -> Dataset:
    data = question_data(Question("1.2.9", (ONE,)))
    place = data if keyword in data else data.ReferencedSOPSequence[0]
    place.add_new(keyword, "LO", value)
    return data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (Dataset(), "no Transaction UID"),
        (without("TransactionUID"), "no Transaction UID"),
        (without("ReferencedSOPSequence"), "no list"),
        (question_data(Question("1.2.9", ())), "empty"),
        (changed("TransactionUID", "../../etc/passwd"), "Transaction UID is not valid"),
        (changed("TransactionUID", ""), "Transaction UID is not valid"),
        (changed("ReferencedSOPInstanceUID", "nonsense"), "list of instances"),
        (changed("ReferencedSOPClassUID", ""), "list of instances"),
    ],
)
def test_a_question_that_is_none_is_refused_in_words(data: Dataset, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_question(data)


@pytest.mark.parametrize("junk", [b"\x08", b"\xff" * 40, b"\x08\x00\x99\x11\xff\xff\xff\xff" + b"\0" * 9])
def test_bytes_that_are_no_data_set_are_refused_in_words(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"data set|Transaction|list"):
        read_question(data_set(junk, "1.2.840.10008.1.2"))
