"""Sample orders, for who tries a modality against the box."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from appliance.dicom.json import Json
from appliance.worklist import item as items

_SAMPLES = """
Ferreira^Ana                      | DEMO-840312 | 1984-03-12 | F | CT | Head CT                 | Costa^Rui
Okafor^Chidi                      | DEMO-710925 | 1971-09-25 | M | CT | Chest CT                | Bello^Ngozi
Müller^Jürgen                     | DEMO-590107 | 1959-01-07 | M | MR | Abdomen MRI             | Weiß^Käthe
Wójcik^Łukasz                     | DEMO-930618 | 1993-06-18 | M | MR | Brain MRI               | Nowak^Żaneta
Nguyen^Thi Lan                    | DEMO-010430 | 2001-04-30 | F | US | Echocardiogram          | Tran^Minh
Haddad^Layla                      | DEMO-661119 | 1966-11-19 | F | NM | Whole body bone scan    | Aziz^Omar
Yamada^Tarou=山田^太郎=やまだ^たろう | DEMO-480215 | 1948-02-15 | M | CR | Spine X-ray             | Suzuki^Hanako
Παπαδοπούλου^Ελένη                | DEMO-770802 | 1977-08-02 | F | MG | Mammography, both sides | Γεωργίου^Νίκος
"""
_FIELDS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "Modality",
    "RequestedProcedureDescription",
    "ReferringPhysicianName",
)
_FIRST_HOUR = 8
_EVERY = timedelta(minutes=30)


def samples(day: date, station: str = "") -> list[Json]:
    """Orders of made-up patients with names in several scripts, half an hour apart on `day`.

    `station` is the AE title that they are for; empty: whoever asks.
    """
    made = []
    start = datetime(day.year, day.month, day.day, _FIRST_HOUR)  # noqa: DTZ001 - local, as all of DICOM's
    for number, line in enumerate(_SAMPLES.strip().splitlines()):
        said = dict(zip(_FIELDS, map(str.strip, line.split("|")), strict=True))
        at = start + number * _EVERY
        said |= {"ScheduledProcedureStepStartDate": f"{at:%Y%m%d}", "ScheduledProcedureStepStartTime": f"{at:%H%M%S}"}
        made.append(items.made(said | {"ScheduledStationAETitle": station}))
    return made
