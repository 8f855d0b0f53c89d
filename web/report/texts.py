"""Every word of a report's page that is not the report's own; a translation is another file like this one."""

from __future__ import annotations

LANGUAGE = "en"

TITLE = "Report"
NO_CONTENT = "This report has no content."
CUT = "There is more in this report than is shown here. All of it is in the file itself, for doctors’ software."
LEFT_OUT = "(too long to be shown here)"
MORE = "…"
SEE = "see"
NAMELESS = "above"
ITEM = "Item"
IMAGE = "Image"
FRAMES = "frame {0}"
ELSEWHERE = "(not among these images)"
OBSERVED = "observed {0}"
VERIFIED_BY = "Verified by {0}"

LABELS = {
    "PatientName": "Patient",
    "PatientBirthDate": "Born",
    "PatientSex": "Sex",
    "PatientID": "Patient ID",
    "StudyDescription": "Examination",
    "StudyDate": "Date of examination",
    "AccessionNumber": "Accession number",
    "ReferringPhysicianName": "Referred by",
    "InstitutionName": "Institution",
    "Content": "Report of",
}
"""What stands beside the facts, in the order of reading."""

SEXES = {"F": "female", "M": "male", "O": "other"}
"""Of (0010,0040); what is missing here is shown as it is."""

STATES = {
    "PARTIAL": "Not complete",
    "COMPLETE": "Complete",
    "PRELIMINARY": "Preliminary",
    "FINAL": "Final",
    "UNVERIFIED": "Not verified",
    "VERIFIED": "Verified",
}
"""Of (0040,A491), (0040,A496) and (0040,A493)."""

OPEN_STATES = frozenset(("PARTIAL", "PRELIMINARY", "UNVERIFIED"))
"""What a reader must not overlook."""

RELATIONSHIPS = {"INFERRED FROM": "inferred from", "SELECTED FROM": "selected from"}
"""How an item belongs to the one above, where that is not plain (PS3.3 table C.17.3-8)."""
