"""The requests of an association that we answer ourselves, as `request` says; pynetdicom has the others.

```
command, identifier --network thread--> gathered --association's thread--> Request: post, outcome ... --> the next
                                                                             '-> the peer has gone: ConnectionError
```
On a plain connection the association's thread sends by itself. With TLS, of which one thread at a time may read or
write, PDUs are queued for the network thread, never more than a few, however slowly the peer reads.
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

from appliance.dimse import command
from appliance.dimse.caller import Caller
from appliance.dimse.inside import Inside
from appliance.dimse.request import Answerer, Context, Request

log = logging.getLogger(__name__)

COMMAND = 0x01
LAST = 0x02
"""Bits of the message control header (PS3.8 annex E.2)."""
MAX_IDENTIFIER = 1 << 24
"""No honest command, nor data set of a query, is longer; these are held in memory."""
_MAX_KEYS = 1 << 20
"""Nor one of a query or retrieval, which anybody may be let to ask: reading takes many times as much."""
_KEYS_ONLY = frozenset((command.C_FIND_RQ, command.C_GET_RQ, command.C_MOVE_RQ))
_MIN_PDU = 128
NO_LIMIT = 1 << 32
_MAX_WAITING = 16
"""Requests at a time: without agreement to more, a peer waits for each answer (PS3.7 D.3.3.3)."""
_MAX_QUEUED = 16
_LONGEST_FRAGMENT = 1 << 17
"""What is on its way to a peer is at most so much in so many PDUs, however slowly it reads."""
_PAUSE = 0.0005
_LOOK = 0.1
PDV_HEAD = 6
"""Bytes of a PDU's length that are not the message's: length, context ID, control header."""
_INVALID_PDU = "Evt19"
"""The event of PS3.8 table 9-10 on which pynetdicom's state machine aborts."""


@dataclass
class _Asking:
    """A request, which may not be here as a whole yet."""

    context: Context
    command: command.Command
    answer: Answerer
    data: bytearray = field(default_factory=bytearray)
    cancelled: bool = False


class Dialogue(DIMSEServiceProvider):
    """A message layer that answers requests; see `Arrivals` for the rest of it."""

    def __init__(self, association: Association, caller: Caller) -> None:
        super().__init__(association)
        self.caller = caller
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
        self._open: dict[int, _Asking] = {}
        """What is not answered for good yet, by Message ID."""
        self._outcomes: queue.Queue[tuple[int, int]] = queue.Queue()

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

    def break_off(self, what: str) -> None:
        """The peer broke the protocol: pynetdicom aborts."""
        log.warning("%s broke the protocol: %s", self.caller, what)
        self._broken = True
        self.dul.event_queue.put(_INVALID_PDU)

    def _is_ours(self, context_id: int, asked: command.Command) -> bool:
        """Take a message that belongs to what we answer ourselves."""
        if asked.field == command.C_CANCEL_RQ and (asking := self._open.get(asked.responds_to)):
            asking.cancelled = True
            return True
        context = self._contexts().get(context_id)
        if asked.field == command.N_EVENT_REPORT_RSP or (asked.field == command.C_STORE_RSP and self._open):
            if self._outcomes.qsize() < _MAX_WAITING:  # more than anybody waits for are of no use
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
        self._asking = self._open[asked.message_id] = _Asking(context, asked, answer)
        if not asked.has_data_set:
            self._take_asked(self._asking, memoryview(b""), last=True)
        return True

    def _take_asked(self, asking: _Asking, value: memoryview, *, last: bool) -> None:
        asking.data += value
        if len(asking.data) > (_MAX_KEYS if asking.command.field in _KEYS_ONLY else MAX_IDENTIFIER):
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
            # The peer may ask by the same number again since the last response.
            if self._open.get(asking.command.message_id) is asking:
                self.settle(asking.command.message_id)

    def _request(self, asking: _Asking) -> Request:
        abstract = asking.context.abstract_syntax
        to_store = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0])): context.context_id or 0
            for context in self.assoc.accepted_contexts
            if context.as_scu
        }
        agreed = self.agreed.get(abstract, b"")
        return Request(asking.context, asking.command, bytes(asking.data), self.caller, self, agreed, to_store)

    def settle(self, message_id: int) -> None:
        """A request is answered for good: the peer may use its number again."""
        self._open.pop(message_id, None)

    def is_cancelled(self, message_id: int) -> bool:
        """Whether a C-CANCEL came for an open request."""
        asking = self._open.get(message_id)
        return asking is not None and asking.cancelled

    def post(self, context_id: int, command_set: bytes, data: BinaryIO | None = None) -> None:
        """Send a message. Raises ConnectionError when the peer has gone, OSError where `data` cannot be read."""
        most = min(self.maximum_pdu_size or NO_LIMIT, _LONGEST_FRAGMENT) - PDV_HEAD & ~1
        waiting: list[tuple[int, bytes]] = []
        room = most
        for fragment in _fragments(command_set, data, most):
            if waiting and len(fragment) + PDV_HEAD > room:
                self._enqueue(waiting)
                waiting, room = [], most
            waiting.append((context_id, fragment))
            room -= len(fragment) + PDV_HEAD
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
        end = time.monotonic() + (self.dimse_timeout or NO_LIMIT)
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
