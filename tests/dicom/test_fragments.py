"""Encapsulated pixel data taken apart."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.encaps import encapsulate

from appliance.dicom.fragments import fragments, frame, joined


def _frame(data: bytes, index: int, frames: int, table: bytes = b"") -> bytes:
    file = BytesIO(b"head" + data)
    return joined(file, frame(file, 4, index, frames, table))


def test_without_table_there_is_an_empty_one() -> None:
    assert fragments(BytesIO(encapsulate([b"abcd", b"ef"], has_bot=False)), 0) == ([], [(16, 4), (28, 2)])


def test_all_fragments_are_the_only_frame() -> None:
    assert _frame(encapsulate([b"abcdefgh"], fragments_per_frame=4, has_bot=False), 0, 1) == b"abcdefgh"


def test_nothing_but_a_delimiter_has_no_frame() -> None:
    with pytest.raises(ValueError, match="fewer frames"):
        _frame(b"\xfe\xff\xdd\xe0\0\0\0\0", 0, 1)


@pytest.mark.parametrize("end", [b"", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0more"])
def test_the_delimiter_may_be_there_or_missing(end: bytes) -> None:
    assert _frame(encapsulate([b"abcd", b"ef"]) + end, 1, 2) == b"ef"


def test_a_fragment_longer_than_the_file_is_damage() -> None:
    with pytest.raises(ValueError, match="ends in the middle"):
        _frame(encapsulate([b"abcd"])[:-2], 0, 1)


def test_the_last_frame_may_lack_its_end_marker() -> None:
    data = encapsulate([b"ab\xff\xd9", b"cd", b"ef"], has_bot=False)
    assert _frame(data, 1, 2) == b"cdef"


def test_more_frames_said_than_there_are() -> None:
    with pytest.raises(ValueError, match="fewer frames"):
        _frame(encapsulate([b"ab\xff\xd9", b"cd\xff\xd9"], has_bot=False), 2, 3)
