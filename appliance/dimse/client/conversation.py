"""An association on which a request has several answers, and the peer sends instances of its own accord (C-GET)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from appliance.dimse.client import pdu
from appliance.dimse.client.association import Association, DataSet, number_of
from appliance.peers.faults import Fault

_LONGEST = 1 << 24
"""Bytes of a message that are held in memory; instances go to their sink."""
_FIELD, _ID, _RESPONDS_TO, _TYPE = 0x0100, 0x0110, 0x0120, 0x0800
_NO_DATA_SET = 0x0101
_C_CANCEL = 0x0FFF

Elements = Mapping[int, int | str]
"""Of a command set, by number in group 0000."""


class Sink(Protocol):
    """Where the data set of a message goes."""

    def write(self, chunk: bytes) -> object:
        """The next bytes."""


Where = Callable[[int, dict[int, bytes]], Sink | None]
"""By presentation context and command."""


@dataclass(frozen=True)
class Heard:
    """A message of the peer's."""

    context: int
    command: dict[int, bytes]
    data: bytes
    """Its data set, unless a sink had it."""


class Conversation(Association):
    """Raises `PeerError` from every method, as `Association`."""

    def begin(self, context: int, field: int, elements: Elements, data: bytes = b"") -> int:
        """Send a request and give its message ID; its answers are to be heard."""
        number = next(self._numbers)
        always = {_FIELD: field, _ID: number, _TYPE: 0x0001 if data else _NO_DATA_SET}
        self._say(context, {**elements, **always}, data)
        return number

    def cancel(self, context: int, number: int) -> None:
        """Ask for no more answers to the request `number`; its last one is still to be heard."""
        self._say(context, {_FIELD: _C_CANCEL, _RESPONDS_TO: number, _TYPE: _NO_DATA_SET})

    def answer(self, heard: Heard, elements: Elements) -> None:
        """Answer a request of the peer's."""
        field, number = number_of(heard.command, _FIELD), number_of(heard.command, _ID)
        self._say(heard.context, {**elements, _FIELD: field | 0x8000, _RESPONDS_TO: number, _TYPE: _NO_DATA_SET})

    def _say(self, context: int, elements: Elements, data: bytes = b"") -> None:
        command = pdu.command(elements)
        head = pdu.DATA_HEAD.pack(pdu.P_DATA, len(command) + 6, len(command) + 2, context, pdu.COMMAND | pdu.LAST)
        parts: list[bytes | memoryview] = [head, command]
        if data:
            self._stream(context, DataSet(BytesIO(data), len(data)), parts)
        else:
            self._write(parts)

    def hear_next(self, sink: Where | None = None) -> Heard:
        """Wait for the peer's next message. `sink` tells where its data set goes, memory unless it says."""
        command, data = bytearray(), bytearray()
        read: dict[int, bytes] | None = None
        into: Sink | None = None
        while len(command) + len(data) <= _LONGEST:
            kind, body = self._read_pdu(self._limits.answer)
            if kind != pdu.P_DATA or len(body) < 6:
                raise self._fault(Fault.ABORTED if kind == pdu.ABORT else Fault.LOST)
            context = body[4]
            try:
                for control, fragment in pdu.data_values(body):
                    if control & pdu.COMMAND:
                        command += fragment
                    elif into is not None:
                        into.write(fragment)
                    else:
                        data += fragment
                    if not control & pdu.LAST:
                        continue
                    if control & pdu.COMMAND:
                        read = pdu.read_command(bytes(command))
                        into = sink(context, read) if sink else None
                    if read is not None and not (control & pdu.COMMAND and number_of(read, _TYPE) != _NO_DATA_SET):
                        return Heard(context, read, bytes(data))
            except ValueError as fault:
                raise self._fault(Fault.NONSENSE) from fault
        raise self._fault(Fault.NONSENSE)

    def syntax_of(self, context: int) -> tuple[str, str]:
        """SOP class and transfer syntax of an accepted context; empty when it is none."""
        return next((kind for kind, number in self.accepted.items() if number == context), ("", ""))
