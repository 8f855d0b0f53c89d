"""What the index reads of an instance."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from blake3 import blake3
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset

from appliance.dicom import elements, header, inflate, part10, tolerant
from appliance.dicom.kinds import Unsure
from appliance.dicom.model import Origin
from appliance.errors import UnreadableInstanceError
from tests.support.datasets import Element, Item, encoded
from tests.support.files import PYDICOM, brainix, knee, pydicom_files, shared

EXPLICIT = "1.2.840.10008.1.2.1"


def written(tmp_path: Path, **values: Any) -> Path:
    """A small instance with these attributes."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = EXPLICIT
    path = tmp_path / "made.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def model(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(header.read(path).metadata)
    return found


def test_the_attributes_of_a_real_image() -> None:
    found = header.read(knee()[0])
    assert found.study["patient_name"] == "KNEE"
    assert found.study["study_date"] == "20080819"
    assert (found.series["modality"], found.series["series_description"]) == ("MR", "T1W_aTSE")
    assert (found.instance["rows"], found.instance["instance_number"]) == ("512", "1")
    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.4.91"


def test_the_digest_is_of_the_data_set_alone() -> None:
    path = knee()[0]
    with path.open("rb") as file:
        part10.read(file)
        assert header.read(path).digest == blake3(file.read()).hexdigest()


def test_metadata_equals_pydicoms_own_json_but_for_bulk_data() -> None:
    path = knee()[0]
    expected = dcmread(path, stop_before_pixels=True).to_json_dict(bulk_data_threshold=1 << 30)
    found = model(path)
    for tag in ("00080016", "00080020", "00080060", "00100010", "00180050", "00200032", "00281050", "00400275"):
        assert found.get(tag) == expected.get(tag), tag
    assert expected.keys() - found.keys() == set()


def test_pixels_are_a_uri_and_the_syntax_is_told() -> None:
    found = model(knee()[0])
    study, series = found["0020000D"]["Value"][0], found["0020000E"]["Value"][0]
    instance = found["00080018"]["Value"][0]
    uri = f"studies/{study}/series/{series}/instances/{instance}/bulkdata/7FE00010"
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": uri}
    assert found["00083002"]["Value"] == ["1.2.840.10008.1.2.4.91"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("chrArab.dcm", "قباني^لنزار"),
        ("chrFren.dcm", "Buc^Jérôme"),
        ("chrGerm.dcm", "Äneas^Rüdiger"),
        ("chrGreek.dcm", "Διονυσιος"),
        ("chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("chrHbrw.dcm", "שרון^דבורה"),
        ("chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("chrRuss.dcm", "Люкceмбypг"),
        ("chrX1.dcm", "Wang^XiaoDong=王^小東"),
        ("chrX2.dcm", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_of_every_character_set_are_unicode(file: str, name: str) -> None:
    assert header.read(PYDICOM / "charset_files" / file).study["patient_name"] == name


def test_person_names_have_their_groups_in_json() -> None:
    found = model(PYDICOM / "charset_files" / "chrH31.dcm")
    assert found["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]
    assert found["00080005"]["Value"] == ["ISO_IR 192"]


def test_empty_elements_have_only_a_vr(tmp_path: Path) -> None:
    assert model(written(tmp_path, AccessionNumber=""))["00080050"] == {"vr": "SH"}


def test_numbers_are_json_numbers(tmp_path: Path) -> None:
    found = model(written(tmp_path, InstanceNumber="7", SliceThickness="2.5", Rows=512))
    assert (found["00200013"]["Value"], found["00180050"]["Value"], found["00280010"]["Value"]) == ([7], [2.5], [512])


def test_a_value_that_its_vr_forbids_does_not_hide_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, InstanceNumber="1", PatientID="P1")
    path.write_bytes(path.read_bytes().replace(b"\x20\x00\x13\x00IS\x02\x001 ", b"\x20\x00\x13\x00IS\x02\x00XY"))
    found = header.read(path)
    assert found.instance["instance_number"] == ""
    assert found.study["patient_id"] == "P1"


def test_a_deflated_data_set_reads_like_the_plain_one(tmp_path: Path) -> None:
    plain = header.read(written(tmp_path, PatientName="Doe^Jane"))
    with (tmp_path / "made.dcm").open("rb") as file:
        part10.read(file)
        body = file.read()
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = part10.encode("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", "1.2.840.10008.1.2.1.99", Origin("upload"))
    (tmp_path / "deflated.dcm").write_bytes(head + pack.compress(body) + pack.flush())
    assert header.read(tmp_path / "deflated.dcm").study == plain.study


def test_a_deflate_bomb_is_refused_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "_MAX", 1 << 20)
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(64)) + pack.flush()
    head = part10.encode("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", "1.2.840.10008.1.2.1.99", Origin("upload"))
    (tmp_path / "bomb.dcm").write_bytes(head + bomb)
    tracemalloc.start()
    with pytest.raises(UnreadableInstanceError, match="grows beyond"):
        header.read(tmp_path / "bomb.dcm")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"StudyInstanceUID": ""}, "Study Instance UID is missing"),
        ({"SeriesInstanceUID": "1.2.x"}, "Series Instance UID is not valid"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_what_cannot_be_placed_is_refused_with_the_reason(tmp_path: Path, values: dict[str, str], reason: str) -> None:
    with pytest.raises(UnreadableInstanceError, match=reason):
        header.read(written(tmp_path, **values))


def test_every_broken_file_is_refused_or_read_never_worse() -> None:
    for path in sorted(shared("broken").glob("*.dcm")) + pydicom_files():
        try:
            header.read(path)
        except UnreadableInstanceError as fault:
            assert str(fault)


def test_any_cut_of_a_file_is_refused_or_read_never_worse(tmp_path: Path) -> None:
    whole = (PYDICOM / "test_files" / "CT_small.dcm").read_bytes()
    for length in range(0, 4000, 37):
        path = tmp_path / "cut.dcm"
        path.write_bytes(whole[:length])
        try:
            header.read(path)
        except UnreadableInstanceError as fault:
            assert str(fault)


def test_uids_alone() -> None:
    uids = header.read_uids(knee()[0])
    assert uids[0] == "1.2.840.10008.5.1.4.1.1.4"
    assert uids[2] == header.read(knee()[0]).uids[0]


def test_metadata_of_wide_bulk_stays_small(tmp_path: Path) -> None:
    found = model(written(tmp_path, EncapsulatedDocument=bytes(200_000)))
    assert found["00420011"]["BulkDataURI"].endswith("/bulkdata/00420011")
    assert io.BytesIO(orjson.dumps(found)).getbuffer().nbytes < 2000


def test_ordinary_images_never_need_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tolerant, "read")
    monkeypatch.delattr(tolerant, "read_uids")
    for path in [*knee()[:3], *brainix()[:3]]:
        assert header.read_uids(path)[1] == header.read(path).uids[2]


