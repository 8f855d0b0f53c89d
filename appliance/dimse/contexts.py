"""Which presentation contexts we accept, and with which transfer syntax (PS3.8 9.3.2.2, 9.3.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

from appliance.dicom.uid import is_valid
from appliance.dimse import echo
from appliance.dimse.service import Service

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_YIELD_TO_EXPLICIT = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.2"))
"""Implicit VR loses the VRs of private elements, and big endian is retired."""
_NOT_OF_INSTANCES = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.")
"""MIME and XML encapsulation, and SMPTE ST 2110 streams: no C-STORE carries them."""
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."


def accept(proposed: list[PresentationContext], services: Sequence[Service] = ()) -> list[PresentationContext]:
    """What we support of a request, one transfer syntax each; narrows `proposed` to our choices in place.

    pynetdicom negotiates with one order of transfer syntaxes for all contexts of an abstract syntax; we
    choose for each context, since senders propose the same class several times over.
    """
    # pynetdicom can't refuse a context that names no transfer syntax at all: it needs one to answer with.
    proposed[:] = [context for context in proposed if context.transfer_syntax]
    supported: dict[str, list[str]] = {echo.SOP_CLASS: list(echo.TRANSFER_SYNTAXES)}
    for service in services:
        supported.update((sop_class, list(service.transfer_syntaxes)) for sop_class in service.sop_classes)
    for context in proposed:
        abstract = str(context.abstract_syntax)
        if not is_storage(abstract):
            continue
        syntax = choose(context.transfer_syntax)
        if syntax is not None:
            context.transfer_syntax = [UID(syntax)]
        supported.setdefault(abstract, []).append(syntax or _EXPLICIT_LITTLE)
    return [build_context(abstract, syntaxes) for abstract, syntaxes in supported.items()]


def is_storage(sop_class_uid: str) -> bool:
    """Whether instances of this class are of a patient's study: every storage SOP class, retired ones too.

    A private class, or one that is newer than our dictionary, counts: nobody proposes those for anything
    else. Non-patient objects (PS3.4 annex GG) belong to no study, so they are not ours.
    """
    if not is_valid(sop_class_uid) or sop_class_uid == _MEDIA_DIRECTORY:
        return False
    service = uid_to_service_class(sop_class_uid)
    if service is not ServiceClass:
        return service is StorageServiceClass
    uid = UID(sop_class_uid)
    if not uid.type:
        return True
    name = uid.name.removesuffix(" - Trial").removesuffix(" SOP Class")
    return uid.type == "SOP Class" and (name.endswith("Storage") or uid.startswith(_STORAGE_ROOT))


def choose(transfer_syntaxes: Sequence[str]) -> str | None:
    """The first that we know, since senders put first what they have; None when we know none.

    Uncompressed data come as Explicit VR Little Endian where that is offered too.
    """
    known = [syntax for syntax in transfer_syntaxes if is_known(syntax)]
    if known and known[0] in _YIELD_TO_EXPLICIT and _EXPLICIT_LITTLE in known:
        return _EXPLICIT_LITTLE
    return known[0] if known else None


def is_known(transfer_syntax: str) -> bool:
    """Whether it is a transfer syntax of PS3.6 that instances are stored in; private ones are not."""
    if not is_valid(transfer_syntax) or transfer_syntax.startswith(_NOT_OF_INSTANCES):
        return False
    return bool(UID(transfer_syntax).is_transfer_syntax)
