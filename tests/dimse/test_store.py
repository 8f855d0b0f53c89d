"""What a C-STORE is answered with, and what is kept of it."""

from __future__ import annotations

import errno
import os
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from appliance.dimse.caller import Caller
from appliance.dimse.status import Status
from appliance.dimse.store import Announced, Answer, Incoming, refusal_of_command, refusal_of_data_set
from appliance.spool.spool import Keeping, Spool
from tests.support.files import PYDICOM, pydicom_files
from tests.support.receiving import instance

CALLER = Caller("10.0.0.5", "CT1", "PACSBOX")
CT = PYDICOM / "test_files" / "CT_small.dcm"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", "receiver")


def announced(path: Path = CT) -> Announced:
    meta, _ = instance(path)
    return Announced(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid)


def nothing_left(spool: Spool) -> bool:
    return not spool.drafts() and not spool.waiting()


def send(spool: Spool, what: Announced, data: bytes, chunk: int = 1000) -> Answer:
    incoming = Incoming(spool, what, CALLER)
    for at in range(0, len(data), chunk):
        incoming.write(memoryview(data)[at : at + chunk])
    return incoming.finish()


def test_success_means_that_the_bytes_are_in_the_spool_with_our_header(spool: Spool) -> None:
    _, data = instance(CT)
    study = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
    assert send(spool, announced(), data) == Answer(Status.SUCCESS, size=len(data), study_instance_uid=study)
    (entry,) = spool.waiting()
    meta, kept = instance(entry.path)
    assert kept == data
    assert (meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid) == (
        announced().sop_class_uid,
        announced().sop_instance_uid,
        announced().transfer_syntax_uid,
    )
    assert meta.origin is not None
    assert (meta.origin.via, meta.origin.source_ae, meta.origin.called_ae) == ("C-STORE", "CT1", "PACSBOX")
    assert meta.origin.address == "10.0.0.5"
    assert not spool.drafts()


def test_nothing_is_answered_before_the_commit(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    commit, fsync = Keeping.commit, os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(Keeping, "commit", lambda self: (commit(self), order.append("kept"))[0])
    assert send(spool, announced(), instance(CT)[1]).status is Status.SUCCESS
    assert order == ["fsync", "kept"]


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1." + "2" * 80, "", "1.2.3;rm", "1..2", "1.2.", "1.2.3\n4"])
def test_a_uid_that_is_none_is_refused_before_anything_is_written(spool: Spool, uid: str) -> None:
    incoming = Incoming(spool, Announced(announced().sop_class_uid, uid, "1.2.840.10008.1.2.1"), CALLER)
    assert nothing_left(spool)
    incoming.write(b"x" * 1000)
    assert incoming.finish().status is Status.INVALID_OBJECT_INSTANCE
    assert nothing_left(spool)
    refused = refusal_of_command(Announced(uid, "1.2.3", "1.2.840.10008.1.2.1"))
    assert refused is not None
    assert refused.status is Status.SOP_CLASS_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (("1.2.1", "1.2.2", "1.2.3", "1.2.4"), None, ""),
        (("1.2.9", "1.2.2", "1.2.3", "1.2.4"), 0xA900, "the data set's SOP Class UID differs from the command's"),
        (("1.2.1", "1.2.9", "1.2.3", "1.2.4"), 0xA900, "the data set's SOP Instance UID differs from the command's"),
        (("1.2.1", "", "1.2.3", "1.2.4"), 0xA900, "the data set's SOP Instance UID is missing"),
        (("1.2.1", "1.2.2", "", "1.2.4"), 0xC000, "its Study Instance UID is missing"),
        (("1.2.1", "1.2.2", "1.2.3", "../x"), 0xC000, "its Series Instance UID is not valid"),
    ],
)
def test_a_data_set_that_is_not_as_announced_is_refused(
    found: tuple[str, str, str, str], status: int | None, reason: str
) -> None:
    refused = refusal_of_data_set(Announced("1.2.1", "1.2.2", "1.2.840.10008.1.2"), *found)
    assert (refused and refused.status) == status
    assert (refused.reason if refused else "") == reason
    assert len(reason) <= 64, "it would be cut in the Error Comment"


def test_an_empty_or_unreadable_data_set_is_refused_and_nothing_stays(spool: Spool) -> None:
    assert send(spool, announced(), b"").status is Status.DOES_NOT_MATCH_SOP_CLASS
    deflated = Announced(announced().sop_class_uid, announced().sop_instance_uid, "1.2.840.10008.1.2.1.99")
    answer = send(spool, deflated, b"this is not deflated")
    assert answer.status is Status.CANNOT_UNDERSTAND
    assert ":" not in answer.reason, "what a library says may quote a patient's data"
    assert nothing_left(spool)


def test_damage_of_any_kind_gets_an_answer(spool: Spool) -> None:
    chance = random.Random(2)
    small = [path for path in pydicom_files() if path.stat().st_size < 20_000]
    for _ in range(300):
        try:
            meta, data = instance(chance.choice(small))
        except Exception:  # noqa: BLE001 - those without header are not our subject
            continue
        broken = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.5 else data)
        for _ in range(min(len(broken), chance.randrange(4))):
            broken[chance.randrange(min(len(broken), 1500))] = chance.randrange(256)
        what = Announced(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid)
        assert isinstance(send(spool, what, bytes(broken)), Answer)
    assert not spool.drafts()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EMFILE])
def test_a_disk_that_takes_no_more_is_out_of_resources(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(self: Keeping, chunk: bytes) -> int:
        if written:
            raise OSError(code, os.strerror(code))
        written.append(len(chunk))
        return write(self, chunk)

    written: list[int] = []
    write = Keeping.write
    _, data = instance(CT)
    with monkeypatch.context() as patch:
        patch.setattr(Keeping, "write", full)
        answer = send(spool, announced(), data)
    assert answer.status is Status.OUT_OF_RESOURCES
    assert os.strerror(code) in answer.reason
    assert nothing_left(spool)
    assert send(spool, announced(), data).status is Status.SUCCESS, "and it takes again when the disk does"


def test_a_failing_flush_is_no_success(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        assert send(spool, announced(), instance(CT)[1]).status is Status.OUT_OF_RESOURCES
    assert nothing_left(spool)


def test_a_broken_connection_leaves_nothing(spool: Spool) -> None:
    incoming = Incoming(spool, announced(), CALLER)
    incoming.write(instance(CT)[1][:5000])
    assert len(spool.drafts()) == 1
    incoming.discard()
    incoming.discard()
    assert nothing_left(spool)


def test_a_deflated_data_set_is_checked_by_its_first_bytes(spool: Spool) -> None:
    """Else a small bomb would fill the memory of the one process that must not fail."""
    what = Announced("1.2.1", "1.2.2", "1.2.840.10008.1.2.1.99")
    plain = b"".join(
        struct.pack("<HH2sH", group, number, b"UI", len(value)) + value
        for group, number, value in (
            (0x0008, 0x0016, b"1.2.1\0"),
            (0x0008, 0x0018, b"1.2.2\0"),
            (0x0020, 0x000D, b"1.2.3\0"),
            (0x0020, 0x000E, b"1.2.4\0"),
        )
    )
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = pack.compress(plain + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 256 << 20))
    data += b"".join(pack.compress(bytes(1 << 20)) for _ in range(256)) + pack.flush()
    tracemalloc.start()
    answer = send(spool, what, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status is Status.SUCCESS
    assert peak < 100 << 20
