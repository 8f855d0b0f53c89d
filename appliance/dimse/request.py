"""A request that we answer ourselves: all but C-ECHO and C-STORE.

pynetdicom would encode each answer element by element, queue answers without end for a peer that reads slowly, and
decode each instance that it sends. Here an answer's bytes go out as they are, as fast as the peer takes them.
```
request -> respond(pending) ... respond(final)
              `-> store: a C-STORE on the same association, and its status
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Protocol

from appliance.dimse import command
from appliance.dimse.caller import Caller
from appliance.dimse.command import Element

_RESPONSE = 0x8000
_GOES_ON = frozenset((0xFF00, 0xFF01))
"""Pending: more responses follow."""
_DATA_SET = 0x0001
_MEDIUM = 0x0000
_SOP_CLASS = 0x0002
_FIELD, _ID, _RESPONDS_TO, _PRIORITY, _TYPE, _STATUS, _COMMENT = 0x0100, 0x0110, 0x0120, 0x0700, 0x0800, 0x0900, 0x0902
SOP_INSTANCE, ERROR_ID, ATTRIBUTES, EVENT_TYPE, ACTION_TYPE = 0x1000, 0x0903, 0x1005, 0x1002, 0x1008
"""Of responses to DIMSE-N requests (PS3.7 annex E)."""
REMAINING, COMPLETED, FAILED, WARNINGS = 0x1020, 0x1021, 0x1022, 0x1023
"""Numbers of sub-operations in a response (PS3.7 9.3.3.2)."""


class Way(Protocol):
    """The way back to the peer. Its methods raise ConnectionError when the peer has gone."""

    def post(self, context_id: int, command_set: bytes, data: BinaryIO | None = None) -> None:
        """Send a message, its data set streamed from `data`; returns when most of it is on its way."""

    def outcome(self, message_id: int) -> int:
        """Wait for the status of the C-STORE or N-EVENT-REPORT that was sent as `message_id`."""

    def settle(self, message_id: int) -> None:
        """A request is answered for good, though its answerer may go on: the peer may use its number again."""

    @property
    def wanted(self) -> bool:
        """Whether the peer wants something else meanwhile: another answer, or to hang up."""

    def is_cancelled(self, message_id: int) -> bool:
        """Whether the peer asks no more for that."""


@dataclass(frozen=True)
class Context:
    """An accepted presentation context."""

    id: int
    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True)
class Request:
    """What a peer asks, and how it is answered."""

    context: Context
    command: command.Command
    data: bytes
    """The encoded data set of the request, in the context's transfer syntax; empty without one."""
    caller: Caller
    way: Way
    agreed: bytes = b""
    """The extended negotiation of this SOP class: what both ends do, a byte each (PS3.7 D.3.3.5)."""
    to_store: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Contexts on which the peer takes instances, by SOP class and transfer syntax."""

    @property
    def cancelled(self) -> bool:
        """Whether a C-CANCEL came for it."""
        return self.way.is_cancelled(self.command.message_id)

    def agrees(self, place: int) -> bool:
        """Whether the extended negotiation agreed on byte `place`, from 1."""
        return self.agreed[place - 1 : place] == b"\1"

    def respond(
        self, status: int, data: bytes = b"", comment: str = "", also: Mapping[int, Element] | None = None
    ) -> None:
        """Send a response; `also` are more elements of its command set, by number in group 0000.

        Raises ConnectionError when the peer has gone.
        """
        elements: dict[int, Element] = {
            _SOP_CLASS: self.command.sop_class_uid or self.context.abstract_syntax,
            _FIELD: self.command.field | _RESPONSE,
            _RESPONDS_TO: self.command.message_id,
            _TYPE: _DATA_SET if data else command.NO_DATA_SET,
            _STATUS: status,
            **(also or {}),
        }
        if comment:
            elements[_COMMENT] = comment
        if status not in _GOES_ON:
            # Before the peer can know: it may use the number again at once.
            self.way.settle(self.command.message_id)
        self.way.post(self.context.id, command.encode(elements), BytesIO(data) if data else None)

    def store(self, context_id: int, message_id: int, sop_class_uid: str, sop_instance_uid: str, data: BinaryIO) -> int:
        """Send an instance on the same association; the status of the peer's answer.

        Raises ConnectionError when the peer has gone.
        """
        elements: dict[int, Element] = {
            _SOP_CLASS: sop_class_uid,
            _FIELD: command.C_STORE_RQ,
            _ID: message_id,
            _PRIORITY: _MEDIUM,
            _TYPE: _DATA_SET,
            SOP_INSTANCE: sop_instance_uid,
        }
        self.way.post(context_id, command.encode(elements), data)
        return self.way.outcome(message_id)


Answerer = Callable[[Request], None]
"""Answers a request with all its responses, in the association's thread; ConnectionError is not its to catch."""
