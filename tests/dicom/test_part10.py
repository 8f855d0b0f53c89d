"""The header that we write, and the reading of others'."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID
from appliance.errors import UnreadableInstanceError
from tests.support.files import knee

ORIGIN = Origin("C-STORE", "MODALITY", "PACSBOX", "192.0.2.7", "2026-11-21T08:00:00.000+00:00")
CT = "1.2.840.10008.5.1.4.1.1.2"


def test_what_is_written_reads_back() -> None:
    head = part10.encode(CT, "1.2.3", "1.2.840.10008.1.2.1", ORIGIN)
    meta = part10.read(io.BytesIO(head))
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (CT, "1.2.3")
    assert meta.origin == ORIGIN
    assert meta.length == len(head)


def test_pydicom_reads_our_header(tmp_path: Path) -> None:
    path = tmp_path / "head.dcm"
    path.write_bytes(part10.encode(CT, "1.2.3", "1.2.840.10008.1.2.1", ORIGIN))
    meta = dcmread(path).file_meta
    assert meta.SourceApplicationEntityTitle == "MODALITY"
    assert meta.ReceivingApplicationEntityTitle == "PACSBOX"
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.FileMetaInformationVersion == b"\x00\x01"


def test_a_header_of_others_has_no_origin() -> None:
    with knee()[0].open("rb") as file:
        meta = part10.read(file)
        assert meta.origin is None
        assert meta.transfer_syntax_uid == "1.2.840.10008.1.2.4.91"
        assert file.tell() == meta.length


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a DICOM file"),
        (b"x" * 200, "not a DICOM file"),
        (b"\0" * 128 + b"DICM", "does not name a transfer syntax"),
        (b"\0" * 128 + b"DICM" + b"\2\0\1\0OB\0\0\xff\xff\xff\xff", "claims 4294967295 bytes"),
        (b"\0" * 128 + b"DICM" + b"\2\0\x10\0UI\x10\0short", "ends within its header"),
        (b"\0" * 128 + b"DICM" + b"\2\0\0\0\4\0\0\0\0\0\0\0", "not explicit little endian"),
    ],
)
def test_damage_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableInstanceError, match=reason):
        part10.read(io.BytesIO(content))


def test_a_sealed_header_says_how_long_the_data_set_is() -> None:
    head = part10.encode(CT, "1.2.3", "1.2.840.10008.1.2.1", ORIGIN)
    assert part10.read(io.BytesIO(head)).data_size == 0
    meta = part10.read(io.BytesIO(part10.sealed(head, 5_000_000_000)))
    assert (meta.data_size, meta.origin, meta.length) == (5_000_000_000, ORIGIN, len(head))


def test_a_header_of_others_is_not_sealed() -> None:
    theirs = b"\0" * 128 + b"DICM"
    assert part10.sealed(theirs, 1) == theirs
