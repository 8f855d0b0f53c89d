"""DICOM worklist files, as other programs write them."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

PATIENTS = (
    ("Doe^Jane", "P1", "19700131", "F", "CT", "AA1", "20261121", "093000", "Head CT", "S1", "Müller^Jörg", "A1"),
    ("Doe^John", "P2", "19650704", "M", "MR", "AA2", "20261121", "140000", "Knee MR", "S2", "Adams^Amy", "A2"),
    ("Roe^Richard^Q", "P3", "19991231", "M", "CT", "AA1", "20261122", "080000", "Chest CT", "S3", "Baker^Bob", "A3"),
    ("Müller^Jürgen", "P4", "19590107", "M", "US", "AA3", "20261123", "113015", "Abdomen", "S4", "Clark^Cy", "A4"),
    ("Zoe^Zita", "Q5", "20010101", "O", "CT", "AA2", "20261124", "235900", "Head CT", "S5", "Davis^Di", "A5"),
)


def worklist_file(path: Path, row: tuple[str, ...], number: int) -> None:
    """A DICOM worklist file with all that wlmscpfs wants."""
    name, identity, born, sex, modality, station, day, time, what, step_id, physician, accession = row
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle, step.ScheduledStationName = modality, station, f"{station}-NAME"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = day, time
    step.ScheduledPerformingPhysicianName, step.ScheduledProcedureStepID = physician, step_id
    step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepLocation = what, "Room 1"
    step.PreMedication, step.RequestedContrastAgent = "", ""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.276.0.7230010.3.1.0.1", f"1.2.3.{number}"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    item = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    item.SpecificCharacterSet = "ISO_IR 100"
    item.PatientName, item.PatientID, item.PatientBirthDate, item.PatientSex = name, identity, born, sex
    item.AccessionNumber, item.ReferringPhysicianName, item.RequestingPhysician = accession, "Ref^Dr", "Req^Dr"
    item.StudyInstanceUID, item.RequestedProcedureID = f"1.2.276.0.7230010.3.2.{number}", f"RP{number}"
    item.RequestedProcedureDescription, item.RequestedProcedurePriority = what, "LOW"
    item.MedicalAlerts, item.Allergies, item.PregnancyStatus, item.PatientWeight = "", "", 4, "70"
    item.AdmissionID, item.CurrentPatientLocation, item.PatientState, item.SpecialNeeds = "", "", "", ""
    item.ConfidentialityConstraintOnPatientDataDescription = item.PatientTransportArrangements = ""
    item.ScheduledProcedureStepSequence = [step]
    item.save_as(path)
