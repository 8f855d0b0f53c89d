"""The UIDs at the start of a data set: the same as the library's, or no answer."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from appliance.dicom import header, part10, peek
from appliance.errors import UnreadableInstanceError
from tests.support.files import brainix, knee, pydicom_files

EXPLICIT = "1.2.840.10008.1.2.1"


def parts(path: Path) -> tuple[str, bytes]:
    with path.open("rb") as file:
        return part10.read(file).transfer_syntax_uid, file.read()


def readable() -> list[Path]:
    found = []
    for path in [*pydicom_files(), *knee(), *brainix()]:
        try:
            header.read_uids(path)
        except UnreadableInstanceError:
            continue
        found.append(path)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_finds_what_the_library_finds_and_seldom_has_doubts() -> None:
    doubts = 0
    for path in readable():
        syntax, data = parts(path)
        found = peek.Finder().uids(data[:8192], syntax, whole=len(data) <= 8192)
        assert found in (None, header.read_uids(path)), path.name
        doubts += found is None
    assert doubts < 20


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def sequence(tag: int, *items: bytes, undefined: bool) -> bytes:
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, 0xFFFFFFFF)
    if undefined:
        inner = b"".join(b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + i + b"\xfe\xff\x0d\xe0\0\0\0\0" for i in items)
    else:
        inner = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(i)) + i for i in items)
    return head + inner + b"\xfe\xff\xdd\xe0\0\0\0\0"


CLASS, INSTANCE = element(0x00080016, b"UI", b"1.2.1\0"), element(0x00080018, b"UI", b"1.2.2\0")
STUDY, SERIES = element(0x0020000D, b"UI", b"1.2.3\0"), element(0x0020000E, b"UI", b"1.2.4\0")
AFTER = element(0x00200010, b"SH", b"1 ")
FOUND = ("1.2.1", "1.2.2", "1.2.3", "1.2.4")


@pytest.mark.parametrize("undefined", [True, False])
def test_uids_within_sequences_are_of_other_instances(undefined: bool) -> None:
    other = element(0x0020000D, b"UI", b"9.9.9\0") + element(0x0020000E, b"UI", b"9.9.8\0")
    nested = sequence(0x00081199, other, sequence(0x00081198, other, undefined=True), undefined=undefined)
    data = CLASS + INSTANCE + sequence(0x00081115, nested, b"", other, undefined=undefined) + STUDY + SERIES + AFTER
    assert peek.Finder().uids(data, EXPLICIT, whole=False) == FOUND


def test_a_data_set_that_ends_before_has_what_it_has() -> None:
    assert peek.Finder().uids(CLASS + INSTANCE, EXPLICIT, whole=True) == ("1.2.1", "1.2.2", "", "")
    assert peek.Finder().uids(b"", EXPLICIT, whole=True) == ("", "", "", "")
    assert peek.Finder().uids(CLASS + INSTANCE, EXPLICIT, whole=False) is None, "the rest may say more"


@pytest.mark.parametrize(
    "data",
    [
        INSTANCE + CLASS + STUDY + SERIES + AFTER,
        CLASS + CLASS + STUDY + SERIES + AFTER,
        CLASS + element(0x00080018, b"UI", b"1.2\\1.3 ") + STUDY + SERIES + AFTER,
        CLASS + INSTANCE + element(0x00100010, b"\0\0", b"xx") + STUDY + SERIES + AFTER,
        element(0x00020010, b"UI", b"1.2 ") + CLASS + INSTANCE + STUDY + SERIES + AFTER,
        (CLASS + INSTANCE + STUDY + SERIES)[:-1],
        CLASS + INSTANCE + sequence(0x00081115, b"", undefined=True)[:-8] + STUDY + SERIES + AFTER,
    ],
    ids=["disorder", "twice", "two values", "no VR", "group 2", "cut", "endless"],
)
def test_what_is_odd_is_doubted(data: bytes) -> None:
    assert peek.Finder().uids(data, EXPLICIT, whole=True) is None


def test_a_sequence_in_a_sequence_and_so_on_is_doubted() -> None:
    data = CLASS
    for _ in range(40):
        data = sequence(0x00081115, data, undefined=True)
    assert peek.Finder().uids(data + STUDY, EXPLICIT, whole=True) is None


def test_damage_never_raises_anything() -> None:
    chance = random.Random(7)
    for path in readable()[::3]:
        syntax, data = parts(path)
        for _ in range(20):
            broken = bytearray(data[:2000])
            for _ in range(4):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            peek.Finder().uids(bytes(broken[: chance.randrange(len(broken))]), syntax, whole=chance.random() < 0.5)


def test_what_it_remembers_of_one_instance_does_not_deceive_it_about_the_next() -> None:
    chance = random.Random(8)
    finder = peek.Finder()
    for path in readable():
        syntax, data = parts(path)
        for _ in range(10):
            changed = bytearray(data[:4000])
            if changed:
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            whole = chance.random() < 0.3
            for start in (data[:4000], bytes(changed)):
                assert finder.uids(start, syntax, whole) == peek.Finder().uids(start, syntax, whole), path.name
