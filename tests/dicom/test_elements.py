"""The lean reader says what pydicom says, byte for byte, or leaves it to pydicom."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
from base64 import b64encode
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dicom import elements, header, inflate, kinds, part10, tolerant, values
from appliance.dicom.content import HERE, Content
from appliance.dicom.json import MAX_DEPTH
from appliance.dicom.kinds import Unsure
from appliance.dicom.model import Origin
from appliance.errors import UnreadableInstanceError
from tests.support.datasets import CHARSETS, SYNTAXES, VRS, Element, Item, Maker, encoded
from tests.support.files import PYDICOM, SHARED, brainix, knee, pydicom_files, shared

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
CHARSET, CODE, ICON, LUTS = 0x00080005, 0x00081140, 0x00880200, 0x00283010
OVERLAY, LAST = 0x60003000, 0x601E3000


def part10_file(body: bytes, syntax: str = EXPLICIT) -> bytes:
    return part10.encode("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", syntax, Origin(via="")) + body


def both(raw: bytes) -> tuple[Content, Content | None] | None:
    """What the lean reader says, and pydicom; None where the lean one leaves it."""
    file = io.BytesIO(raw)
    meta = part10.read(file)
    body, syntax = file.read(), meta.transfer_syntax_uid
    if syntax.endswith("1.99"):
        body, _ = inflate.beginning(io.BytesIO(body), 1 << 24)
        raw, syntax = part10_file(body), EXPLICIT
    try:
        lean = elements.read(body, 0, syntax)
    except (Unsure, UnreadableInstanceError):
        return None
    try:
        return lean, tolerant.read(io.BytesIO(raw))
    except UnreadableInstanceError:
        return lean, None


def agree(raw: bytes) -> bool:
    """Whether the lean reader took it; if so, it must have said the same."""
    found = both(raw)
    if found is None:
        return False
    lean, by_pydicom = found
    assert by_pydicom is not None
    assert lean.members == by_pydicom.members
    assert lean.texts == {tag: text for tag, text in by_pydicom.texts.items() if text}
    assert lean.pixel_vr == by_pydicom.pixel_vr
    return True


def lean(*found: Element, syntax: str = EXPLICIT) -> dict[str, dict[str, object]]:
    """The JSON of these elements by the lean reader, after it agreed with pydicom's."""
    body = encoded(found, *SYNTAXES[syntax])
    assert agree(part10_file(body, syntax))
    members = elements.read(body, 0, syntax).members
    model: dict[str, dict[str, object]] = orjson.loads(b"{%b}" % b",".join(members.values()).replace(HERE, b"here/"))
    return model


@pytest.mark.parametrize("folder", ["brainix-mr", "knee-mr", "transfer-syntaxes", "odd"])
def test_real_images_are_all_read_leanly_and_alike(folder: str) -> None:
    for path in sorted(shared(folder).glob("*.dcm")):
        assert agree(path.read_bytes()), path.name


def test_every_file_that_is_at_hand_is_read_alike() -> None:
    readable = [path for path in pydicom_files() if path.read_bytes()[128:132] == b"DICM"]
    taken = 0
    for path in readable:
        try:
            taken += agree(path.read_bytes())
        except UnreadableInstanceError:
            assert "no_meta" in path.name or "tsyntax" in path.name
    assert taken > 0.9 * len(readable)


@pytest.mark.parametrize("block", range(8))
def test_made_up_data_sets_are_read_alike(block: int) -> None:
    taken = 0
    for seed in range(block * 100, block * 100 + 100):
        syntax, body = Maker(seed).data_set()
        taken += agree(part10_file(body, syntax))
    assert taken > 30


@given(
    vr=st.sampled_from(VRS),
    value=st.binary(max_size=40),
    charset=st.sampled_from(CHARSETS),
    syntax=st.sampled_from(sorted(SYNTAXES)),
)
def test_any_value_of_any_vr_is_read_alike(vr: str, value: bytes, charset: str, syntax: str) -> None:
    found = (Element(CHARSET, "CS", charset.encode()), Element(0x00091001, vr, value))
    agree(part10_file(encoded(found, *SYNTAXES[syntax]), syntax))


