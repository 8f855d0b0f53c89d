"""Which presentation contexts we accept, and with which transfer syntax (PS3.8 9.3.2.2, 9.3.3.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydicom.uid import UID
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

from appliance.dicom import reencode
from appliance.dicom.uid import is_valid
from appliance.dimse import echo
from appliance.dimse.service import Service
from appliance.storage.rows import Right

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_YIELD_TO_EXPLICIT = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.2"))
"""Implicit VR loses the VRs of private elements, and big endian is retired."""
_NOT_OF_INSTANCES = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.")
"""MIME and XML encapsulation, and SMPTE ST 2110 streams: no C-STORE carries them."""
_USER_REJECTION = 1
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."


def accept(
    proposed: list[PresentationContext],
    services: Sequence[Service] = (),
    *,
    forbidden: Collection[str] = (),
    preferred: Sequence[str] = (),
    returning: Collection[str] = (),
) -> list[PresentationContext]:
    """What we support of a request, one transfer syntax each; narrows `proposed` to our choices in place.

    pynetdicom negotiates with one order of transfer syntaxes for all contexts of an abstract syntax; we
    choose for each context, since senders propose the same class several times over. `forbidden` are abstract
    syntaxes that this caller may not use; `preferred` as for `choose`; of `returning` it takes instances from us.
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
        if abstract in returning:
            syntax = choose_for_sending(context.transfer_syntax)
        else:
            syntax = choose(context.transfer_syntax, preferred)
        if syntax is not None:
            context.transfer_syntax = [UID(syntax)]
        supported.setdefault(abstract, []).append(syntax or (preferred or (_EXPLICIT_LITTLE,))[0])
    found = [build_context(abstract, syntaxes) for abstract, syntaxes in supported.items() if abstract not in forbidden]
    for context in found:
        if context.abstract_syntax in returning:
            # Whatever roles the caller asks for (PS3.7 D.3.3.4): it may send on the same context too.
            context.scu_role = context.scp_role = True
    return found


def forbidden(
    proposed: Sequence[PresentationContext],
    services: Sequence[Service],
    rights: Collection[str],
    returning: Collection[str] = (),
) -> dict[str, str]:
    """The abstract syntaxes of a request that its caller may not use, each with the right that is missing.

    `returning`: those of which it offers to be the SCP, which is how images come back to it from a C-GET.
    """
    needed = {sop_class: service.right for service in services for sop_class in service.sop_classes}
    needed[echo.SOP_CLASS] = Right.ECHO.value
    missing: dict[str, str] = {}
    for context in proposed:
        abstract = str(context.abstract_syntax)
        right = needed.get(abstract) or (Right.STORE.value if is_storage(abstract) else "")
        may_return = right == Right.STORE and abstract in returning and Right.RETRIEVE in rights
        if right and right not in rights and not may_return:
            missing[abstract] = right
    return missing


def refuse_as_user(association: Association, forbidden: Collection[str]) -> None:
    """Have the contexts of `forbidden` answered with "user rejection" (PS3.8 table 9-18).

    pynetdicom knows no more of them than that they are not supported, which would send people looking for
    another fault.
    """
    send_accept = association.acse.send_accept

    def send() -> None:
        for context in association.rejected_contexts:
            if str(context.abstract_syntax) in forbidden:
                context.result = _USER_REJECTION
        send_accept()

    association.acse.send_accept = send  # type: ignore[method-assign]


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


def choose(transfer_syntaxes: Sequence[str], preferred: Sequence[str] = ()) -> str | None:
    """The first that we know, since senders put first what they have; None when we know none.

    Uncompressed data come as Explicit VR Little Endian where that is offered too. Where some are `preferred`,
    the best of them, and no others.
    """
    if preferred:
        return next((syntax for syntax in preferred if syntax in transfer_syntaxes), None)
    known = [syntax for syntax in transfer_syntaxes if is_known(syntax)]
    if known and known[0] in _YIELD_TO_EXPLICIT and _EXPLICIT_LITTLE in known:
        return _EXPLICIT_LITTLE
    return known[0] if known else None


def choose_for_sending(transfer_syntaxes: Sequence[str]) -> str | None:
    """What we send in: uncompressed where it is offered, which nearly all that we hold can be turned into.

    Who wants instances as they are stored offers each transfer syntax in a context of its own.
    """
    return next((syntax for syntax in reencode.TARGETS if syntax in transfer_syntaxes), choose(transfer_syntaxes))


def is_known(transfer_syntax: str) -> bool:
    """Whether it is a transfer syntax of PS3.6 that instances are stored in; private ones are not."""
    if not is_valid(transfer_syntax) or transfer_syntax.startswith(_NOT_OF_INSTANCES):
        return False
    return bool(UID(transfer_syntax).is_transfer_syntax)
