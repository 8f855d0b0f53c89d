"""The information models of Query/Retrieve (PS3.4 C.6): their SOP classes, levels and unique keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.dicom.attributes import Attribute
from appliance.dicom.attributes import Level as Rows


class Level(StrEnum):
    """Query/Retrieve Level (0008,0052)."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"

    @property
    def unique(self) -> str:
        """The keyword of its unique key."""
        return _UNIQUE[self]

    @property
    def rows(self) -> Rows:
        """Where the index has what belongs to it: the patient's attributes are with the study."""
        return Rows.STUDY if self is Level.PATIENT else Rows(self.value)


_UNIQUE = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
_ROOT = "1.2.840.10008.5.1.4.1.2."
FIND, MOVE, GET = 1, 2, 3


@dataclass(frozen=True)
class Model:
    """One information model."""

    name: str
    number: int
    """Of its family of SOP classes."""
    levels: tuple[Level, ...]

    def sop_class(self, operation: int) -> str:
        """The SOP class of `FIND`, `MOVE` or `GET`."""
        return f"{_ROOT}{self.number}.{operation}"


MODELS = (
    Model("Patient Root", 1, tuple(Level)),
    Model("Study Root", 2, (Level.STUDY, Level.SERIES, Level.IMAGE)),
    Model("Patient/Study Only", 3, (Level.PATIENT, Level.STUDY)),
)
"""The last is retired, and still asked by old equipment."""


def model_of(sop_class_uid: str) -> Model:
    """The model that a SOP class of Query/Retrieve is of."""
    number = int(sop_class_uid.removeprefix(_ROOT).partition(".")[0])
    return next(model for model in MODELS if model.number == number)


def sop_classes(operation: int) -> tuple[str, ...]:
    """The SOP classes of an operation in all models."""
    return tuple(model.sop_class(operation) for model in MODELS)


PATIENT_KEYS = frozenset("PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex".split())
"""What belongs to a patient and not to one of the studies (PS3.4 table C.6-1)."""


def is_at(attribute: Attribute, level: Level) -> bool:
    """Whether what is found at `level` has the attribute: it is of that level or of one above."""
    if level is Level.PATIENT:
        return attribute.keyword in PATIENT_KEYS
    order = list(Rows)
    return order.index(attribute.level) <= order.index(level.rows)