@given(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(("PN", "LO", "LT", "CS", "UI", "DS", "IS", "AE", "DA")),
)
def test_any_text_is_read_alike(text: str, vr: str) -> None:
    found = (Element(CHARSET, "CS", b"ISO_IR 192"), Element(0x00091001, vr, text.encode()))
    agree(part10_file(encoded(found)))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_alike(seed: int) -> None:
    random = Random(seed)
    names = ("CT_small.dcm", "MR_small_bigendian.dcm", "rtplan.dcm", "JPEG2000.dcm", "test-SR.dcm", "reportsi.dcm")
    sources = [(PYDICOM / "test_files" / name).read_bytes()[:9000] for name in names]
    taken = 0
    for _ in range(100):
        damaged = bytearray(random.choice(sources))
        for _ in range(random.choice((1, 1, 2, 5))):
            damaged[random.randrange(400, len(damaged))] ^= 1 << random.randrange(8)
        taken += agree(bytes(damaged[: None if random.randrange(4) else random.randrange(400, len(damaged))]))
    assert taken > 20


def test_values_that_their_vr_forbids_hide_nothing() -> None:
    found = lean(
        Element(0x00181310, "US", b"\1\0\2"), Element(0x00181312, "CS", b"ROW"), Element(0x00181314, "DS", b"no")
    )
    assert found == {
        "00181310": {"vr": "US"},
        "00181312": {"vr": "CS", "Value": ["ROW"]},
        "00181314": {"vr": "DS"},
    }


def test_group_lengths_are_left_out() -> None:
    assert lean(Element(0x00100000, "UL", b"\0\0\0\0"), Element(0x00104000, "LT", b"said")).keys() == {"00104000"}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("delimited", [True, False])
def test_sequences_of_both_kinds_in_every_byte_order(syntax: str, delimited: bool) -> None:
    inner = Element(CODE, "SQ", items=(Item((Element(0x00081155, "UI", b"1.2.3"),), delimited),), delimited=delimited)
    outer = Element(CODE, "SQ", items=(Item((inner,), delimited), Item((), delimited)), delimited=delimited)
    reference = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]}
    assert lean(outer, syntax=syntax) == {"00081140": {"vr": "SQ", "Value": [{"00081140": reference}, {}]}}


def test_a_sequence_of_vr_un_is_one_in_implicit_vr() -> None:
    item = Item((Element(0x00081155, "UI", b"1.2.3"),), implicit=True)
    found = lean(Element(0x00091001, "UN", items=(item,), delimited=True))
    assert found["00091001"] == {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]}


def test_un_with_a_tag_that_is_known_has_its_vr() -> None:
    assert lean(Element(0x00180050, "UN", b"2.5 "))["00180050"] == {"vr": "DS", "Value": [2.5]}


def test_private_elements_have_the_vr_of_their_creators_dictionary() -> None:
    creator = Element(0x00190010, "LO", b"GEMS_ACQU_01")
    known, unknown = Element(0x00191002, "SL", b"\7\0\0\0"), Element(0x001910FE, "LO", b"ab")
    found = lean(creator, known, unknown, syntax=IMPLICIT)
    assert found["00191002"] == {"vr": "SL", "Value": [7]}
    assert found["001910FE"] == {"vr": "UN", "InlineBinary": "YWI="}


@pytest.mark.parametrize(("representation", "vr", "value"), [(b"\0\0", "US", 65535), (b"\1\0", "SS", -1)])
def test_pixel_representation_settles_us_or_ss_down_into_sequences(representation: bytes, vr: str, value: int) -> None:
    padding = Element(0x00280120, "US", b"\xff\xff")
    luts = Element(LUTS, "SQ", items=(Item((padding,)),))
    found = lean(Element(0x00280103, "US", representation), padding, luts, syntax=IMPLICIT)
    assert found["00280120"] == {"vr": vr, "Value": [value]}
    assert found["00283010"]["Value"] == [{"00280120": {"vr": vr, "Value": [value]}}]


