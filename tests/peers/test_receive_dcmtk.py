"""dcmtk sends: `storescu` and `dcmsend` against our receiver, and against dcmtk's own for comparison."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.support.files import PYDICOM, brainix, shared
from tests.support.programs import free_port, program
from tests.support.receiving import instance, receiving
from tests.support.waiting import wait_for

CALLING = ("-aec", "PACSBOX")


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def storescp(folder: Path) -> Iterator[int]:
    """dcmtk's receiver, writing exactly what it gets into `folder`."""
    port = free_port()
    process = subprocess.Popen(
        [program("storescp"), "--bit-preserving", "+xa", "--output-directory", str(folder), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        echo = [program("echoscu"), "127.0.0.1", str(port)]
        wait_for(lambda: subprocess.run(echo, capture_output=True, check=False).returncode == 0)
        yield port
    finally:
        process.terminate()
        process.wait(10)


SENT = [
    ("LittleEndianImplicit_1.2.840.10008.1.2", ("storescu", "-xi")),
    ("LittleEndianExplicit_1.2.840.10008.1.2.1", ("storescu", "-xe")),
    ("DeflatedExplicitVRLittleEndian_1.2.840.10008.1.2.1.99", ("storescu", "-xd")),
    ("JPEGProcess1_1.2.840.10008.1.2.4.50", ("storescu", "-xy")),
    ("JPEGProcess2_4_1.2.840.10008.1.2.4.51", ("storescu", "-xx")),
    ("JPEGProcess14SV1_1.2.840.10008.1.2.4.70", ("storescu", "-xs")),
    ("JPEGLSLossless_1.2.840.10008.1.2.4.80", ("storescu", "-xt")),
    ("JPEGLSLossy_1.2.840.10008.1.2.4.81", ("storescu", "-xu")),
    ("JPEG2000LosslessOnly_1.2.840.10008.1.2.4.90", ("storescu", "-xv")),
    ("JPEG2000_1.2.840.10008.1.2.4.91", ("storescu", "-xw")),
    ("RLELossless_1.2.840.10008.1.2.5", ("storescu", "-xr")),
]


@pytest.mark.parametrize(("name", "sender"), SENT, ids=[name for name, _ in SENT])
def test_we_keep_the_bytes_that_dcmtks_own_receiver_keeps(tmp_path: Path, name: str, sender: tuple[str, ...]) -> None:
    path = shared("transfer-syntaxes", f"{name}.dcm")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with storescp(theirs) as port:
        run(*sender, *CALLING, "127.0.0.1", str(port), str(path))
    with receiving(tmp_path) as box:
        run(*sender, *CALLING, "127.0.0.1", str(box.port), str(path))
        ((meta, data),) = box.kept()
    expected, expected_data = instance(next(theirs.iterdir()))
    assert meta.transfer_syntax_uid == expected.transfer_syntax_uid == instance(path)[0].transfer_syntax_uid
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (expected.sop_class_uid, expected.sop_instance_uid)
    assert data == expected_data
    assert meta.origin is not None
    assert meta.origin.source_ae == sender[0].upper()


@pytest.mark.parametrize(
    "name",
    [
        "JPEGProcess14_1.2.840.10008.1.2.4.57",
        "JPEGProcess6_8_1.2.840.10008.1.2.4.53",
        "JPEGProcess10_12_1.2.840.10008.1.2.4.55",
    ],
)
def test_we_take_syntaxes_that_dcmtks_own_receiver_does_not(tmp_path: Path, name: str) -> None:
    path = shared("transfer-syntaxes", f"{name}.dcm")
    with receiving(tmp_path) as box:
        run("dcmsend", "--decompress-never", *CALLING, "127.0.0.1", str(box.port), str(path))
        ((meta, data),) = box.kept()
    assert meta.transfer_syntax_uid == instance(path)[0].transfer_syntax_uid
    assert data == instance(path)[1]


def test_a_study_comes_whole_and_dcmtk_can_read_what_we_keep(tmp_path: Path) -> None:
    files = brainix()
    with receiving(tmp_path) as box:
        run("storescu", "-aet", "MR1", "-aec", "PACSBOX", "127.0.0.1", str(box.port), *map(str, files))
        assert {meta.sop_instance_uid for meta, _ in box.kept()} == {instance(f)[0].sop_instance_uid for f in files}
        for entry in box.spool.waiting()[:3]:
            told = run("dcmdump", "+P", "0002,0016", "+P", "0002,0018", "+P", "0002,0012", str(entry.path)).stdout
            assert "[MR1]" in told
            assert "[PACSBOX]" in told
            run("dcmftest", str(entry.path))


def test_four_senders_at_once(tmp_path: Path) -> None:
    files = brainix()
    with receiving(tmp_path) as box:
        four = [(*CALLING, "127.0.0.1", str(box.port), *map(str, files[n::4])) for n in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda arguments: run("storescu", *arguments), four))
        kept = [meta.sop_instance_uid for meta, _ in box.kept()]
        assert len(kept) == len(set(kept)) == len(files)
        assert not box.drafts()


def test_a_private_sop_class_comes_in(tmp_path: Path) -> None:
    path = tmp_path / "private.dcm"
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.113619.4.26"
    dataset.save_as(path)
    with receiving(tmp_path) as box:
        run("dcmsend", "--no-uid-checks", *CALLING, "127.0.0.1", str(box.port), str(path))
        ((meta, _),) = box.kept()
        assert meta.sop_class_uid == "1.2.840.113619.4.26"


def test_dcmtk_is_told_why_an_instance_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "homeless.dcm"
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.StudyInstanceUID = ""
    dataset.save_as(path)
    with receiving(tmp_path) as box:
        done = subprocess.run(
            [program("storescu"), "-d", *CALLING, "127.0.0.1", str(box.port), str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "its Study Instance UID is missing" in done.stderr
        assert not box.kept()


def test_a_sender_that_is_killed_leaves_nothing_half(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.PixelData = bytes(60 << 20)
    dataset.NumberOfFrames = (60 << 20) // (dataset.Rows * dataset.Columns * 2)
    dataset.save_as(path)
    with receiving(tmp_path) as box:
        arguments = ["--max-send-pdu", "4096", *CALLING, "127.0.0.1", str(box.port), str(path)]
        process = subprocess.Popen([program("storescu"), *arguments])
        wait_for(lambda: any(draft.stat().st_size > 1 << 20 for draft in box.drafts()))
        process.kill()
        process.wait(10)
        wait_for(lambda: not box.drafts())
        assert not box.kept()
        run("dcmsend", *CALLING, "127.0.0.1", str(box.port), str(path))
        ((_, data),) = box.kept()
        assert data.endswith(dataset.PixelData), "and it comes whole when it is sent again"
