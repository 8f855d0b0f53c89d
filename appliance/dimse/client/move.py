"""C-MOVE of a study from a peer to ourselves (PS3.4 C.4.2): it comes in by our own receiver, as any other."""

from __future__ import annotations

from collections.abc import Callable

from appliance.dicom.repertoire import ANY
from appliance.dicom.write import writer
from appliance.dimse import identifier, models
from appliance.dimse.client.association import Limits, comment, number_of, status
from appliance.dimse.client.conversation import Conversation
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.peers.faults import Fault, PeerError
from appliance.priors import words
from appliance.priors.progress import Progress
from appliance.storage.rows import Peer

_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_MODELS = [models.MODELS[1], models.MODELS[0]]
_C_MOVE = 0x0021
_MEDIUM = 0x0000
_PENDING = (0xFF00, 0xFF01)
_CANCELLED = 0xFE00
_HANG_UPS = frozenset((Fault.ABORTED, Fault.LOST))
_STUDY, _PATIENT = 0x0020000D, 0x00100020


def move(
    peer: Peer,
    study_instance_uid: str,
    patient_id: str,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
    *,
    ourselves: Ourselves,
    limits: Limits | None = None,
) -> Progress:
    """Let the peer send a study to us, telling by `report` how it goes, until it says that it has. Raises `PeerError`.

    `patient_id` is for peers that know no Study Root.
    """
    contexts = [Context(model.sop_class(models.MOVE), _SYNTAXES) for model in _MODELS]
    with Conversation(peer, ourselves, contexts, limits) as association:
        (sop_class, syntax), context = next(iter(association.accepted.items()), (("", ""), 0))
        if not context:
            raise PeerError(Fault.UNSUPPORTED, words.no_retrieval(peer.name, ourselves.title))
        keys = {identifier.LEVEL: ("CS", models.Level.STUDY.value), _STUDY: ("UI", study_instance_uid)}
        if models.model_of(sop_class) is models.MODELS[0]:
            keys[_PATIENT] = ("LO", patient_id)
        elements: dict[int, int | str] = {0x0002: sop_class, 0x0600: ourselves.title, 0x0700: _MEDIUM}
        number = association.begin(context, _C_MOVE, elements, writer(syntax).data_set(keys, ANY))
        asked = (context, number)
        answer = _last_answer(association, asked, report, stopped, peer_name=peer.name, our_title=ourselves.title)
        return _ended(peer, ourselves.title, answer)


def _last_answer(
    association: Conversation,
    asked: tuple[int, int],
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
    *,
    peer_name: str,
    our_title: str,
) -> dict[int, bytes]:
    """To the request `asked`, by its context and number."""
    cancelled = told = False
    while True:
        if stopped() and not cancelled:
            cancelled = True
            association.cancel(*asked)
        try:
            answer = association.hear_next().command
        except PeerError as fault:
            if told or fault.fault not in _HANG_UPS:
                raise
            # Orthanc does so to whom it does not know.
            raise PeerError(fault.fault, words.move_broken_off(peer_name, our_title)) from fault
        if status(answer) not in _PENDING:
            return answer
        told = True
        report(_progress(answer))


def _progress(answer: dict[int, bytes]) -> Progress:
    remaining, completed, failed, warned = (max(number_of(answer, n, 0), 0) for n in range(0x1020, 0x1024))
    return Progress(completed + warned, failed, remaining)


def _ended(peer: Peer, our_title: str, answer: dict[int, bytes]) -> Progress:
    code, found = status(answer), _progress(answer)
    if code == 0xA801:
        raise PeerError(Fault.REFUSED, words.does_not_know_us(peer.name, our_title))
    if not found.arrived and code not in (0, _CANCELLED):
        raise PeerError(Fault.FAILED, words.move_failed(peer.name, our_title, code, comment(answer)))
    return Progress(found.arrived, found.failed, found.remaining if code == _CANCELLED else 0)
