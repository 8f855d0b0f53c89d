"""Deflated data sets, inflated within bounds."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from appliance.dicom import inflate
from appliance.errors import UnreadableInstanceError

CHUNK = inflate._CHUNK


def deflated(plain: bytes) -> io.BytesIO:
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return io.BytesIO(pack.compress(plain) + pack.flush())


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 257])
@pytest.mark.parametrize("random_bytes", [False, True], ids=["zeros", "noise"])
def test_it_inflates_to_what_was_deflated(size: int, random_bytes: bool) -> None:
    plain = random.Random(size).randbytes(size) if random_bytes else bytes(size)
    assert inflate.beginning(deflated(plain), size) == (plain, True)
    assert inflate.beginning(deflated(plain), size // 2) == (plain[: size // 2], size == 0)


def test_bytes_behind_the_end_are_passed_over() -> None:
    packed = deflated(b"image").getvalue()
    assert inflate.beginning(io.BytesIO(packed + bytes(CHUNK)), 100) == (b"image", True)


def test_a_cut_stream_gives_what_there_is() -> None:
    packed = deflated(random.Random(1).randbytes(1000)).getvalue()
    plain, _ = inflate.beginning(io.BytesIO(packed[:500]), 1000)
    assert random.Random(1).randbytes(1000).startswith(plain)


@pytest.mark.parametrize("check", [True, False])
def test_damage_behind_what_is_kept_is_found_where_it_is_looked_for(check: bool) -> None:
    noise = random.Random(2).randbytes(4 * CHUNK)
    pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    no_block = b"\x07"  # of the type that RFC 1951 3.2.3 reserves
    damaged = pack.compress(noise) + pack.flush(zlib.Z_FULL_FLUSH) + no_block
    if check:
        with pytest.raises(UnreadableInstanceError, match="damaged"):
            inflate.beginning(io.BytesIO(damaged), 10)
    else:
        assert inflate.beginning(io.BytesIO(damaged), 10, check=False) == (noise[:10], False)
