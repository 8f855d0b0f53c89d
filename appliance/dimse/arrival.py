"""How the bytes of a C-STORE arrive: straight from the network into the spool, fragment by fragment.

pynetdicom gathers a message in memory, or in a temporary file that a full disk makes it abort on. Here its
message layer is left to all other services, and C-STORE is taken out of it: the data set goes where
`store.Incoming` puts it. All of this happens in the thread that reads the network, also the answer.

```
command -> Incoming -> write each fragment -> the last one: finish -> response
   |-> a request that we answer ourselves: gathered -> the association's thread -> `Request`
   `-> another service's: to pynetdicom
```
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pynetdicom.association import Association
from pynetdicom.pdu_primitives import P_DATA

from appliance.dicom import peek
from appliance.dimse import command, inside
from appliance.dimse.caller import Caller
from appliance.dimse.dialogue import COMMAND, LAST, MAX_IDENTIFIER, NO_LIMIT, PDV_HEAD, Dialogue
from appliance.dimse.status import Status
from appliance.dimse.store import Announced, Answer, Incoming
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

_MAX_COMMAND = 1 << 16


@dataclass
class Tally:
    """What came over an association."""

    stored: int = 0
    refused: int = 0
    size: int = 0
    study: str = ""
    """Of all that was stored; empty when it was of several."""
    refusal: int = 0
    """The status of what was refused last."""

    def add(self, answer: Answer) -> None:
        """An instance was answered."""
        if answer.status is Status.SUCCESS:
            self.study = answer.study_instance_uid if not self.stored or answer.study_instance_uid == self.study else ""
            self.stored += 1
            self.size += answer.size
        else:
            self.refused += 1
            self.refusal = answer.status


@dataclass(frozen=True)
class _Store:
    """A C-STORE that is not answered yet."""

    context_id: int
    command: command.Command
    incoming: Incoming


class Arrivals(Dialogue):
    """The message layer of one association."""

    def __init__(self, association: Association, spool: Spool, caller: Caller) -> None:
        super().__init__(association, caller)
        self.may_store = True
        """Whether what it stores is taken; others have storage contexts for what comes back to them."""
        self.stored_anyway: Callable[[], object] = lambda: None
        """Told the first time that such another one stores."""
        self.tally = Tally()
        self.send_fragment: Callable[[int, bytes], None] = self._send_fragment
        """Sends one message fragment with its control header; another may be put in its place."""
        self._spool = spool
        self._command = bytearray()
        self._identifier = 0
        self._coming: _Store | None = None
        self._finder = peek.Finder()
        self._syntaxes: dict[int, str] = {}

    @property
    def busy(self) -> bool:
        """Whether an instance is arriving, or waits for its answer."""
        return self._coming is not None

    def takes_part(self, context_id: int) -> bool:
        """Whether `take_part` is for a fragment of this presentation context."""
        return self._coming is not None and self._coming.context_id == context_id

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
        elif context_id != self._awaited(context_id):
            self.break_off("a data set on another presentation context than its command's")
        elif self._coming is not None:
            self.take_part(value, last=bool(control & LAST))
        elif self._asking is not None:
            self._take_asked(self._asking, value, last=bool(control & LAST))
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

    def _awaited(self, otherwise: int) -> int:
        """The presentation context of the data set that is due."""
        if self._coming is not None:
            return self._coming.context_id
        return self._asking.context.id if self._asking is not None else otherwise

    def _take_command(self, context_id: int, control: int, value: memoryview) -> None:
        self._command += value
        if self._coming is not None or self._asking is not None or len(self._command) > _MAX_COMMAND:
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
            if self._is_ours(context_id, asked):
                return
            self._identifier = 0
            self._hand_on(context_id, bytes((COMMAND | LAST,)) + data)
            return
        syntax = self._transfer_syntax(context_id)
        if not syntax:
            self.break_off(f"presentation context {context_id}, which was not accepted")
            return
        self._coming = _Store(context_id, asked, self._incoming(asked, syntax))
        inside.allow_silence(self.assoc, self.assoc.dimse_timeout)
        if not asked.has_data_set:
            self._answer(self._coming)

    def _incoming(self, asked: command.Command, syntax: str) -> Incoming:
        announced = Announced(asked.sop_class_uid, asked.sop_instance_uid, syntax)
        return Incoming(self._spool, announced, self.caller, self._finder, may_store=self.may_store)

    def _take_identifier(self, context_id: int, control: int, value: memoryview) -> None:
        """A data set that is not a C-STORE's: pynetdicom keeps it in memory."""
        self._identifier += len(value)
        if self.message is None or self._identifier > MAX_IDENTIFIER:
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
        self.tally.add(answer)
        if answer.status is not Status.SUCCESS:
            if not self.may_store and self.tally.refused == 1:
                self.stored_anyway()
            log.warning("%s: an instance was refused (0x%04X): %s", self.caller, answer.status, answer.reason)
        self._send(store.context_id, command.store_response(store.command, answer.status, answer.reason))
        self._coming = None
        inside.allow_silence(self.assoc, self.assoc.network_timeout)

    def _send(self, context_id: int, response: bytes) -> None:
        most = (self.maximum_pdu_size or NO_LIMIT) - PDV_HEAD
        for at in range(0, len(response), most):
            control = COMMAND | (LAST if at + most >= len(response) else 0)
            self.send_fragment(context_id, bytes((control,)) + response[at : at + most])

    def _send_fragment(self, context_id: int, value: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        self.dul.send_pdu(primitive)
