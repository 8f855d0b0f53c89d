"""THE table of indexed attributes: it drives the index, C-FIND, QIDO and the conformance statement.

A column of the index is the attribute's keyword in snake_case, so one name leads everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword


class Level(StrEnum):
    """Where an attribute lives (PS3.4 C.6.2, Study Root: the patient's are with the study)."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    INSTANCE = "IMAGE"


@dataclass(frozen=True)
class Attribute:
    """One indexed attribute."""

    keyword: str
    level: Level
    computed: bool = False
    """Counted or gathered by the index, not read from an instance."""

    @property
    def tag(self) -> int:
        """The tag as a number, e.g. 0x00100010."""
        tag = tag_for_keyword(self.keyword)
        assert tag is not None, self.keyword
        return tag

    @property
    def vr(self) -> str:
        """The value representation of PS3.6."""
        return dictionary_VR(self.tag)

    @property
    def multiple(self) -> bool:
        """Whether it may have several values, which the index joins by backslashes."""
        return dictionary_VM(self.tag) != "1"

    @property
    def column(self) -> str:
        """The name in the index: `PatientID` -> `patient_id`."""
        return column(self.keyword)


def column(keyword: str) -> str:
    """The keyword in snake_case: `SOPInstanceUID` -> `sop_instance_uid`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", keyword)
    return spaced.lower()


def _at(level: Level, keywords: str, computed: bool = False) -> tuple[Attribute, ...]:
    return tuple(Attribute(keyword, level, computed) for keyword in keywords.split())


ATTRIBUTES: tuple[Attribute, ...] = (
    *_at(
        Level.STUDY,
        "StudyInstanceUID PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex PatientAge"
        " StudyDate StudyTime StudyID AccessionNumber StudyDescription ReferringPhysicianName"
        " NameOfPhysiciansReadingStudy TimezoneOffsetFromUTC",
    ),
    *_at(
        Level.STUDY,
        "ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
        computed=True,
    ),
    *_at(
        Level.SERIES,
        "SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDate SeriesTime BodyPartExamined"
        " Laterality ProtocolName Manufacturer ManufacturerModelName StationName InstitutionName"
        " PerformingPhysicianName PerformedProcedureStepStartDate PerformedProcedureStepStartTime"
        " PerformedProcedureStepID",
    ),
    *_at(Level.SERIES, "NumberOfSeriesRelatedInstances", computed=True),
    *_at(
        Level.INSTANCE,
        "SOPInstanceUID SOPClassUID InstanceNumber NumberOfFrames Rows Columns BitsAllocated"
        " ContentDate ContentTime AcquisitionDate AcquisitionTime ImageType",
    ),
)

BY_KEYWORD: dict[str, Attribute] = {attribute.keyword: attribute for attribute in ATTRIBUTES}
BY_TAG: dict[int, Attribute] = {attribute.tag: attribute for attribute in ATTRIBUTES}


def stored_at(level: Level) -> tuple[Attribute, ...]:
    """The attributes of `level` that are read from instances."""
    return tuple(a for a in ATTRIBUTES if a.level is level and not a.computed)


MORE: dict[Level, frozenset[str]] = {
    Level.STUDY: frozenset(
        (
            "OtherPatientIDs OtherPatientNames OtherPatientIDsSequence PatientBirthTime EthnicGroup PatientComments"
            " PatientSize PatientWeight Occupation AdditionalPatientHistory SmokingStatus PregnancyStatus PatientState"
            " PatientIdentityRemoved QualityControlSubject PatientSpeciesDescription AdmissionID ReasonForVisit"
            " AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence IssuerOfPatientIDQualifiersSequence"
            " ReferringPhysicianIdentificationSequence ConsultingPhysicianName PhysiciansOfRecord RequestingService"
            " ProcedureCodeSequence ReferencedStudySequence IssuerOfAccessionNumberSequence"
        ).split()
    ),
    Level.SERIES: frozenset(
        (
            "RequestAttributesSequence OperatorsName PatientPosition InstitutionAddress InstitutionalDepartmentName"
            " DeviceSerialNumber SoftwareVersions PerformedProcedureStepDescription PerformedProcedureStepEndDate"
            " PerformedProcedureStepEndTime PerformedProtocolCodeSequence FrameOfReferenceUID"
            " PositionReferenceIndicator SeriesDescriptionCodeSequence ReferencedPerformedProcedureStepSequence"
            " SmallestPixelValueInSeries LargestPixelValueInSeries InstitutionCodeSequence SpatialResolution GantryID"
        ).split()
    ),
    Level.INSTANCE: frozenset(),
}
"""What else is told of a study or a series when it is asked for, by the modules of PS3.3 C.7.1 to C.7.5.

It is not indexed: the metadata of an instance tells. Of an instance, all that it has is told.
"""
