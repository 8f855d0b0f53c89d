"""The attributes of the Modality Worklist (PS3.4 table K.6-1), and what an answer is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydicom.datadict import dictionary_VR, tag_for_keyword

from appliance.dicom import matching
from appliance.dicom.json import Json

STEPS = "ScheduledProcedureStepSequence"
_CODE = (
    "+ CodeValue O/1 CodingSchemeDesignator O/1 CodingSchemeVersion O/3 CodeMeaning O/3"
    " LongCodeValue O/3 URNCodeValue O/3"
)
_REFERENCE = "+ ReferencedSOPClassUID O/1 ReferencedSOPInstanceUID O/1"
_TABLE = f"""
SpecificCharacterSet -/1C
ScheduledProcedureStepSequence R/1
+ ScheduledStationAETitle R/1 ScheduledProcedureStepStartDate R/1 ScheduledProcedureStepStartTime R/1 Modality R/1
+ ScheduledPerformingPhysicianName R/2 ScheduledProcedureStepDescription O/1C ScheduledStationName O/2
+ ScheduledProcedureStepLocation O/2 PreMedication O/2C ScheduledProcedureStepID O/1 RequestedContrastAgent O/2C
+ ScheduledProcedureStepStatus O/3 ScheduledProcedureStepEndDate O/3 ScheduledProcedureStepEndTime O/3
+ CommentsOnTheScheduledProcedureStep O/3 AnatomicalOrientationType O/1C
+ ReferencedDefinedProtocolSequence O/3
+{_REFERENCE}
+ ReferencedPerformedProtocolSequence O/3
+{_REFERENCE}
+ ScheduledPerformingPhysicianIdentificationSequence O/3
+ ScheduledProtocolCodeSequence O/1C
+{_CODE}
++ ProtocolContextSequence O/3
+ ScheduledSpecimenSequence O/3
++ ContainerIdentifier O/1 ContainerTypeCodeSequence O/2 SpecimenDescriptionSequence O/1
RequestedProcedureID O/1 RequestedProcedureDescription O/1C StudyInstanceUID O/1 StudyDate O/3 StudyTime O/3
RequestedProcedurePriority O/2 PatientTransportArrangements O/2 RequestedProcedureComments O/3
ReasonForTheRequestedProcedure O/3 RequestedProcedureLocation O/3 ConfidentialityCode O/3 ReportingPriority O/3
NamesOfIntendedRecipientsOfResults O/3 ReasonForRequestedProcedureCodeSequence O/3
RequestedProcedureCodeSequence O/1C
{_CODE}
ReferencedStudySequence O/2
{_REFERENCE}
AccessionNumber O/2 RequestingPhysician O/2 ReferringPhysicianName O/2 RequestingService O/3
ImagingServiceRequestComments O/3 IssueDateOfImagingServiceRequest O/3 IssueTimeOfImagingServiceRequest O/3
PlacerOrderNumberImagingServiceRequest O/3 FillerOrderNumberImagingServiceRequest O/3 OrderEnteredBy O/3
OrderEntererLocation O/3 OrderCallbackPhoneNumber O/3 IssuerOfAccessionNumberSequence O/3
RequestingPhysicianIdentificationSequence O/3 ReferringPhysicianIdentificationSequence O/3
OrderPlacerIdentifierSequence O/3 OrderFillerIdentifierSequence O/3 RequestingServiceCodeSequence O/3
AdmissionID O/2 IssuerOfAdmissionIDSequence O/3 InstitutionName O/3 InstitutionAddress O/3
InstitutionalDepartmentName O/3 InstitutionCodeSequence O/3
ServiceEpisodeID O/3 ServiceEpisodeDescription O/3 CurrentPatientLocation O/2 PatientInstitutionResidence O/3
VisitComments O/3 VisitStatusID O/3 AdmittingDiagnosesDescription O/3 AdmittingDiagnosesCodeSequence O/3
AdmittingDate O/3 AdmittingTime O/3 RouteOfAdmissions O/3
ReferencedPatientSequence O/2
{_REFERENCE}
PatientName R/1 PatientID R/1 IssuerOfPatientID O/3 TypeOfPatientID O/3 OtherPatientIDsSequence O/3
IssuerOfPatientIDQualifiersSequence O/3 OtherPatientNames O/3 PatientAddress O/3 PatientTelephoneNumbers O/3
PatientBirthDate O/2 PatientBirthTime O/3 PatientSex O/2 PatientWeight O/2 PatientSize O/3 PatientAge O/3
ConfidentialityConstraintOnPatientDataDescription O/2 PatientPrimaryLanguageCodeSequence O/3
EthnicGroup O/3 PatientComments O/3 MilitaryRank O/3 Occupation O/3 PatientSpeciesDescription O/1C
PatientSpeciesCodeSequence O/1C PatientBreedDescription O/2C PatientBreedCodeSequence O/2C
BreedRegistrationSequence O/2C ResponsiblePerson O/2C ResponsiblePersonRole O/1C ResponsibleOrganization O/2C
PatientState O/2 PregnancyStatus O/2 MedicalAlerts O/2 Allergies O/2 SpecialNeeds O/2 LastMenstrualDate O/3
SmokingStatus O/3 AdditionalPatientHistory O/3 PertinentDocumentsSequence O/3 PertinentResourcesSequence O/3
PatientSexNeutered O/2C ReferencedPatientAliasSequence O/3
"""
"""Keyword, whether an SCP must match it (R, O), and its type in an answer; `+` is within the sequence above."""


@dataclass(frozen=True)
class Key:
    """A row of the table."""

    path: tuple[str, ...]
    """The keyword, after those of the sequences that it is in."""
    matching: str
    """`R` required, `O` optional, `-` no matching key."""
    returned: str
    """Its type in an answer: 1, 1C, 2, 2C or 3."""

    @property
    def keyword(self) -> str:
        """Its own keyword."""
        return self.path[-1]

    @property
    def vr(self) -> str:
        """The value representation of PS3.6."""
        return dictionary_VR(self.tag)

    @property
    def tag(self) -> str:
        """As in DICOM JSON."""
        return tag_of(self.keyword)


@cache
def tag_of(keyword: str) -> str:
    """The tag of a keyword as in DICOM JSON: `PatientID` -> `00100020`."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return f"{tag:08X}"


