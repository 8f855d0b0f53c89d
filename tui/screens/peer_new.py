"""Adding a peer: a few fields, and beside each what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from appliance.access.rights import checked_rights
from appliance.peers.peers import checked
from tui.notices import sentence
from tui.screens.desk import Dialog
from tui.widgets.keys import KeyLine
from tui.widgets.typing import caught_up

if TYPE_CHECKING:
    from appliance.discovery.neighbours import Neighbour

_FIELDS = {
    "name": ("Name", "what you call them, such as CLINIC-B"),
    "ae_title": ("AE title", "as they gave it to you"),
    "host": ("Address", "a host name or an IP address"),
    "port": ("Port", "often 104 or 11112"),
    "may": ("May", "everything, nothing, or some of: echo, store, query, retrieve, worklist, mpps, commitment"),
}
_RIGHT = {"name": "X", "ae_title": "X", "host": "x", "port": "1", "may": ""}
_GIVEN = {"may": "everything"}
"""What stands in a field from the beginning."""


class PeerForm(Dialog[None]):
    """Asks for what the other clinic's technician has on a slip of paper."""

    BINDINGS = [
        # First of all, so that Enter in a field means the form.
        Binding("enter", "next", "Next field, then add", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("f8", "nearby", "Nearby", tooltip="Fill in from a device that announces itself on the network"),
        Binding("escape", "back", "Cancel"),
    ]
    _tls = False
    """Whether what was filled in from the network is called by TLS."""

    def compose(self) -> ComposeResult:
        """The fields."""
        with Vertical(classes="box"):
            yield Static("Add a peer", id="question", classes="question")
            for name, (title, hint) in _FIELDS.items():
                with Horizontal(classes="field"):
                    yield Label(title, classes="field-name")
                    yield Input(_GIVEN.get(name, ""), placeholder=hint, compact=True, id=name, max_length=253)
                yield Static("", id=f"{name}-fault", classes="fault", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """From the top."""
        self.query_one("#name", Input).focus()

    @on(Input.Changed)
    def _forgive(self, message: Input.Changed) -> None:
        """A field that is being mended is not scolded."""
        self.query_one(f"#{message.input.id}-fault", Static).update("")

    async def action_next(self) -> None:
        """To the next field that is not right yet; when all are, add the peer."""
        if self.focused is None or self.focused.id not in _FIELDS:
            return
        await caught_up(self.focused)
        if not self._show(self.focused.id):
            return
        left = [name for name in _FIELDS if fault(name, self._value(name))]
        if left:
            self.query_one(f"#{left[0]}", Input).focus()
        else:
            self._add()

    def action_nearby(self) -> None:
        """Who announces itself?"""
        # Late: it brings a library that the console seldom needs.
        from tui.screens.nearby import NearbyDialog

        self.app.push_screen(NearbyDialog(self.backstage), self._fill_in)

    def _fill_in(self, found: Neighbour | None) -> None:
        if found is None:
            return
        self._tls = found.tls
        self.query_one("#question", Static).update("Add a peer, called by TLS" if found.tls else "Add a peer")
        values = {"name": found.ae_title, "ae_title": found.ae_title, "host": found.host, "port": str(found.port)}
        for name, value in values.items():
            self.query_one(f"#{name}", Input).value = value
        self.query_one("#name", Input).focus()

    @work(group="changing")
    async def _add(self) -> None:
        name, ae_title, host, port, may = map(self._value, _FIELDS)
        rights = tuple(may.split(","))
        peer = await self.change(
            lambda box: box.peers.add(name, ae_title, host, int(port), rights=rights, tls=self._tls)
        )
        if peer is not None:
            self.say(f"{peer.name} is added. Press e in the list of peers (F4) to try the connection.")
            self.dismiss()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _show(self, name: str) -> bool:
        """Say beside a field what is wrong with it; whether it is right."""
        said = fault(name, self._value(name))
        self.query_one(f"#{name}-fault", Static).update(said)
        return not said


def fault(field: str, value: str) -> str:
    """What is wrong with one field, in words; empty when nothing is."""
    values = _RIGHT | {field: value}
    if not value:
        return "Please fill this in."
    if not values["port"].isdecimal():
        return f"A port is a number from 1 to 65535, not {value!r}."
    try:
        checked_rights(values["may"].split(","))
        checked(values["name"], values["ae_title"], values["host"], int(values["port"]))
    except ValueError as wrong:
        return sentence(str(wrong))
    return ""
