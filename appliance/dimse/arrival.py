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
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from appliance.dicom import peek
from appliance.dimse import command, inside
from appliance.dimse.caller import Caller
from appliance.dimse.inside import Inside
from appliance.dimse.request import Answerer, Context, Request
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
_MAX_WAITING = 16
"""Requests at a time: without agreement to more, a peer waits for each answer (PS3.7 D.3.3.3)."""
_MAX_QUEUED = 16
_LONGEST_FRAGMENT = 1 << 17
"""What is on its way to a peer is at most so much in so many PDUs, however slowly it reads."""
_PAUSE = 0.0005
_LOOK = 0.1
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


@dataclass
class _Asking:
    """A request that is not here as a whole yet."""

    context: Context
    command: command.Command
    answer: Answerer
    identifier: bytearray = field(default_factory=bytearray)


class Arrivals(DIMSEServiceProvider):
    """The message layer of one association."""

    def __init__(self, association: Association, spool: Spool, caller: Caller) -> None:
        super().__init__(association)
        self.caller = caller
        self.may_store = True
        """Whether what it stores is taken; others have storage contexts for what comes back to them."""
        self.tally = Tally()
        self.send_fragment: Callable[[int, bytes], None] = self._send_fragment
        """Sends one message fragment with its control header; another may be put in its place."""
        self._spool = spool
        self._command = bytearray()
        self._identifier = 0
        self._coming: _Store | None = None
        self._broken = False
        self.answerers: Mapping[tuple[str, int], Answerer] = {}
        """Who answers requests by abstract syntax and Command Field; pynetdicom has the others."""
        self.agreed: Mapping[str, bytes] = {}
        """The outcome of extended negotiation by SOP class."""
        self.serving = False
        """Whether the association's thread is answering a request: then there is something to send at any moment."""
        self.send_values: Callable[[list[tuple[int, bytes]]], None] | None = None
        """Sends fragments at once, in one PDU, from the association's thread; without it they are queued.

        The network thread has then nothing to do but to read.
        """
        self._serving_ours = False
        self._inside = Inside(association)
        self._asking: _Asking | None = None
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self._outcomes: queue.Queue[tuple[int, int]] = queue.Queue()
        self._finder = peek.Finder()
        self._syntaxes: dict[int, str] = {}

    @property
    def busy(self) -> bool:
        """Whether an instance is arriving, or waits for its answer."""
        return self._coming is not None

    def takes_part(self, context_id: int) -> bool:
        """Whether `take_part` is for a fragment of this presentation context."""
        return self._coming is not None and self._coming.context_id == context_id

    @property
    def reading_alone(self) -> bool:
        """Whether the network thread may wait for the peer while a request is answered."""
        return self.serving and self.send_values is not None and self._serving_ours

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

    def break_off(self, what: str) -> None:
        """The peer broke the protocol: pynetdicom aborts."""
        log.warning("%s broke the protocol: %s", self.caller, what)
        self._broken = True
        self.dul.event_queue.put(_INVALID_PDU)

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

    def _is_ours(self, context_id: int, asked: command.Command) -> bool:
        """Take a message that belongs to what we answer ourselves."""
        if asked.field == command.C_CANCEL_RQ and asked.responds_to in self._open:
            self._cancelled.add(asked.responds_to)
            return True
        context = self._contexts().get(context_id)
        if asked.field == command.N_EVENT_REPORT_RSP or (asked.field == command.C_STORE_RSP and self._open):
            self._outcomes.put((asked.responds_to, asked.status))
            if asked.has_data_set and context is not None:
                self._asking = _Asking(context, asked, _ignore)
            return True
        answer = self.answerers.get((context.abstract_syntax, asked.field)) if context else None
        if context is None or answer is None:
            return False
        if len(self._open) >= _MAX_WAITING or asked.message_id in self._open:
            self.break_off("more requests at a time than were agreed on")
            return True
        self._open.add(asked.message_id)
        self._asking = _Asking(context, asked, answer)
        if not asked.has_data_set:
            self._take_asked(self._asking, memoryview(b""), last=True)
        return True

    def _take_asked(self, asking: _Asking, value: memoryview, *, last: bool) -> None:
        asking.identifier += value
        if len(asking.identifier) > _MAX_IDENTIFIER:
            self.break_off("an identifier without end")
        elif last:
            self._asking = None
            # `get_msg` takes it out again.
            self.msg_queue.put((asking.context.id, asking))  # type: ignore[arg-type]

    def get_msg(self, block: bool = False) -> Any:
        """The next message for pynetdicom; the association's thread answers ours first."""
        if not block:
            self._rest()
        context_id, message = super().get_msg(block)
        self.serving = message is not None
        if not isinstance(message, _Asking):
            return context_id, message
        self._serve(message)
        return None, None

    def _rest(self) -> None:
        """A request is answered. The peer had nothing to say meanwhile: its silence counts from now on."""
        if self.serving:
            self._inside.restart_idle_timer()
            self.serving = False

    def _serve(self, asking: _Asking) -> None:
        request = self._request(asking)
        self._serving_ours = True
        try:
            asking.answer(request)
        except ConnectionError as fault:
            log.info("%s: a request was left unanswered: %s", self.caller, fault)
        except Exception:  # the outermost loop of a request: the peer is told, and the next association served
            log.exception("%s: a request failed by a fault of ours", self.caller)
            self.assoc.abort()
        finally:
            self._serving_ours = False
            self._open.discard(asking.command.message_id)
            self._cancelled.discard(asking.command.message_id)

    def _request(self, asking: _Asking) -> Request:
        abstract = asking.context.abstract_syntax
        to_store = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0])): context.context_id or 0
            for context in self.assoc.accepted_contexts
            if context.as_scu
        }
        agreed = self.agreed.get(abstract, b"")
        return Request(asking.context, asking.command, bytes(asking.identifier), self.caller, self, agreed, to_store)

    def settle(self, message_id: int) -> None:
        """A request is answered for good, though its answerer goes on: the peer may use its number again."""
        self._open.discard(message_id)

    def is_cancelled(self, message_id: int) -> bool:
        """Whether a C-CANCEL came for an open request."""
        return message_id in self._cancelled

    def post(self, context_id: int, command_set: bytes, data: BinaryIO | None = None) -> None:
        """Send a message. Raises ConnectionError when the peer has gone, OSError where `data` cannot be read."""
        most = min(self.maximum_pdu_size or _NO_LIMIT, _LONGEST_FRAGMENT) - _PDV_HEAD & ~1
        waiting: list[tuple[int, bytes]] = []
        room = most
        for fragment in _fragments(command_set, data, most):
            if waiting and len(fragment) + _PDV_HEAD > room:
                self._enqueue(waiting)
                waiting, room = [], most
            waiting.append((context_id, fragment))
            room -= len(fragment) + _PDV_HEAD
        self._enqueue(waiting)

    def _enqueue(self, values: list[tuple[int, bytes]]) -> None:
        gone = self._broken or self._inside.gone
        while not gone and self.send_values is None and self._inside.queued >= _MAX_QUEUED:
            time.sleep(_PAUSE)
            gone = self._broken or self._inside.gone
        if gone:
            raise ConnectionAbortedError("the peer has gone")
        if self.send_values is not None:
            self.send_values(values)
            return
        primitive = P_DATA()
        primitive.presentation_data_value_list.extend(values)
        self.dul.send_pdu(primitive)

    @property
    def wanted(self) -> bool:
        """Whether the peer wants something else than it is being served with: an answer, or to hang up."""
        return bool(self._broken or self._inside.gone or self.msg_queue.queue or self.dul.to_user_queue.queue)

    def outcome(self, message_id: int) -> int:
        """Wait for the status of a C-STORE or N-EVENT-REPORT.

        Raises ConnectionError when the peer goes or hangs up, or is silent for too long.
        """
        end = time.monotonic() + (self.dimse_timeout or _NO_LIMIT)
        while not (self._broken or self._inside.gone or self.dul.to_user_queue.queue):
            try:
                answered, status = self._outcomes.get(timeout=_LOOK)
            except queue.Empty:
                if time.monotonic() > end:
                    self.assoc.abort()
                    raise ConnectionAbortedError("an instance was sent and never answered") from None
                continue
            if answered == message_id:
                return status
        raise ConnectionAbortedError("the peer has gone")

    def _contexts(self) -> dict[int, Context]:
        return {
            context.context_id or 0: Context(
                context.context_id or 0, str(context.abstract_syntax), str(context.transfer_syntax[0])
            )
            for context in self.assoc.accepted_contexts
        }

    def _incoming(self, asked: command.Command, syntax: str) -> Incoming:
        announced = Announced(asked.sop_class_uid, asked.sop_instance_uid, syntax)
        return Incoming(self._spool, announced, self.caller, self._finder, may_store=self.may_store)

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
        inside.allow_silence(self.assoc, self.assoc.network_timeout)

    def _send(self, context_id: int, response: bytes) -> None:
        most = (self.maximum_pdu_size or _NO_LIMIT) - _PDV_HEAD
        for at in range(0, len(response), most):
            control = COMMAND | (LAST if at + most >= len(response) else 0)
            self.send_fragment(context_id, bytes((control,)) + response[at : at + most])

    def _send_fragment(self, context_id: int, value: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        self.dul.send_pdu(primitive)


def _ignore(_request: Request) -> None:
    """An N-EVENT-REPORT may be answered with a data set that says nothing new."""


def _fragments(command_set: bytes, data: BinaryIO | None, most: int) -> Iterator[bytes]:
    """A message in fragments with their control headers (PS3.8 E.2), none with more than `most` bytes of it."""
    for at in range(0, len(command_set), most):
        last = LAST if at + most >= len(command_set) else 0
        yield bytes((COMMAND | last,)) + command_set[at : at + most]
    if data is None:
        return
    fragment = data.read(most)
    while following := data.read(most):
        yield b"\0" + fragment
        fragment = following
    # A deflated data set may have an odd length in its file, but not in a message (PS3.5 A.5).
    yield bytes((LAST,)) + fragment + b"\0" * (len(fragment) % 2)
