"""Documents inside instances."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from appliance.dicom.document import document
from appliance.dicom.source import NothingToShowError
from tests.support.files import shared
from tests.support.pictures import write

PDF = b"%PDF-1.4 odd"[:-1]


def _instance(path: Path, content: bytes = PDF, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> Path:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.3"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return write(path, dataset, syntax)


def _content(path: Path) -> bytes:
    return b"".join(document(path).chunks())


def test_a_real_pdf_comes_out_as_it_went_in() -> None:
    path = shared("odd", "sample-pdf.dcm")
    found = document(path)
    assert found.media_type == "application/pdf"
    assert _content(path) == pydicom.dcmread(path).EncapsulatedDocument[: found.size]
    assert _content(path).startswith(b"%PDF-")


def test_a_real_instance_whose_document_is_empty_has_none() -> None:
    with pytest.raises(NothingToShowError, match="no document"):
        document(shared("odd", "Issue137.dcm"))


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    assert _content(_instance(tmp_path / "a", syntax=syntax, EncapsulatedDocumentLength=len(PDF))) == PDF


@pytest.mark.parametrize("said", [len(PDF), None, 0, 5000])
def test_the_padding_byte_is_left_out_however_wrong_the_length(tmp_path: Path, said: int | None) -> None:
    assert _content(_instance(tmp_path / "a", EncapsulatedDocumentLength=said)) == PDF


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("application/pdf", "application/pdf"),
        ("Application/PDF; x=1", "application/pdf"),
        ("application/sla", "model/stl"),
    ],
)
def test_media_types_are_ours(tmp_path: Path, said: str, known: str) -> None:
    assert document(_instance(tmp_path / "a", MIMETypeOfEncapsulatedDocument=said)).media_type == known


def test_without_a_media_type_the_sop_class_tells(tmp_path: Path) -> None:
    said = {"MIMETypeOfEncapsulatedDocument": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.2"}
    assert document(_instance(tmp_path / "a", **said)).media_type == "text/xml"


@pytest.mark.parametrize("said", ["text/html", "image/svg+xml", "application/x-msdownload"])
def test_kinds_that_nobody_expects_are_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(NothingToShowError, match="kind"):
        document(_instance(tmp_path / "a", MIMETypeOfEncapsulatedDocument=said))


def test_a_picture_is_no_document() -> None:
    with pytest.raises(NothingToShowError, match="no document"):
        document(shared("transfer-syntaxes", "CTImage.dcm"))


def test_a_document_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = _instance(tmp_path / "a", PDF * 50)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NothingToShowError, match="ends in the middle"):
        document(path)


def test_a_deflated_document_is_inflated_a_little_at_a_time(tmp_path: Path) -> None:
    path = _instance(tmp_path / "a", bytes(64 << 20) + PDF + b"\0", DeflatedExplicitVRLittleEndian)
    tracemalloc.start()
    found = document(path)
    length = sum(map(len, found.chunks()))
    ending = b"".join(found.chunks(64 << 20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (length, ending) == (found.size, PDF)
    assert peak < 4 << 20
