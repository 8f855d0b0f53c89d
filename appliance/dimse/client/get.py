"""C-GET of a study from a peer (PS3.4 C.4.3): its instances come back on the association that we asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.dicom import peek
from appliance.dicom.repertoire import ANY
from appliance.dicom.write import writer
from appliance.dimse import identifier, models
from appliance.dimse.caller import Caller
from appliance.dimse.client.association import Limits, comment, number_of, status
from appliance.dimse.client.conversation import Conversation, Heard
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.dimse.status import Status
from appliance.dimse.store import Announced, Incoming
from appliance.peers.faults import Fault, PeerError
from appliance.priors import words
from appliance.priors.progress import Progress
from appliance.spool.spool import Spool
from appliance.storage.rows import Peer

_MODEL = models.MODELS[1]
_UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_COMPRESSED = tuple(
    f"1.2.840.10008.1.2.{kind}" for kind in "4.90 4.70 4.80 5 4.57 4.201 4.91 4.50 4.51 4.81 4.203 4.102 4.103".split()
)
"""In a context each, so that the peer sends what it has as it has it."""
_COMMON = tuple(
    f"1.2.840.10008.5.1.4.1.1.{kind}"
    for kind in (
        "2 4 1 1.1 6.1 7 128 20 3.1 12.1 12.2 1.2 2.1 4.1 4.3 2.2 6.2 7.1 7.2 7.3 7.4 13.1.3 1.3 1.1.1 1.2.1 1.3.1"
        " 12.1.1 12.2.1 13.1.1 13.1.2 130 128.1 4.2 66 66.1 66.2 66.3 66.4 66.5 67 11.1 11.2 30"
        " 88.11 88.22 88.33 88.34 88.50 88.59 88.65 88.67 104.1 104.2 104.3 481.1 481.2 481.3 481.5"
        " 77.1.1 77.1.1.1 77.1.2 77.1.4 77.1.4.1 77.1.5.1 77.1.5.4 77.1.6 9.1.1 9.1.2 9.2.1"
    ).split()
)
"""Storage classes for a peer that doesn't say which ones a study has."""
_MOST_CONTEXTS = 128
_C_STORE, _C_GET = 0x0001, 0x0010
_MEDIUM = 0x0000
_PENDING = (0xFF00, 0xFF01)
_STUDY = 0x0020000D


def get(
    peer: Peer,
    study_instance_uid: str,
    sop_classes: Sequence[str],
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
    *,
    ourselves: Ourselves,
    spool: Spool,
    limits: Limits | None = None,
) -> Progress | None:
    """Fetch a study whose instances are of `sop_classes`, any if empty, into `spool`; `report` tells how it goes.

    Gives how it ended, which may be early when `stopped`; None when the peer has no C-GET. Raises `PeerError`.
    """
    with Conversation(peer, ourselves, _contexts(sop_classes), limits) as association:
        asked = _accepted(association)
        if asked is None:
            return None
        return _Errand(association, peer, ourselves, spool, report).run(asked, study_instance_uid, stopped)


def _contexts(sop_classes: Sequence[str]) -> list[Context]:
    """As many ways for each class as there is room for."""
    ways = [(syntax,) for syntax in _COMPRESSED] if sop_classes else [_COMPRESSED]
    sop_classes = sop_classes or _COMMON
    contexts = [Context(_MODEL.sop_class(models.GET), _UNCOMPRESSED)]
    contexts += [Context(sop_class, _UNCOMPRESSED, serves=True) for sop_class in sop_classes]
    for way in ways:
        contexts += [Context(sop_class, way, serves=True) for sop_class in sop_classes]
    return contexts[:_MOST_CONTEXTS]


def _accepted(association: Conversation) -> tuple[int, str] | None:
    """Context and transfer syntax for asking."""
    for (sop_class, syntax), context in association.accepted.items():
        if sop_class == _MODEL.sop_class(models.GET):
            return context, syntax
    return None


class _Errand:
    """One C-GET."""

    def __init__(
        self,
        association: Conversation,
        peer: Peer,
        ourselves: Ourselves,
        spool: Spool,
        report: Callable[[Progress], None],
    ) -> None:
        self._association = association
        self._peer = peer
        self._caller = Caller(peer.host, peer.ae_title, ourselves.title)
        self._spool = spool
        self._report = report
        self._finder = peek.Finder()
        self._incoming: Incoming | None = None
        self._kept = 0
        self._refused = 0
        self._why = ""

    def run(self, asked: tuple[int, str], study_instance_uid: str, stopped: Callable[[], bool]) -> Progress:
        """Ask, take what comes, until the final answer."""
        context, syntax = asked
        keys = {identifier.LEVEL: ("CS", models.Level.STUDY.value), _STUDY: ("UI", study_instance_uid)}
        elements: dict[int, int | str] = {0x0002: _MODEL.sop_class(models.GET), 0x0700: _MEDIUM}
        number = self._association.begin(context, _C_GET, elements, writer(syntax).data_set(keys, ANY))
        cancelled = False
        try:
            while True:
                if stopped() and not cancelled:
                    cancelled = True
                    self._association.cancel(context, number)
                heard = self._association.hear_next(self._sink)
                if number_of(heard.command, 0x0100) == _C_STORE:
                    self._take(heard)
                elif status(heard.command) not in _PENDING:
                    return self._ended(heard, cancelled=cancelled)
                self._report(self._progress(heard.command))
        finally:
            if self._incoming is not None:
                self._incoming.discard()

    def _sink(self, context: int, command: dict[int, bytes]) -> Incoming | None:
        if number_of(command, 0x0100) != _C_STORE:
            return None
        sop_class, sop_instance = (_text(command, number) for number in (0x0002, 0x1000))
        announced = Announced(sop_class, sop_instance, self._association.syntax_of(context)[1])
        self._incoming = Incoming(self._spool, announced, self._caller, self._finder, via="C-GET")
        return self._incoming

    def _take(self, heard: Heard) -> None:
        """An instance is here: its peer is told what we told ourselves."""
        incoming, self._incoming = self._incoming, None
        assert incoming is not None
        answer = incoming.finish()
        if answer.status is Status.SUCCESS:
            self._kept += 1
        else:
            self._refused += 1
            self._why = answer.reason
        sop_class, sop_instance = (_text(heard.command, number) for number in (0x0002, 0x1000))
        self._association.answer(heard, {0x0002: sop_class, 0x0900: int(answer.status), 0x1000: sop_instance})

    def _progress(self, command: dict[int, bytes]) -> Progress:
        remaining, failed = (max(number_of(command, number, 0), 0) for number in (0x1020, 0x1022))
        return Progress(self._kept, max(failed, self._refused), remaining)

    def _ended(self, heard: Heard, *, cancelled: bool) -> Progress:
        code = status(heard.command)
        found = self._progress(heard.command)
        if self._kept == 0 and code not in (0, 0xFE00):
            said = self._why or comment(heard.command)
            raise PeerError(Fault.FAILED, words.fetch_failed(self._peer.name, code, said))
        return Progress(found.arrived, found.failed, found.remaining if cancelled else 0, self._why)


def _text(command: dict[int, bytes], number: int) -> str:
    return command.get(number, b"").decode("ascii", "replace").strip("\0 ")
