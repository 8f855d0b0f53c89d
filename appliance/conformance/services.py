"""DIMSE services: what is answered, what is asked of others, in which transfer syntaxes, by whom, with which status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from pydicom._uid_dict import UID_dictionary  # the only list of all UIDs
from pydicom.uid import UID

from appliance.commitment.messages import SOP_CLASS as COMMITMENT
from appliance.commitment.messages import Failure
from appliance.conformance.tables import name, table, yes
from appliance.dicom.media_types import SYNTAXES
from appliance.dimse import commitment, contexts, echo, models
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.storage.rows import Right

_STORAGE = "Storage: all SOP classes of annex A, and private ones"
_STUDY_ROOT, _PATIENT_ROOT = models.MODELS[1], models.MODELS[0]
CALLED: tuple[str, ...] = (
    echo.SOP_CLASS,
    *(model.sop_class(models.FIND) for model in (_STUDY_ROOT, _PATIENT_ROOT)),
    *(model.sop_class(models.MOVE) for model in (_STUDY_ROOT, _PATIENT_ROOT)),
    _STUDY_ROOT.sop_class(models.GET),
    COMMITMENT,
)
"""The SOP classes that we ask peers for, beside storage."""
_COMMANDS = {
    0x0010: "C-GET",
    0x0020: "C-FIND",
    0x0021: "C-MOVE",
    0x0100: "N-EVENT-REPORT",
    0x0110: "N-GET",
    0x0120: "N-SET",
    0x0130: "N-ACTION",
    0x0140: "N-CREATE",
}
_NEGOTIATED = (
    "relational queries",
    "combined date and time matching",
    "fuzzy semantic matching of person names",
    "timezone query adjustment",
    "enhanced multi-frame image conversion",
    "empty value matching",
    "multiple value matching",
)
"""The bytes of the extended negotiation of queries (PS3.4 C.5.1.1)."""


def overview(services: Sequence[Service]) -> str:
    """Which SOP classes in which role."""
    answered = [echo.SOP_CLASS, *(uid for service in services for uid in service.sop_classes)]
    rows = [(name(uid), uid, yes(uid in CALLED), yes(uid in answered)) for uid in dict.fromkeys((*answered, *CALLED))]
    rows.insert(1, (_STORAGE, "see annex A", "yes", "yes"))
    return table(("SOP class", "UID", "SCU", "SCP"), rows)


def messages(services: Sequence[Service]) -> str:
    """What each service answers, and the right that a caller needs."""
    rows = [("Verification", "C-ECHO", Right.ECHO.value), ("Storage", "C-STORE", Right.STORE.value)]
    rows += [(_called(service), ", ".join(_commands(service)), service.right) for service in services]
    return table(("service", "requests that are answered", "right of the caller"), rows)


def _called(service: Service) -> str:
    return ", ".join(name(uid) for uid in service.sop_classes)


def _commands(service: Service) -> list[str]:
    return sorted(_COMMANDS[field] for field in service.answers)


def negotiation(services: Sequence[Service]) -> str:
    """What is agreed on by SOP Class Extended Negotiation."""
    rows = [
        (byte, what, ", ".join(name(uid) for s in services if _does(s, byte) for uid in s.sop_classes) or "-")
        for byte, what in enumerate(_NEGOTIATED, 1)
    ]
    return table(("byte", "option", "agreed on for"), rows)


def _does(service: Service, byte: int) -> bool:
    return service.able[byte - 1 : byte] == b"\1"


def transfer_syntaxes(services: Sequence[Service]) -> str:
    """Of messages that carry no images; those of images are in a table of their own."""
    rows = [("Verification", _named(echo.TRANSFER_SYNTAXES))]
    rows += [(_called(service), _named(service.transfer_syntaxes)) for service in services]
    return table(("SOP classes", "transfer syntaxes, best first"), rows)


def _named(uids: Sequence[str]) -> str:
    return ", ".join(f"{UID(uid).name} ({uid})" for uid in uids)


def storage_transfer_syntaxes() -> str:
    """Those of images."""
    return table(
        ("transfer syntax", "UID"), [(name(uid), uid) for uid in _by_number(UID_dictionary) if contexts.is_known(uid)]
    )


def pixel_data() -> str:
    """Those that have a media type of their own in DICOMweb, by it."""
    return table(("media type", "transfer syntaxes"), [(kind, _named(uids)) for kind, uids in SYNTAXES.items()])


def storage_sop_classes() -> str:
    """Annex A."""
    known = (uid for uid in _by_number(UID_dictionary) if UID(uid).type == "SOP Class" and contexts.is_storage(uid))
    return table(("SOP class", "UID"), [(name(uid), uid) for uid in known])


def _by_number(uids: dict[str, tuple[str, str, str, str, str]]) -> list[str]:
    return sorted(uids, key=lambda uid: [int(part) for part in uid.split(".")])


def statuses() -> str:
    """Every status that we answer with."""
    return table(("status", "meaning"), sorted(set(_meanings(Status, commitment.Status))))


def failures() -> str:
    """Every reason for which a storage commitment is refused."""
    return table(("failure reason", "meaning"), _meanings(Failure))


def _meanings(*enums: type[IntEnum]) -> Iterator[tuple[str, str]]:
    for enum in enums:
        for status in enum:
            yield (
                f"{status.value:04X}H",
                status.name.replace("_", " ").capitalize().replace("sop", "SOP").replace("Sop", "SOP"),
            )