def _rows() -> Iterator[Key]:
    parents: list[str] = []
    for line in _TABLE.strip().splitlines():
        depth = len(line) - len(line.lstrip("+"))
        words = line.lstrip("+ ").split()
        parents = parents[:depth]
        for keyword, types in zip(words[::2], words[1::2], strict=True):
            matching, returned = types.split("/")
            yield Key((*parents, keyword), matching, returned)
        if dictionary_VR(tag_for_keyword(words[-2]) or 0) == "SQ":
            parents.append(words[-2])


KEYS: tuple[Key, ...] = tuple(_rows())
_KNOWN = frozenset(tuple(map(tag_of, key.path)) for key in KEYS)


def answer(keys: Json, item: Json) -> Json:
    """What is asked for by `keys` of a worklist item that matches them (K.2.2.1.2)."""
    return matching.answer(keys, item, known=_KNOWN.__contains__)


def unsupported(keys: Json, path: tuple[str, ...] = ()) -> bool:
    """Whether `keys` hold one that the table does not have (K.4.1.1.4, status FF01)."""
    return any(
        (*path, tag) not in _KNOWN
        or any(
            unsupported(item, (*path, tag))
            for item in key.get("Value", ())
            if key["vr"] == "SQ" and _is_open(path, tag)
        )
        for tag, key in keys.items()
    )


def _is_open(path: tuple[str, ...], tag: str) -> bool:
    """Whether the table says what is in this sequence."""
    return any(known[:-1] == (*path, tag) for known in _KNOWN)
