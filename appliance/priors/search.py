"""What staff look for at a peer, and what the peer has: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.dicom.model import Study
from appliance.dicom.names import fold

ASKED = (
    "StudyInstanceUID PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime StudyDescription"
    " AccessionNumber ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
).split()
_FOREIGN_LETTERS = re.compile(r"[^\x00-\x7f]+")
_LATIN_BEYOND_ASCII = re.compile(r"[\u00c0-\u024f]")
_DATES = re.compile(r"([0-9]{8})?-?([0-9]{8})?")


@dataclass(frozen=True)
class Search:
    """Empty fields are not asked by."""

    name: str = ""
    """As people type it: `müller anna`; or as DICOM has it: `Müller^Anna`."""
    patient_id: str = ""
    birth_date: str = ""
    """YYYYMMDD."""
    dates: str = ""
    """Of the study: YYYYMMDD, or a range with a dash, open on either side."""
    modality: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""

    def keys(self) -> dict[str, str]:
        """For a C-FIND at study level. Raises ValueError naming a date that is none."""
        for what, value in (("date of birth", self.birth_date), ("date", self.dates)):
            if value and (value == "-" or not _DATES.fullmatch(value)):
                raise ValueError(f"a {what} is written YYYYMMDD, not {value!r}")
        wanted = {
            "PatientName": pattern(self.name),
            "PatientID": self.patient_id,
            "PatientBirthDate": self.birth_date,
            "StudyDate": self.dates,
            "ModalitiesInStudy": self.modality.upper(),
            "AccessionNumber": self.accession_number,
            "StudyInstanceUID": self.study_instance_uid,
        }
        if not any(wanted.values()):
            raise ValueError("say what to look for: a name, an ID, a date, a modality or an accession number")
        return dict.fromkeys(ASKED, "") | wanted

    def ways(self) -> list[dict[str, str]]:
        """The same in several ways, since some peers match names letter by letter; the likeliest first."""
        keys = self.keys()
        name = keys["PatientName"]
        if not name.islower():
            return [keys]
        return [keys | {"PatientName": way} for way in (name.upper(), name.title(), name)]

    def finds(self, name: str) -> bool:
        """Whether `name` has all words of the name that is looked for, as people read it."""
        there = fold(name)
        return all(word in there for word in fold(re.sub(r"[*?]", " ", self.name)).split())


def pattern(name: str) -> str:
    """A typed name as a key: parts in their order, whatever stands between them.

    Letters with diacritics become wildcards, since many a peer compares bytes: `Müller` finds also `MULLER`.
    """
    name = name.strip()
    if not name:
        return ""
    if _LATIN_BEYOND_ASCII.search(name):
        name = _FOREIGN_LETTERS.sub("*", name)
    if "^" in name:
        return name if "*" in name or "?" in name else f"{name}*"
    return re.sub(r"\*+", "*", "*".join(name.replace(",", " ").split()) + "*")


@dataclass(frozen=True)
class RemoteStudy:
    """A study as a peer tells of it."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    study_date: str
    study_time: str
    study_description: str
    accession_number: str
    modalities: tuple[str, ...]
    sop_classes: tuple[str, ...]
    """Empty when the peer doesn't say."""
    series: int
    images: int
    """0 when the peer doesn't say."""
    here: int = 0
    """Images of it that this box has."""
    doubt: str = ""
    """Why it may be another person's than the one that was looked for; empty when nothing speaks for that."""


def remote_study(answer: Mapping[str, str]) -> RemoteStudy:
    """An answer to `Search.keys`."""

    def listed(keyword: str) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip() for part in answer.get(keyword, "").split("\\"))))

    def number(keyword: str) -> int:
        text = answer.get(keyword, "").strip()
        return int(text) if text.isdigit() else 0

    return RemoteStudy(
        answer.get("StudyInstanceUID", ""),
        answer.get("PatientName", ""),
        answer.get("PatientID", ""),
        answer.get("PatientBirthDate", ""),
        answer.get("PatientSex", ""),
        answer.get("StudyDate", ""),
        answer.get("StudyTime", ""),
        answer.get("StudyDescription", ""),
        answer.get("AccessionNumber", ""),
        listed("ModalitiesInStudy"),
        listed("SOPClassesInStudy"),
        number("NumberOfStudyRelatedSeries"),
        number("NumberOfStudyRelatedInstances"),
    )


def of_patient(study: Study) -> list[Search]:
    """How to look for other studies of a study's patient: by ID, and by name and birth, since clinics differ in IDs."""
    searches = [Search(patient_id=study.patient_id)] if study.patient_id else []
    family = study.patient_name.split("=")[0].split("^")[0].strip()
    if family and study.patient_birth_date:
        searches.append(Search(name=f"{family}^*", birth_date=study.patient_birth_date))
    return searches


def doubt(study: Study, found: RemoteStudy) -> str:
    """Why `found` may be another person's than `study`; empty when nothing speaks for that."""
    ours, theirs = (set(fold(name.split("=")[0]).split()) for name in (study.patient_name, found.patient_name))
    if study.patient_birth_date and found.patient_birth_date and study.patient_birth_date != found.patient_birth_date:
        return "born on another day"
    if ours and theirs and not ours & theirs:
        return "another name"
    if study.patient_sex in ("F", "M") and found.patient_sex in ("F", "M") and study.patient_sex != found.patient_sex:
        return "another sex"
    if study.patient_id and found.patient_id and study.patient_id != found.patient_id:
        return "another ID"
    return ""


def newest_first(studies: Iterable[RemoteStudy]) -> list[RemoteStudy]:
    """Each study once."""
    once = {study.study_instance_uid: study for study in studies if study.study_instance_uid}
    return sorted(once.values(), key=lambda study: (study.study_date, study.study_time), reverse=True)
