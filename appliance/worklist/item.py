"""A worklist item from what people or programs say of it, and the other way round.

The item is DICOM JSON (PS3.18 Annex F) with the attributes of PS3.4 table K.6-1. People name them by keyword;
where each belongs, in the step or above it, the table knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from pydicom import config
from pydicom.valuerep import validate_value

from appliance.dicom.json import Json, person_name
from appliance.dicom.matching import values
from appliance.dicom.uid import is_valid
from appliance.dicom.worklist import KEYS, STEPS, Key, tag_of

PLACES: dict[str, Key] = {
    key.keyword: key
    for key in KEYS
    if key.vr != "SQ" and key.matching != "-" and (len(key.path) == 1 or key.path[:-1] == (STEPS,))
}
"""What may be said of an order, by keyword."""
REQUIRED = ("PatientName", "PatientID", "Modality")

COLUMNS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_instance_uid": "StudyInstanceUID",
    "requested_procedure_id": "RequestedProcedureID",
    "scheduled_procedure_step_id": "ScheduledProcedureStepID",
    "modality": "Modality",
    "station": "ScheduledStationAETitle",
    "start_date": "ScheduledProcedureStepStartDate",
    "start_time": "ScheduledProcedureStepStartTime",
    "description": "RequestedProcedureDescription",
}
"""What the index keeps beside the item, and its keyword."""
_STEPS = tag_of(STEPS)
_CODED = {"PatientSex": ("F", "M", "O"), "RequestedProcedurePriority": ("STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW")}
_MODALITY = re.compile(r"[A-Z0-9_ ]{1,16}")
_SEPARATED_DATE = re.compile(r"([0-9]{4})[-./]([0-9]{1,2})[-./]([0-9]{1,2})")
_SEPARATED_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


def made(said: Mapping[str, str]) -> Json:
    """An item of attributes by keyword; what is empty is left out.

    Raises ValueError naming every fault.
    """
    wrong = {name: fault for name in (*said, *REQUIRED) if (fault := fault_of(name, said.get(name, "")))}
    if wrong:
        raise ValueError("; ".join(wrong.values()))
    return with_values({_STEPS: {"vr": "SQ", "Value": [{}]}}, said)


def with_values(item: Json, said: Mapping[str, str]) -> Json:
    """`item` with these attributes in the place of its own; an empty one is taken away."""
    step = dict(first_step(item))
    changed = dict(item)
    for keyword, value in said.items():
        key = PLACES[keyword]
        place = step if key.path[0] == STEPS else changed
        place.pop(key.tag, None)
        if value := plain(keyword, value):
            place[key.tag] = {"vr": key.vr, "Value": _encoded(key.vr, value)}
    others = item.get(_STEPS, {}).get("Value", [])[1:]
    changed[_STEPS] = {"vr": "SQ", "Value": [step, *others]}
    return changed


def fault_of(keyword: str, value: str) -> str:
    """What is wrong with one attribute, in words; empty when nothing is."""
    key = PLACES.get(keyword)
    if key is None:
        return f"{keyword} is no attribute of the worklist (PS3.4 table K.6-1) that has one value"
    value = plain(keyword, value)
    if not value:
        return f"{keyword} is missing" if keyword in REQUIRED else ""
    if any(c < " " for c in value):
        return f"{keyword} holds control characters"
    if keyword in _CODED and value not in _CODED[keyword]:
        return f"{keyword} is one of {', '.join(_CODED[keyword])}, not {value!r}"
    if keyword == "Modality" and not _MODALITY.fullmatch(value):
        return f"Modality is a code such as CT, MR or US, not {value!r}"
    if key.vr == "UI":
        return "" if is_valid(value) else f"{keyword} is a UID of digits and dots, not {value!r}"
    return _fault_by_vr(keyword, key.vr, value)


def _fault_by_vr(keyword: str, vr: str, value: str) -> str:
    forms = {"DA": ("%Y%m%d", "a day such as 2026-11-21"), "TM": ("%H%M%S", "a time such as 14:30")}
    if vr in forms:
        form, example = forms[vr]
        try:
            datetime.strptime(value.partition(".")[0].ljust(6, "0") if vr == "TM" else value, form)  # noqa: DTZ007
        except ValueError:
            return f"{keyword} is {example}, not {value!r}"
        return ""
    if vr != "UT" and "\\" in value and vr not in ("LT", "ST"):
        return f"{keyword} holds a backslash, which DICOM keeps for itself"
    try:
        validate_value(vr, int(value) if vr == "US" else value, config.RAISE)
    except ValueError as fault:
        # pydicom's sentence, without where it sends its reader.
        return f"{keyword}: {str(fault).partition('. Please see')[0]}"
    return ""


def plain(keyword: str, value: str) -> str:
    """A value as DICOM has it: `2026-11-21`, `14:30` and `Doe, Jane` are understood too."""
    value = value.strip()
    vr = PLACES[keyword].vr if keyword in PLACES else ""
    if match := _SEPARATED_DATE.fullmatch(value) if vr == "DA" else None:
        return f"{match[1]}{int(match[2]):02}{int(match[3]):02}"
    if match := _SEPARATED_TIME.fullmatch(value) if vr == "TM" else None:
        return f"{int(match[1]):02}{match[2]}{match[3] or ''}"
    if vr == "PN" and "^" not in value and "=" not in value and value.count(",") == 1:
        return "^".join(part.strip() for part in value.split(","))
    return value.upper() if vr == "CS" or keyword in _CODED else value


def _encoded(vr: str, value: str) -> list[Any]:
    if vr == "PN":
        return [person_name(value)]
    if vr in ("US", "IS"):
        return [int(value)]
    return [float(value)] if vr == "DS" else [value]


def first_step(item: Json) -> Json:
    """The scheduled procedure step; empty when there is none."""
    steps = item.get(_STEPS, {}).get("Value", [])
    return steps[0] if steps else {}


def value(item: Json, keyword: str) -> str:
    """An attribute's first value as text; empty when it has none."""
    key = PLACES[keyword]
    place = first_step(item) if key.path[0] == STEPS else item
    return next(iter(values(place, key.tag)), "")


def columns(item: Json) -> dict[str, Any]:
    """What the index keeps beside the item."""
    found = {column: value(item, keyword) for column, keyword in COLUMNS.items()}
    found["description"] = found["description"] or value(item, "ScheduledProcedureStepDescription")
    return found


def completed(item: Json, number: int, now: datetime) -> Json:
    """The item with what an order must have and nobody said; `number` is the order's, `now` local time.

    Our Study Instance UID comes back with the images, whatever the modality makes of the rest.
    """
    defaults = {
        "AccessionNumber": f"A{number:07}",
        "RequestedProcedureID": f"P{number:07}",
        "ScheduledProcedureStepStartDate": f"{now:%Y%m%d}",
        "ScheduledProcedureStepStartTime": f"{now:%H%M}00",
        "RequestedProcedureDescription": value(item, "ScheduledProcedureStepDescription"),
        "ScheduledProcedureStepDescription": value(item, "RequestedProcedureDescription"),
        **identified(item, number),
    }
    return with_values(item, {k: v for k, v in defaults.items() if v and not value(item, k)})


def identified(item: Json, number: int) -> dict[str, str]:
    """The identifiers without which nothing that comes back can be told to be this order's."""
    ours = {"StudyInstanceUID": f"2.25.{uuid4().int}", "ScheduledProcedureStepID": f"S{number:07}"}
    return {keyword: made_up for keyword, made_up in ours.items() if not value(item, keyword)}
