"""How the bytes of a C-STORE arrive: straight from the network into the spool, fragment by fragment.

pynetdicom gathers a message in memory, or in a temporary file that a full disk makes it abort on. Here its
message layer is left to all other services, and C-STORE is taken out of it: the data set goes where
`store.Incoming` puts it. All of this happens in the thread that reads the network, also the answer.

```
command -> Incoming -> write each fragment -> the last one: finish -> response
   `-> another service's: to pynetdicom
```
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from appliance.dicom import peek
from appliance.dimse import command
from appliance.dimse.caller import Caller
from appliance.dimse.status import Status
from appliance.dimse.store import Announced, Incoming
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

COMMAND = 0x01
LAST = 0x02
"""Bits of the message control header (PS3.8 annex E.2)."""
_MAX_COMMAND = 1 << 16
_MAX_IDENTIFIER = 1 << 24
"""No honest command, nor data set of a query, is longer; these are held in memory."""
_MIN_PDU = 128
_NO_LIMIT = 1 << 32
_PDV_HEAD = 6
"""Bytes of a PDU's length that are not the message's: length, context ID, control header."""
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
    """A C-STORE that is not answered yet."""

    context_id: int
    command: command.Command
    incoming: Incoming


class Arrivals(DIMSEServiceProvider):
    """The message layer of one association."""

    def __init__(self, association: Association, spool: Spool, caller: Caller) -> None:
        super().__init__(association)
        self.caller = caller
        self.tally = Tally()
        self.send_fragment: Callable[[int, bytes], None] = self._send_fragment
        """Sends one message fragment with its control header; another may be put in its place."""
        self._spool = spool
        self._command = bytearray()
        self._identifier = 0
        self._coming: _Store | None = None
        self._broken = False
        self._finder = peek.Finder()
        self._syntaxes: dict[int, str] = {}

    @property
    def busy(self) -> bool:
        """Whether an instance is arriving, or waits for its answer."""
        return self._coming is not None

    @property
    def broken(self) -> bool:
        """Whether the peer broke the protocol: nothing more of it is taken."""
        return self._broken

    @property
    def maximum_pdu_size(self) -> int:
        """What the peer takes; 0 without limit, as when it doesn't say."""
        size = super().maximum_pdu_size or 0
        return max(size, _MIN_PDU) if size else 0

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take in one P-DATA that pynetdicom has read."""
        for context_id, value in primitive.presentation_data_value_list:
            if not value:
                self.break_off("an empty fragment")
            elif not self._broken:
                self.take(context_id, value[0], memoryview(value)[1:])

    def take(self, context_id: int, control: int, value: memoryview) -> None:
        """Take in one whole fragment."""
        if control & COMMAND:
            self._take_command(context_id, control, value)
        elif self._coming is not None:
            self.take_part(value, last=bool(control & LAST))
        else:
            self._take_identifier(context_id, control, value)

    def take_part(self, value: memoryview, *, last: bool) -> None:
        """Take in a part of the data set while `busy`; `last` when it is its end."""
        store = self._coming
        assert store is not None
        store.incoming.write(value)
        if last:
            self._answer(store)

    def close(self) -> None:
        """The association has ended, and both threads with it: what was not answered is not kept."""
        if self._coming is not None:
            self._coming.incoming.discard()
            self._coming = None

    def break_off(self, what: str) -> None:
        """The peer broke the protocol: pynetdicom aborts."""
        log.warning("%s broke the protocol: %s", self.caller, what)
        self._broken = True
        self.dul.event_queue.put(_INVALID_PDU)

    def _take_command(self, context_id: int, control: int, value: memoryview) -> None:
        self._command += value
        if self._coming is not None or len(self._command) > _MAX_COMMAND:
            self.break_off("a command in the middle of a data set, or without end")
        elif control & LAST:
            data = bytes(self._command)
            self._command.clear()
            self._dispatch(context_id, data)

    def _dispatch(self, context_id: int, data: bytes) -> None:
        try:
            asked = command.decode(data)
        except ValueError as fault:
            self.break_off(str(fault))
            return
        if asked.field != command.C_STORE_RQ:
            self._identifier = 0
            self._hand_on(context_id, bytes((COMMAND | LAST,)) + data)
            return
        syntax = self._transfer_syntax(context_id)
        if not syntax:
            self.break_off(f"presentation context {context_id}, which was not accepted")
            return
        self._coming = _Store(context_id, asked, self._incoming(asked, syntax))
        if not asked.has_data_set:
            self._answer(self._coming)

    def _incoming(self, asked: command.Command, syntax: str) -> Incoming:
        announced = Announced(asked.sop_class_uid, asked.sop_instance_uid, syntax)
        return Incoming(self._spool, announced, self.caller, self._finder)

    def _take_identifier(self, context_id: int, control: int, value: memoryview) -> None:
        """A data set that is not a C-STORE's: pynetdicom keeps it in memory."""
        self._identifier += len(value)
        if self.message is None or self._identifier > _MAX_IDENTIFIER:
            self.break_off("a data set without command, or without end")
        else:
            self._hand_on(context_id, bytes((control,)) + value)

    def _hand_on(self, context_id: int, value: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        try:
            super().receive_primitive(primitive)
        except (LookupError, AttributeError, TypeError, ValueError) as fault:
            # An exception here would end the thread, and leave the peer without an answer.
            self.break_off(f"a message that is none: {fault}")

    def _transfer_syntax(self, context_id: int) -> str:
        if not self._syntaxes:
            self._syntaxes = {
                context.context_id or 0: str(context.transfer_syntax[0]) for context in self.assoc.accepted_contexts
            }
        return self._syntaxes.get(context_id, "")

    def _answer(self, store: _Store) -> None:
        answer = store.incoming.finish()
        if answer.status is Status.SUCCESS:
            self.tally.stored += 1
            self.tally.size += answer.size
        else:
            self.tally.refused += 1
            log.warning("%s: an instance was refused (0x%04X): %s", self.caller, answer.status, answer.reason)
        self._send(store.context_id, command.store_response(store.command, answer.status, answer.reason))
        self._coming = None

    def _send(self, context_id: int, response: bytes) -> None:
        most = (self.maximum_pdu_size or _NO_LIMIT) - _PDV_HEAD
        for at in range(0, len(response), most):
            control = COMMAND | (LAST if at + most >= len(response) else 0)
            self.send_fragment(context_id, bytes((control,)) + response[at : at + most])

    def _send_fragment(self, context_id: int, value: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        self.dul.send_pdu(primitive)
