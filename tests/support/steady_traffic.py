"""Four modalities that send at once while staff make shares and enter peers, and when each was told of success."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random

from pydicom import dcmread, dcmwrite

from appliance.box import Box
from appliance.dicom import part10
from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM
from tests.support.scu import EXPLICIT, Scu
from tests.support.waiting import wait_for

MODALITIES = 4
_SIZES = (2_000, 17_000, 17_000, 66_000, 66_000, 190_000, 525_000)
_ASSOCIATION = 12
CT = "1.2.840.10008.5.1.4.1.1.2"
_ROOT = "1.2.826.0.1.3680043.8.498"


@dataclass
class Traffic:
    """What was sent and made, and what was answered when, by `time.monotonic_ns`."""

    sent: dict[str, bytes] = field(default_factory=dict)
    """Data sets by SOP Instance UID."""
    stored: dict[str, int] = field(default_factory=dict)
    """When each was answered with success."""
    peers: dict[str, int] = field(default_factory=dict)
    """When each was there, by name."""
    shares: dict[int, int] = field(default_factory=dict)
    """When each was made, by number."""

    def answers(self) -> list[int]:
        """When something was answered, sorted."""
        return sorted((*self.stored.values(), *self.peers.values(), *self.shares.values()))


def images(modality: int, amount: int) -> dict[str, bytes]:
    """Data sets of one study, of several sizes, whose pixels are noise, so that no two blocks are alike."""
    chance = Random(modality)
    dataset = dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.pop(0xFFFCFFFC, None)
    dataset.StudyInstanceUID = f"{_ROOT}.{modality}"
    dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.1"
    dataset.PatientID = f"P{modality}"
    made = {}
    for number in range(1, amount + 1):
        dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number
        dataset.Rows, dataset.Columns = chance.choice(_SIZES) // 200, 100
        dataset.PixelData = chance.randbytes(dataset.Rows * dataset.Columns * 2)
        file = BytesIO()
        dcmwrite(file, dataset)
        file.seek(0)
        part10.read(file)
        made[str(dataset.SOPInstanceUID)] = file.read()
    return made


def send(running: RunningBox, each: int, *, hasty: bool = False) -> Traffic:
    """Send `each` images from every modality; returns when all are answered.

    `hasty`: all that is written goes to the disk soon, drafts too, as it does on a box with little memory.
    """
    traffic = Traffic()
    studies = [images(modality, each) for modality in range(1, MODALITIES + 1)]
    for study in studies:
        traffic.sent |= study
    done = threading.Event()
    with ThreadPoolExecutor(MODALITIES + 2) as pool:
        modalities = [pool.submit(_modality, running.dicom_port, study, traffic.stored) for study in studies]
        others = [pool.submit(_staff, running.box, traffic, done)]
        if hasty:
            others.append(pool.submit(_write_back, running.box.data_dir, done))
        try:
            for modality in modalities:
                modality.result()
        finally:
            done.set()
        for other in others:
            other.result()
    return traffic


def _modality(port: int, study: dict[str, bytes], stored: dict[str, int]) -> None:
    instances = list(study.items())
    for start in range(0, len(instances), _ASSOCIATION):
        with Scu(port).associate([(CT, [EXPLICIT])]) as scu:
            for uid, data in instances[start : start + _ASSOCIATION]:
                if scu.store(1, CT, uid, data).status == 0:
                    stored[uid] = time.monotonic_ns()


def _staff(box: Box, traffic: Traffic, done: threading.Event) -> None:
    try:
        for number in count():
            if done.wait(0.02):
                return
            box.peers.add(f"peer {number}", "PEER", "127.0.0.1", 104)
            traffic.peers[f"peer {number}"] = time.monotonic_ns()
            for study in list(box.storage.studies.study_uids())[: number % 4 == 0]:
                share = box.sharing.create(study, pin="246813").share
                traffic.shares[share.id] = time.monotonic_ns()
    finally:
        box.close()


def _write_back(folder: Path, done: threading.Event) -> None:
    syncfs = ctypes.CDLL(None).syncfs
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        while not done.wait(0.002):
            syncfs(descriptor)
    finally:
        os.close(descriptor)


def wait_until_indexed(running: RunningBox) -> None:
    """Until the indexer has nothing left to do, drafts of the dead included."""
    spool = running.box.spool("tests")
    wait_for(lambda: running.is_drained() and not spool.drafts(), 60, "the spool to drain")
