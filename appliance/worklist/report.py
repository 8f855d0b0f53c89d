"""The rules of a performed procedure step: what a modality must say, and may still say (PS3.4 table F.7.2-1).

```
N-CREATE, IN PROGRESS --N-SET--> IN PROGRESS --N-SET--> COMPLETED | DISCONTINUED, after which nothing changes
```
Attributes are DICOM JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from appliance.dicom.json import Json
from appliance.dicom.matching import values
from appliance.dicom.uid import is_valid
from appliance.dicom.worklist import tag_of
from appliance.errors import PacsboxError
from appliance.storage.rows import StepState

SCHEDULED = tag_of("ScheduledStepAttributesSequence")
STATUS = tag_of("PerformedProcedureStepStatus")
_SERIES = tag_of("PerformedSeriesSequence")
_AT_FIRST = (
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepID",
    "PerformedProcedureStepStatus",
    "Modality",
    "ScheduledStepAttributesSequence",
)
"""Type 1 at N-CREATE."""
_AT_LAST = ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime")
"""Type 1 once it is final."""
_FOR_GOOD = frozenset(
    map(
        tag_of,
        "ScheduledStepAttributesSequence PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex"
        " ReferencedPatientSequence AdmissionID PerformedProcedureStepID PerformedStationAETitle PerformedStationName"
        " PerformedLocation PerformedProcedureStepStartDate PerformedProcedureStepStartTime Modality StudyID"
        " SpecificCharacterSet".split(),
    )
)
"""Not allowed at N-SET: whose step it is does not change."""


class Refusal(StrEnum):
    """Why a message of a modality is not taken."""

    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    FINAL = "final"
    INVALID_UID = "invalid UID"
    INVALID = "invalid value"
    MISSING = "missing attribute"
    EMPTY = "missing value"


class ReportError(PacsboxError):
    """What a modality said of a step is refused; no patient data in the sentence."""

    def __init__(self, refusal: Refusal, message: str, tags: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.tags = tuple(tags)
        """The attributes at fault, as in DICOM JSON."""


def check_new(sop_instance_uid: str, attributes: Json) -> None:
    """Raises `ReportError` unless a step may begin so."""
    if not is_valid(sop_instance_uid):
        raise ReportError(Refusal.INVALID_UID, "the SOP Instance UID is not valid")
    _require(attributes, _AT_FIRST)
    for scheduled in attributes[SCHEDULED]["Value"]:
        _require(scheduled, ("StudyInstanceUID",))
    if status_of(attributes) is not StepState.IN_PROGRESS:
        raise ReportError(Refusal.INVALID, "a step is created IN PROGRESS", [STATUS])


def changed(state: StepState, attributes: Json, modifications: Json) -> Json:
    """A step's attributes after an N-SET; each one given takes the place of the one before, sequences as a whole.

    What may not change is left as it was. Raises `ReportError`.
    """
    if state.is_final:
        raise ReportError(Refusal.FINAL, "Performed Procedure Step Object may no longer be updated")
    after = attributes | {tag: element for tag, element in modifications.items() if tag not in _FOR_GOOD}
    if status_of(after).is_final:
        _require(after, _AT_LAST)
    if status_of(after) is StepState.COMPLETED:
        _require(after, ("PerformedSeriesSequence",))
        for series in after[_SERIES]["Value"]:
            _require(series, ("SeriesInstanceUID",))
    return after


def status_of(attributes: Json) -> StepState:
    """Its Performed Procedure Step Status. Raises `ReportError`."""
    said = next(iter(values(attributes, STATUS)), "").strip()
    try:
        return StepState(said)
    except ValueError:
        raise ReportError(Refusal.INVALID, "the status is IN PROGRESS, COMPLETED or DISCONTINUED", [STATUS]) from None


def images_of(attributes: Json) -> list[str]:
    """The SOP Instance UIDs that a step names as its results."""
    kinds = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
    return [
        uid
        for series in attributes.get(_SERIES, {}).get("Value", ())
        for kind in kinds
        for reference in series.get(tag_of(kind), {}).get("Value", ())
        for uid in values(reference, tag_of("ReferencedSOPInstanceUID"))
    ]


def _require(attributes: Json, keywords: Iterable[str]) -> None:
    """Type 1: there, and with a value (PS3.5 7.4.1)."""
    absent = [keyword for keyword in keywords if tag_of(keyword) not in attributes]
    empty = [keyword for keyword in keywords if not _has_value(attributes.get(tag_of(keyword), {}))]
    if absent:
        raise ReportError(Refusal.MISSING, f"{', '.join(absent)} missing", map(tag_of, absent))
    if empty:
        raise ReportError(Refusal.EMPTY, f"{', '.join(empty)} without value", map(tag_of, empty))


def _has_value(element: Json) -> bool:
    return any(value not in (None, "") for value in element.get("Value", ()))