def test_lut_data_stays_with_its_descriptor() -> None:
    item = Item((Element(0x00283002, "US", b"\0\2\0\0\x10\0"), Element(0x00283006, "OW", bytes(1026))))
    (lut,) = lean(Element(LUTS, "SQ", items=(item,)), syntax=IMPLICIT)["00283010"]["Value"]  # type: ignore[misc]
    assert lut["00283002"] == {"vr": "US", "Value": [512, 0, 16]}
    assert lut["00283006"].keys() == {"vr", "InlineBinary"}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_overlays_stay_if_they_are_not_huge(syntax: str) -> None:
    of_a_ct, of_a_mammogram = (Element(tag, "OW", bytes(size)) for tag, size in ((OVERLAY, 1 << 15), (LAST, 1 << 19)))
    found = lean(of_a_ct, Element(0x60013000, "OB", bytes(2000)), of_a_mammogram, syntax=syntax)
    assert found["60003000"] == {"vr": "OW", "InlineBinary": b64encode(bytes(1 << 15)).decode()}
    assert found["60013000"]["BulkDataURI"] == "here/60013000"
    assert found["601E3000"] == {"vr": "OW", "BulkDataURI": "here/601E3000"}


@pytest.mark.parametrize(
    ("vr", "value"),
    [("OB", b"abcdefgh"), ("OW", b"badcfehg"), ("OF", b"dcbahgfe"), ("OD", b"hgfedcba"), ("UN", b"abcdefgh")],
)
def test_words_stand_little_endian_in_the_metadata_whatever_the_file_is(vr: str, value: bytes) -> None:
    inner = Item((Element(0x00189999, vr, b"abcdefgh"),))
    found = lean(Element(0x00189999, vr, b"abcdefgh"), Element(0x00540016, "SQ", items=(inner,)), syntax=BIG)
    expected = {"vr": vr, "InlineBinary": b64encode(value).decode()}
    assert found["00189999"] == expected
    assert found["00540016"]["Value"] == [{"00189999": expected}]


def test_bulk_data_in_sequences_has_the_path_to_it() -> None:
    item = Item((Element(0x00189999, "OB", bytes(2000)),))
    found = lean(Element(0x00091001, "OB", bytes(2000)), Element(0x00540016, "SQ", items=(item,)))
    assert found["00091001"] == {"vr": "OB", "BulkDataURI": "here/00091001"}
    assert found["00540016"]["Value"] == [{"00189999": {"vr": "OB", "BulkDataURI": "here/00540016/0/00189999"}}]


def test_an_item_may_have_a_character_set_of_its_own() -> None:
    name = Element(0x00080104, "LO", "Schädel".encode("latin-1"))
    item = Item((Element(CHARSET, "CS", b"ISO_IR 192"), Element(0x00080104, "LO", "頭".encode())))
    found = lean(Element(CHARSET, "CS", b"ISO_IR 100"), name, Element(CODE, "SQ", items=(item,)))
    assert found["00080104"]["Value"] == ["Schädel"]
    assert found["00081140"]["Value"][0]["00080104"]["Value"] == ["頭"]  # type: ignore[index]


@pytest.mark.parametrize(
    "found",
    [
        (Element(0x00100020, "LO", b"1"), Element(0x00080050, "SH", b"2")),
        (Element(0x00181310, "XX", b"1"),),
        (Element(CHARSET, "CS", b"rot13"), Element(0x00080050, "SH", b"2")),
        (Element(0x00200013, "IS", b"one"),),
    ],
    ids=["out of order", "no VR", "no character set", "no number"],
)
def test_what_is_odd_is_left_to_pydicom(found: tuple[Element, ...]) -> None:
    with pytest.raises(Unsure):
        elements.read(encoded(found), 0, EXPLICIT)


def test_another_syntax_than_announced_is_left_to_pydicom() -> None:
    with pytest.raises(Unsure):
        elements.read(encoded((Element(0x00080050, "SH", b"2"),), "<", implicit=True), 0, EXPLICIT)


def test_the_beginning_of_a_file_is_not_taken_for_the_whole() -> None:
    body = encoded((Element(0x00080050, "SH", b"12"), Element(0x00080060, "CS", b"CT")))
    for end in range(len(body)):
        with pytest.raises(Unsure):
            elements.read(body[:end], 0, EXPLICIT, whole=False)