UIDS = (
    Element(0x00080018, "UI", b"1.2.3.4\0"),
    Element(0x0020000D, "UI", b"1.2.3\0"),
    Element(0x0020000E, "UI", b"1.2.3.1\0"),
)
PIXELS = Element(0x7FE00010, "OW", b"\1\2")


def made(tmp_path: Path, *elements: Element) -> Path:
    """A file of these elements, in the order of their tags."""
    head = part10.encode("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", EXPLICIT, Origin("upload"))
    path = tmp_path / "made.dcm"
    path.write_bytes(head + encoded(tuple(sorted(elements, key=lambda element: element.tag))))
    return path


@pytest.fixture(params=["lean", "tolerant"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two readers in turn."""
    if request.param == "tolerant":
        monkeypatch.setattr(elements, "read", _unsure)
    else:
        monkeypatch.delattr(tolerant, "read")


def _unsure(*_: object, **__: object) -> None:
    raise Unsure("for a test")


@pytest.mark.usefixtures("reader")
def test_both_readers_end_in_the_same_header(tmp_path: Path) -> None:
    name = Element(0x00100010, "PN", b"Doe^Jane")
    found = header.read(made(tmp_path, *UIDS, name, Element(0x00420011, "OB", bytes(2000)), PIXELS))
    assert (found.uids, found.study["patient_name"]) == (("1.2.3", "1.2.3.1", "1.2.3.4"), "Doe^Jane")
    root = "studies/1.2.3/series/1.2.3.1/instances/1.2.3.4/bulkdata"
    metadata = orjson.loads(found.metadata)
    assert metadata["00420011"] == {"vr": "OB", "BulkDataURI": f"{root}/00420011"}
    assert metadata["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{root}/7FE00010"}
    assert list(metadata) == sorted(metadata)


@pytest.mark.usefixtures("reader")
def test_bulk_data_is_named_by_the_files_header_where_the_data_set_has_no_uid(tmp_path: Path) -> None:
    found = model(made(tmp_path, *UIDS[1:], PIXELS))
    assert "/instances/1.2.3.4/bulkdata/" in found["7FE00010"]["BulkDataURI"]


@pytest.mark.usefixtures("reader")
def test_a_text_as_long_as_a_book_is_not_in_the_metadata(tmp_path: Path) -> None:
    book, page = Element(0x0040A160, "UT", b"x" * 300_000), Element(0x00321030, "LO", b"x" * 30_000)
    found = model(made(tmp_path, *UIDS, book, page))
    root = "studies/1.2.3/series/1.2.3.1/instances/1.2.3.4/bulkdata"
    assert found["0040A160"] == {"vr": "UT", "BulkDataURI": f"{root}/0040A160"}
    assert found["00321030"]["Value"] == ["x" * 30_000]


@pytest.mark.usefixtures("reader")
def test_a_number_beyond_all_numbers_does_not_refuse_the_image(tmp_path: Path) -> None:
    assert model(made(tmp_path, *UIDS, Element(0x00081160, "IS", b"9" * 30)))["00081160"] == {"vr": "IS"}


@pytest.mark.usefixtures("reader")
def test_a_header_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    item = Item((Element(0x0040A160, "UT", b"said " * 100),))
    path = made(tmp_path, *UIDS, Element(0x00081140, "SQ", items=(item,) * 3000), Element(0x00100020, "LO", b"P2"))
    assert path.stat().st_size > 1 << 20
    found = header.read(path)
    assert found.study["patient_id"] == "P2"
    assert len(orjson.loads(found.metadata)["00081140"]["Value"]) == 3000
    with path.open("rb") as file:
        part10.read(file)
        assert found.digest == blake3(file.read()).hexdigest()
    assert header.read_uids(path)[2] == "1.2.3"
