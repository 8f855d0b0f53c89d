"""Study, series and instance as the index knows them. Field names are DICOM keywords in snake_case.

Text is Unicode, whatever the character set it came in; dates are `YYYYMMDD` and times `HHMMSS.ffffff` as in
DICOM (PS3.5 6.2), empty when absent or malformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Origin:
    """Who sent an instance, how and when; it travels in the file's header (PS3.10 7.1) from the spool on."""

    via: str
    """The door: `C-STORE`, `STOW-RS`, `upload`, `import`."""
    source_ae: str = ""
    """The calling AE title."""
    called_ae: str = ""
    address: str = ""
    """The network address it came from."""
    received: str = ""
    """UTC, ISO 8601 with milliseconds."""


@dataclass(frozen=True)
class Study:
    """A study row: the patient's attributes are with it (Study Root, PS3.4 C.6.2)."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    issuer_of_patient_id: str
    patient_birth_date: str
    patient_sex: str
    patient_age: str
    study_date: str
    study_time: str
    study_id: str
    accession_number: str
    study_description: str
    referring_physician_name: str
    name_of_physicians_reading_study: str
    timezone_offset_from_utc: str
    modalities_in_study: tuple[str, ...]
    sop_classes_in_study: tuple[str, ...]
    number_of_study_related_series: int
    number_of_study_related_instances: int
    size: int
    """Bytes in the archive."""
    first_received: str
    """UTC, ISO 8601."""
    last_received: str


@dataclass(frozen=True)
class Series:
    """A series row."""

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    series_number: str
    series_description: str
    series_date: str
    series_time: str
    body_part_examined: str
    laterality: str
    protocol_name: str
    manufacturer: str
    manufacturer_model_name: str
    station_name: str
    institution_name: str
    performing_physician_name: str
    performed_procedure_step_start_date: str
    performed_procedure_step_start_time: str
    performed_procedure_step_id: str
    number_of_series_related_instances: int


@dataclass(frozen=True)
class Instance:
    """An instance row and where its bytes are."""

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    sop_class_uid: str
    instance_number: str
    number_of_frames: str
    rows: str
    columns: str
    bits_allocated: str
    content_date: str
    content_time: str
    acquisition_date: str
    acquisition_time: str
    image_type: str
    transfer_syntax_uid: str
    blob_key: str
    """Where the archive keeps the file; ours, never made from what a peer sent."""
    size: int
    """Bytes of the file."""
    digest: str
    """BLAKE3 of the data set's bytes, without the header that we write; empty where an older pacsbox entered it."""
    source_ae: str
    via: str
    received: str
    """UTC, ISO 8601."""

    @property
    def frames(self) -> int:
        """How many frames it has, at least one."""
        return int(self.number_of_frames) if self.number_of_frames.isdigit() else 1


def moment(text: str) -> datetime:
    """A time of the index as an aware datetime."""
    return datetime.fromisoformat(text)
