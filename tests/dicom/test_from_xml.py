"""The Native DICOM Model read back."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from appliance.dicom.from_xml import model
from appliance.dicom.json import encode
from appliance.dicom.xml import native
from tests.support.files import PYDICOM

FRAME = b"<NativeDicomModel>%b</NativeDicomModel>"


@pytest.mark.parametrize("name", ["CT_small.dcm", "reportsi.dcm", "rtplan.dcm", "test-SR.dcm"])
def test_what_is_written_is_read_again(name: str) -> None:
    (path,) = (PYDICOM / "test_files").rglob(name)
    json = encode(dcmread(path), lambda path: path)
    again = model(native(json))
    assert native(again) == native(json)
    assert again.keys() == json.keys()


def test_values_keep_their_places() -> None:
    told = FRAME % b'<DicomAttribute tag="00080008" vr="CS"><Value number="3">C</Value></DicomAttribute>'
    assert model(told) == {"00080008": {"vr": "CS", "Value": [None, None, "C"]}}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a",
        b"<a/>",
        b'<?xml version="1.0" encoding="nonsense"?><NativeDicomModel/>',
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]>' + FRAME % b"&b;",
        FRAME % b'<DicomAttribute tag="00080008"><Value number="0">C</Value></DicomAttribute>',
        FRAME % b'<DicomAttribute tag="00080008"><Value number="9999999">C</Value></DicomAttribute>',
        FRAME % (b'<DicomAttribute><Item number="1">' * 99 + b"</Item></DicomAttribute>" * 99),
    ],
)
def test_what_is_none_is_refused_in_one_line(document: bytes) -> None:
    with pytest.raises(ValueError) as told:
        model(document)
    assert "\n" not in str(told.value)