def nested(depth: int) -> bytes:
    found: tuple[Element, ...] = (Element(0x00080060, "CS", b"CT"),)
    for _ in range(depth):
        found = (Element(CODE, "SQ", items=(Item(found, delimited=True),), delimited=True),)
    return encoded(found)


def test_sequences_are_read_down_to_a_depth_that_is_never_honest() -> None:
    assert elements.read(nested(MAX_DEPTH), 0, EXPLICIT).members
    with pytest.raises(UnreadableInstanceError, match="nested more than 60 deep"):
        elements.read(nested(MAX_DEPTH + 1), 0, EXPLICIT)


@pytest.mark.parametrize("reader", ["lean", "tolerant"])
def test_a_depth_beyond_all_measure_is_refused_by_both_readers(reader: str) -> None:
    items = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    body = items * 20_000
    with pytest.raises(UnreadableInstanceError):
        elements.read(body, 0, EXPLICIT) if reader == "lean" else tolerant.read(io.BytesIO(part10_file(body)))


def test_a_hundred_thousand_empty_items_are_read_in_a_moment() -> None:
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 100_000
    start = time.process_time()
    content = elements.read(struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, len(items)) + items, 0, EXPLICIT)
    assert content.members[CODE].count(b"{}") == 100_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("delimited", [True, False])
def test_more_elements_than_anyone_needs_are_refused(monkeypatch: pytest.MonkeyPatch, delimited: bool) -> None:
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 1000)
    monkeypatch.setattr(tolerant, "_MOST_READS", 3000)
    body = encoded((Element(CODE, "SQ", items=(Item(()),) * 1001, delimited=delimited),))
    with pytest.raises(UnreadableInstanceError, match="more than 1000 elements"):
        elements.read(body, 0, EXPLICIT)
    with pytest.raises(UnreadableInstanceError, match="more elements than can be read"):
        tolerant.read(io.BytesIO(part10_file(body)))
    flat = encoded(tuple(Element(0x00310000 + 0x1000 + n, "LO", b"ab") for n in range(1001)))
    with pytest.raises(UnreadableInstanceError, match="more than 1000 elements"):
        elements.read(flat, 0, EXPLICIT)


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3 * kinds._MANY):
        kinds.KINDS["<", False][struct.pack("<HH2s", 0x31 + 2 * (number >> 12), 0x1000 + (number & 0xFFF), b"LO")]
    assert len(kinds.KINDS["<", False]) <= kinds._MANY
    before = values.member_again.cache_info().currsize
    elements.read(encoded((Element(0x00091001, "UT", bytes(100_000)),)), 0, EXPLICIT)
    assert values.member_again.cache_info().currsize == before


def test_a_huge_private_element_is_passed_over_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "huge.dcm"
    before = encoded((Element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7"), Element(0x00080018, "UI", b"1.2.3.4")))
    after = encoded((Element(0x0020000D, "UI", b"1.2.3"), Element(0x0020000E, "UI", b"1.2.3.1")))
    size = 300 << 20
    with path.open("wb") as file:
        file.write(part10_file(before) + struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, size))
        file.seek(size, io.SEEK_CUR)
        file.write(after)
    tracemalloc.start()
    found = header.read(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert found.uids == ("1.2.3", "1.2.3.1", "1.2.3.4")
    assert header.read_uids(path)[2:] == ("1.2.3", "1.2.3.1")
    assert orjson.loads(found.metadata)["00091001"]["BulkDataURI"].endswith("/bulkdata/00091001")


def test_uids_alone_are_the_same_by_both_readers() -> None:
    for path in [*brainix()[:2], *knee()[:2], *sorted(SHARED.glob("transfer-syntaxes/*.dcm")), *pydicom_files()]:
        raw = io.BytesIO(path.read_bytes())
        try:
            meta = part10.read(raw)
            found = elements.read_uids(raw.read(), 0, meta.transfer_syntax_uid)
        except (Unsure, UnreadableInstanceError):
            continue
        assert found == {tag: text for tag, text in tolerant.read_uids(raw).items() if tag in found}
