"""How the bytes of a C-STORE arrive: straight from the network into the spool, fragment by fragment.

pynetdicom gathers a message in memory, or in a temporary file that a full disk makes it abort on. Here its
message layer is left to all other services, and C-STORE is taken out of it: the data set goes where
`store.Incoming` puts it, and the answer is given from the association's own thread.

```
network thread:      command -> Incoming -> write each fragment -> the last one: hand over
association thread:                                                 -> finish -> response
```
"""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider, _QueueItem
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA

from appliance.dicom.uid import is_valid
from appliance.dimse import command
from appliance.dimse.caller import Caller
from appliance.dimse.status import Status
from appliance.dimse.store import Announced, Incoming
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

_COMMAND = 0x01
_LAST = 0x02
"""Bits of the message control header (PS3.8 annex E.2)."""
_MAX_COMMAND = 1 << 16
_MAX_IDENTIFIER = 1 << 24
"""No honest command, nor data set of a query, is longer; these are held in memory."""
_MIN_PDU = 128
_MAX_COMMENT = 64
"""An Error Comment (0000,0902) is an LO."""
_INVALID_PDU = "Evt19"
"""The event of PS3.8 table 9-10 on which pynetdicom's state machine aborts."""


@dataclass
class Tally:
    """What came over an association."""

    stored: int = 0
    refused: int = 0
    size: int = 0


@dataclass(frozen=True)
class _Store:
    """A C-STORE whose answer is owed."""

    context_id: int
    command: command.Command
    incoming: Incoming


class Arrivals(DIMSEServiceProvider):
    """The message layer of one association."""

    def __init__(self, association: Association, spool: Spool, caller: Caller) -> None:
        super().__init__(association)
        self.caller = caller
        self.tally = Tally()
        self._spool = spool
        self._command = bytearray()
        self._identifier = 0
        self._coming: _Store | None = None
        self._come: queue.SimpleQueue[_Store] = queue.SimpleQueue()
        self._begun = 0
        self._answered = 0
        self._broken = False

    @property
    def busy(self) -> bool:
        """Whether an instance is arriving, or waits for its answer."""
        return self._begun > self._answered

    @property
    def maximum_pdu_size(self) -> int:
        """What the peer takes; 0 without limit, as when it doesn't say."""
        size = super().maximum_pdu_size or 0
        return max(size, _MIN_PDU) if size else 0

    def receive_primitive(self, primitive: P_DATA) -> None:
        """In the thread that reads the network: take in one P-DATA."""
        for context_id, value in primitive.presentation_data_value_list:
            if self._broken:
                return
            if not value:
                self._break_off("an empty fragment")
            elif value[0] & _COMMAND:
                self._take_command(context_id, value)
            elif self._coming is not None:
                self._take_data(self._coming, value)
            else:
                self._take_identifier(context_id, value)

    def get_msg(self, block: bool = False) -> _QueueItem:
        """In the association's thread: answer the C-STOREs that are here, then as pynetdicom."""
        while not self._come.empty():
            self._answer(self._come.get())
        return super().get_msg(block)

    def close(self) -> None:
        """The association has ended, and both threads with it: what was not answered is not kept."""
        left = [] if self._coming is None else [self._coming]
        while not self._come.empty():
            left.append(self._come.get())
        for store in left:
            store.incoming.discard()

    def _take_command(self, context_id: int, value: bytes) -> None:
        self._command += memoryview(value)[1:]
        if self._coming is not None or len(self._command) > _MAX_COMMAND:
            self._break_off("a command in the middle of a data set, or without end")
        elif value[0] & _LAST:
            data = bytes(self._command)
            self._command.clear()
            self._dispatch(context_id, data)

    def _dispatch(self, context_id: int, data: bytes) -> None:
        try:
            asked = command.decode(data)
        except ValueError as fault:
            self._break_off(str(fault))
            return
        if asked.field != command.C_STORE_RQ:
            self._identifier = 0
            self._hand_on(context_id, bytes((_COMMAND | _LAST,)) + data)
            return
        syntax = self._transfer_syntax(context_id)
        if not syntax:
            self._break_off(f"presentation context {context_id}, which was not accepted")
            return
        self._begin(_Store(context_id, asked, self._incoming(asked, syntax)))

    def _incoming(self, asked: command.Command, syntax: str) -> Incoming:
        announced = Announced(asked.sop_class_uid, asked.sop_instance_uid, syntax)
        return Incoming(self._spool, announced, self.caller)

    def _begin(self, store: _Store) -> None:
        self._begun += 1
        if store.command.has_data_set:
            self._coming = store
        else:
            self._come.put(store)

    def _take_data(self, store: _Store, value: bytes) -> None:
        store.incoming.write(memoryview(value)[1:])
        if value[0] & _LAST:
            self._coming = None
            self._come.put(store)

    def _take_identifier(self, context_id: int, value: bytes) -> None:
        """A data set that is not a C-STORE's: pynetdicom keeps it in memory."""
        self._identifier += len(value)
        if self.message is None or self._identifier > _MAX_IDENTIFIER:
            self._break_off("a data set without command, or without end")
        else:
            self._hand_on(context_id, value)

    def _hand_on(self, context_id: int, value: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        try:
            super().receive_primitive(primitive)
        except (LookupError, AttributeError, TypeError, ValueError) as fault:
            # An exception here would end the thread, and leave the peer without an answer.
            self._break_off(f"a message that is none: {fault}")

    def _transfer_syntax(self, context_id: int) -> str:
        for context in self.assoc.accepted_contexts:
            if context.context_id == context_id:
                return str(context.transfer_syntax[0])
        return ""

    def _break_off(self, what: str) -> None:
        log.warning("%s broke the protocol: %s", self.caller, what)
        self._broken = True
        self.dul.event_queue.put(_INVALID_PDU)

    def _answer(self, store: _Store) -> None:
        answer = store.incoming.finish()
        if answer.status is Status.SUCCESS:
            self.tally.stored += 1
            self.tally.size += answer.size
        else:
            self.tally.refused += 1
            log.warning("%s: an instance was refused (0x%04X): %s", self.caller, answer.status, answer.reason)
        self.send_msg(_response(store.command, answer.status, answer.reason), store.context_id)
        self._answered += 1


def _response(asked: command.Command, status: Status, reason: str) -> C_STORE:
    response = C_STORE()
    response.MessageIDBeingRespondedTo = asked.message_id
    # Both are optional in a response (PS3.7 table 9.1-1): what is no UID is not sent back.
    if is_valid(asked.sop_class_uid):
        response.AffectedSOPClassUID = asked.sop_class_uid
    if is_valid(asked.sop_instance_uid):
        response.AffectedSOPInstanceUID = asked.sop_instance_uid
    response.Status = int(status)
    if reason:
        response.ErrorComment = reason[:_MAX_COMMENT]  # type: ignore[assignment]
    return response
