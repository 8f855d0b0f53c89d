"""A modality: asks for its worklist by dcmtk's findscu, reports performed steps by pynetdicom."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from appliance.box import Box
from tests.support.programs import program

WORKLIST = "1.2.840.10008.5.1.4.31"
MPPS = "1.2.840.10008.3.1.2.3.3"
MPPS_RETRIEVE = "1.2.840.10008.3.1.2.3.4"
STEP = "ScheduledProcedureStepSequence[0]."


@dataclass(frozen=True)
class Modality:
    """MODALITY, which calls `called` on a port of loopback."""

    port: int
    folder: Path
    called: str = "PACSBOX"

    def worklist(self, *keys: str, options: tuple[str, ...] = ()) -> list[Dataset]:
        """The answers to `findscu -W` with these keys, `PatientName=D*` or a keyword alone; in the order they came."""
        out = self.folder / f"answers-{len(list(self.folder.iterdir()))}"
        out.mkdir()
        asked = [part for key in keys for part in ("-k", key)]
        command = [program("findscu"), "-W", "-X", "-od", str(out), "-aet", "MODALITY", "-aec", self.called]
        done = subprocess.run(
            [*command, *options, *asked, "127.0.0.1", str(self.port)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "E: " not in done.stderr, done.stderr
        return [pydicom.dcmread(path, force=True) for path in sorted(out.iterdir())]

    @contextmanager
    def associated(self, *sop_classes: str) -> Iterator[Association]:
        """An association for the worklist and for performed steps, by pynetdicom."""
        entity = AE("MODALITY")
        for sop_class in sop_classes or (WORKLIST, MPPS):
            entity.add_requested_context(sop_class)
        association = entity.associate("127.0.0.1", self.port, ae_title=self.called)
        assert association.is_established
        try:
            yield association
        finally:
            association.release()


@contextmanager
def modality_of(box: Box, folder: Path) -> Iterator[Modality]:
    """A modality that `box` knows, and the box's DIMSE server running."""
    if not [peer for peer in box.peers.all() if peer.ae_title == "MODALITY"]:
        box.peers.add("MODALITY", "MODALITY", "127.0.0.1", 104)
    receiver = box.receiver()
    folder.mkdir(exist_ok=True)
    port = receiver.start()
    try:
        yield Modality(port, folder)
    finally:
        receiver.stop()


def report(**said: Any) -> Dataset:
    """What a modality says when it begins (PS3.4 table F.7.2-1)."""
    step = Dataset()
    step.StudyInstanceUID = said.pop("StudyInstanceUID", "1.2.3.4")
    step.AccessionNumber = said.pop("AccessionNumber", "")
    step.ScheduledProcedureStepID = said.pop("ScheduledProcedureStepID", "")
    step.RequestedProcedureID = step.RequestedProcedureDescription = step.ScheduledProcedureStepDescription = ""
    step.ReferencedStudySequence, step.ScheduledProtocolCodeSequence = [], []
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ScheduledStepAttributesSequence = [step]
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "4711"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.PerformedProcedureStepID, dataset.PerformedStationAETitle = "PPS1", "MODALITY"
    dataset.PerformedProcedureStepStartDate, dataset.PerformedProcedureStepStartTime = "20261121", "101500"
    dataset.PerformedProcedureStepEndDate = dataset.PerformedProcedureStepEndTime = ""
    dataset.PerformedProcedureStepStatus, dataset.Modality = "IN PROGRESS", "CT"
    dataset.PerformedSeriesSequence = []
    for keyword, value in said.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def ending(status: str = "COMPLETED", *images: str, **said: Any) -> Dataset:
    """What a modality says when it is done with these images."""
    dataset = Dataset()
    dataset.PerformedProcedureStepStatus = status
    dataset.PerformedProcedureStepEndDate, dataset.PerformedProcedureStepEndTime = "20261121", "103000"
    series = Dataset()
    series.SeriesInstanceUID, series.ProtocolName = "1.2.3.4.1", "Head"
    series.ReferencedImageSequence = [_reference(uid) for uid in images]
    dataset.PerformedSeriesSequence = [series]
    for keyword, value in said.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def _reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    return item
