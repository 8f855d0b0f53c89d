"""Words the other way round."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.dicom.words import has_words, turned


@pytest.mark.parametrize(
    ("vr", "words"), [("OW", "u2"), ("AT", "u2"), ("SS", "i2"), ("OL", "u4"), ("FL", "f4"), ("OD", "f8"), ("UV", "u8")]
)
def test_words_are_turned_by_their_size(vr: str, words: str) -> None:
    data = bytes(range(1, 49))
    assert has_words(vr)
    assert turned(vr, data) == np.frombuffer(data, f">{words}").astype(f"<{words}").tobytes()


@pytest.mark.parametrize("vr", ["OB", "UN", "LO"])
def test_single_bytes_stay(vr: str) -> None:
    assert not has_words(vr)
    assert turned(vr, b"abc") == b"abc"


def test_what_is_no_whole_word_is_left_out() -> None:
    assert turned("OW", b"abc") == b"ba"
