"""Transfer syntaxes and the place of a frame."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import get_encoder
from pydicom.uid import (
    ExplicitVRBigEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from appliance.dicom.pixels import NothingToShowError, render
from tests.support.files import PYDICOM
from tests.support.pictures import picture, rendered

FRAMES = np.stack([np.full((40, 50), shade, np.uint8) for shade in (40, 120, 200)])
FULL = {"WindowCenter": 2048, "WindowWidth": 4096}

HTJ2K = (
    "|4;u>04YEK0000W0000O00000000000000W0000O0000000000009dD0sl|{2mk^A000R8QUDA90ssL30|W#>0smY8"
    "4IprMcz}3#cyMrd|6~9b00B>MWo}APNFY{aav(4+IW90R|BwI*000000Hpu{|C7K0Yykg%!@v3d-=B#t*#34ai0J@l"
    "|BQeqH~_!^s(=AjjvYJxpn@_2b^s6|LWKChF@e6e0KfpPfB|U$z`(%3z`*B<dU1kx0EPyG!C){L{`v?&d-fp#?79HJ"
    "0c$`3Zh%Ik(P%UpjYgx<`1$?{dU|?#aRPe)y4G52t+m!#YpwrrfB*--U;rNdfB<{;00Hc?0sq+"
)
"""A codestream of 32 x 24 pixels of 12 bits, the value being 100 x column + 30 x row, encoded by OpenJPH."""


def _all(file: Path) -> list[int]:
    return [int(rendered(file, frame).max()) for frame in (1, 2, 3)]


def test_only_the_frame_asked_for_is_read(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", FRAMES[0], NumberOfFrames=3, PixelData=FRAMES.tobytes())
    os.truncate(file, file.stat().st_size - 2)
    assert rendered(file, 2).max() == 120
    with pytest.raises(NothingToShowError, match="ends in the middle"):
        render(file, 3)


def test_single_bits_do_not_begin_at_bytes(tmp_path: Path) -> None:
    bits = np.random.default_rng(7).integers(0, 2, (3, 5, 7), np.uint8)
    data = np.packbits(bits.ravel(), bitorder="little").tobytes()
    said = {"NumberOfFrames": 3, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    file = picture(tmp_path / "a", bits[0], PixelData=data + b"\0" * (len(data) % 2), **said)
    for frame in (1, 2, 3):
        assert np.array_equal(rendered(file, frame), bits[frame - 1] * 255)


def test_single_bits_in_run_lengths(tmp_path: Path) -> None:
    bits = np.random.default_rng(7).integers(0, 2, (8, 8), np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + bytes([len(packed) - 1]) + packed + b"\0"
    said = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelData": encapsulate([frame])}
    assert np.array_equal(rendered(picture(tmp_path / "a", bits, RLELossless, **said)), bits * 255)


def test_12_bits_packed_without_gaps(tmp_path: Path) -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 65
    even, odd = values.ravel()[::2].astype(int), values.ravel()[1::2].astype(int)
    data = np.stack([even & 255, even >> 8 | (odd & 15) << 4, odd >> 4], axis=-1).astype(np.uint8).tobytes()
    said = {"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11, "PixelData": data}
    shown = rendered(picture(tmp_path / "a", values, **said, **FULL))
    assert np.abs(shown - values / 4095 * 255.0).max() <= 1


def test_big_endian_words_swap_pixels_of_8_bits_across_odd_frames(tmp_path: Path) -> None:
    frames = np.arange(2 * 15, dtype=np.uint8).reshape(2, 3, 5)
    swapped = frames.tobytes()
    words = np.frombuffer(swapped, "<u2").astype(">u2").tobytes()
    file = picture(tmp_path / "a", frames[0], ExplicitVRBigEndian, NumberOfFrames=2, PixelData=words)
    dataset = pydicom.dcmread(file)
    dataset["PixelData"].VR = "OW"
    dataset.save_as(file)
    assert np.array_equal(rendered(file, 1), frames[0])
    assert np.array_equal(rendered(file, 2), frames[1])


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("with_table", [True, False])
def test_frames_with_and_without_offset_table(tmp_path: Path, syntax: str, with_table: bool) -> None:
    file = picture(tmp_path / "a", FRAMES[0], NumberOfFrames=3, PixelData=FRAMES.tobytes())
    encoded = list(get_encoder(syntax).iter_encode(pydicom.dcmread(file)))
    data = encapsulate(encoded, has_bot=with_table)
    assert _all(picture(tmp_path / "b", FRAMES[0], syntax, NumberOfFrames=3, PixelData=data)) == [40, 120, 200]


def _encoded(tmp_path: Path) -> list[bytes]:
    """Three frames as JPEG-LS, each ending with its end marker."""
    file = picture(tmp_path / "raw", FRAMES[0], NumberOfFrames=3, PixelData=FRAMES.tobytes())
    return list(get_encoder(JPEGLSLossless).iter_encode(pydicom.dcmread(file)))


def test_frames_in_several_fragments_are_told_apart_by_their_table(tmp_path: Path) -> None:
    data = encapsulate(_encoded(tmp_path), fragments_per_frame=3)
    assert _all(picture(tmp_path / "a", FRAMES[0], JPEGLSLossless, NumberOfFrames=3, PixelData=data)) == [40, 120, 200]


def test_frames_in_several_fragments_without_table_are_told_apart_by_their_ends(tmp_path: Path) -> None:
    data = encapsulate(_encoded(tmp_path), fragments_per_frame=3, has_bot=False)
    assert _all(picture(tmp_path / "a", FRAMES[0], JPEGLSLossless, NumberOfFrames=3, PixelData=data)) == [40, 120, 200]


def test_an_offset_table_that_points_nowhere_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(encapsulate(_encoded(tmp_path), fragments_per_frame=3))
    data[8:20] = struct.pack("<3I", 0, 5, 77)
    file = picture(tmp_path / "a", FRAMES[0], JPEGLSLossless, NumberOfFrames=3, PixelData=bytes(data))
    assert _all(file) == [40, 120, 200]


def test_extended_offset_table(tmp_path: Path) -> None:
    data, offsets, lengths = encapsulate_extended(_encoded(tmp_path))
    said = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    file = picture(tmp_path / "a", FRAMES[0], JPEGLSLossless, NumberOfFrames=3, PixelData=data, **said)
    assert _all(file) == [40, 120, 200]


def test_encapsulated_uncompressed_frames(tmp_path: Path) -> None:
    data = encapsulate([frame.tobytes() for frame in FRAMES])
    file = picture(tmp_path / "a", FRAMES[0], "1.2.840.10008.1.2.1.98", NumberOfFrames=3, PixelData=data)
    assert _all(file) == [40, 120, 200]


def test_deflated_frames(tmp_path: Path) -> None:
    def deflated(data: bytes) -> bytes:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush()

    data = encapsulate([deflated(frame.tobytes()) for frame in FRAMES])
    file = picture(tmp_path / "a", FRAMES[0], "1.2.840.10008.1.2.1.98", NumberOfFrames=3, PixelData=data)
    # pydicom does not write this transfer syntax yet.
    file.write_bytes(file.read_bytes().replace(b"1.2.840.10008.1.2.1.98", b"1.2.840.10008.1.2.8.1\0"))
    assert _all(file) == [40, 120, 200]


def test_high_throughput_jpeg_2000(tmp_path: Path) -> None:
    values = (np.arange(32)[None] * 100 + np.arange(24)[:, None] * 30).astype(np.uint16)
    said = {"BitsStored": 12, "HighBit": 11, "PixelData": encapsulate([base64.b85decode(HTJ2K)])}
    shown = rendered(picture(tmp_path / "a", values, HTJ2KLossless, **said, **FULL))
    assert np.abs(shown - values / 4095 * 255.0).max() <= 1


def test_a_number_of_frames_that_is_no_number_counts_as_one() -> None:
    assert rendered(PYDICOM / "test_files" / "badVR.dcm").shape == (10, 10)


def test_an_unknown_transfer_syntax_is_named(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", FRAMES[0], "1.2.840.10008.1.2.4.92", PixelData=encapsulate([b"1234"]))
    with pytest.raises(NothingToShowError, match="JPEG 2000 Part 2"):
        render(file)


def test_a_film_is_said_to_be_one(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", FRAMES[0], "1.2.840.10008.1.2.4.102", PixelData=encapsulate([b"1234"]))
    with pytest.raises(NothingToShowError, match="film"):
        render(file)
