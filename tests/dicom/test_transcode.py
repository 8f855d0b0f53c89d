"""Stored instances in the transfer syntax that a peer takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset

from appliance.dicom import part10, transcode
from appliance.dicom.model import Origin
from appliance.dicom.reencode import EXPLICIT_LITTLE, IMPLICIT_LITTLE
from appliance.dicom.transcode import Transcoder
from appliance.errors import UnreadableInstanceError
from tests.support.files import knee, shared
from tests.support.scp import data_set, uids

J2K = "1.2.840.10008.1.2.4.90"


def test_the_stored_encoding_comes_first_and_films_have_no_other() -> None:
    assert transcode.targets(J2K) == (J2K, EXPLICIT_LITTLE, IMPLICIT_LITTLE)
    assert transcode.targets(EXPLICIT_LITTLE) == (EXPLICIT_LITTLE, IMPLICIT_LITTLE)
    assert transcode.targets("1.2.840.10008.1.2.4.102") == ("1.2.840.10008.1.2.4.102",)


def test_what_is_wanted_as_it_is_stored_is_the_files_own_bytes(tmp_path: Path) -> None:
    path = knee()[0]
    with Transcoder(tmp_path) as transcoder, transcoder.open(path, path.stat().st_size, uids(path)[2]) as file:
        assert file.read() == data_set(path)


@pytest.mark.parametrize("wanted", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
@pytest.mark.parametrize("kind", ["JPEG2000", "RLELossless", "JPEGProcess1_", "JPEGLSLossless"])
def test_compressed_images_are_decompressed(tmp_path: Path, kind: str, wanted: str) -> None:
    path = sorted(shared("transfer-syntaxes").glob(f"{kind}*.dcm"))[0]
    with Transcoder(tmp_path) as transcoder, transcoder.open(path, path.stat().st_size, wanted) as file:
        plain = read_dataset(DicomBytesIO(file.read()), wanted == IMPLICIT_LITTLE, True)
    original = dcmread(path)
    assert plain.SOPInstanceUID == original.SOPInstanceUID
    assert plain.PhotometricInterpretation in (original.PhotometricInterpretation, "RGB")
    samples = original.Rows * original.Columns * original.SamplesPerPixel * int(original.get("NumberOfFrames", 1) or 1)
    assert len(plain.PixelData) == samples * original.BitsAllocated // 8 + (samples * original.BitsAllocated // 8) % 2


def test_what_cannot_be_decompressed_is_named_and_the_next_one_is(tmp_path: Path) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(part10.encode("1.2.840.10008.5.1.4.1.1.4", "1.2.3", J2K, Origin(via="")) + bytes(8))
    good = knee()[0]
    with Transcoder(tmp_path) as transcoder:
        with pytest.raises(UnreadableInstanceError):
            transcoder.open(broken, broken.stat().st_size, EXPLICIT_LITTLE)
        transcoder.open(good, good.stat().st_size, EXPLICIT_LITTLE).close()
        assert transcoder._worker is not None
        transcoder._worker.kill()
        transcoder._worker.wait()
        with pytest.raises(UnreadableInstanceError, match="crashed"):
            transcoder.open(good, good.stat().st_size, EXPLICIT_LITTLE)
        transcoder.open(good, good.stat().st_size, EXPLICIT_LITTLE).close()


def test_a_file_that_was_cut_short_is_not_sent(tmp_path: Path) -> None:
    path = knee()[0]
    with Transcoder(tmp_path) as transcoder, pytest.raises(EOFError, match="should have"):
        transcoder.open(path, path.stat().st_size + 1, J2K)
