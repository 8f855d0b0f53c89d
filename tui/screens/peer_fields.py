"""A form for a new peer: a few fields, and beside each what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from appliance.box import Box
from appliance.storage.rows import Peer
from tui.screens.desk import Dialog
from tui.widgets.keys import KeyLine
from tui.widgets.typing import caught_up


def keys(*more: Binding) -> list[BindingType]:
    """Of a form."""
    return [
        # First of all, so that Enter in a field means the form.
        Binding("enter", "next", "Next field, then add", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        *more,
        Binding("escape", "back", "Cancel"),
    ]


class PeerFields(Dialog[None]):
    """Asks for what the other clinic's technician has on a slip of paper."""

    QUESTION = ""
    FIELDS: Mapping[str, tuple[str, str]] = {}
    """What each is called, and a hint."""
    GIVEN: Mapping[str, str] = {}
    """What stands in a field from the beginning."""
    HIDDEN: Sequence[str] = ()
    """Fields that nobody shall read over a shoulder."""

    def fault(self, field: str, value: str) -> str:
        """What is wrong with one field, in words; empty when nothing is."""
        raise NotImplementedError

    def add(self, box: Box, values: Mapping[str, str]) -> Peer:
        """Add the peer."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The fields."""
        with Vertical(classes="box"):
            yield Static(self.QUESTION, id="question", classes="question")
            for name, (title, hint) in self.FIELDS.items():
                with Horizontal(classes="field"):
                    yield Label(title, classes="field-name")
                    yield Input(
                        self.GIVEN.get(name, ""),
                        placeholder=hint,
                        password=name in self.HIDDEN,
                        compact=True,
                        id=name,
                        max_length=16384 if name in self.HIDDEN else 253,
                    )
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
        """To the next field that is left; when none is, add the peer."""
        field = (self.focused.id or "") if self.focused else ""
        if self.focused is None or field not in self.FIELDS:
            return
        await caught_up(self.focused)
        if not self._show(field):
            return
        if left := self.left(field):
            self.query_one(f"#{left[0]}", Input).focus()
        else:
            self._add()

    def left(self, _field: str) -> list[str]:
        """The fields that are still to be filled in, after Enter in one of them: those that are not right yet."""
        return [name for name in self.FIELDS if self.fault(name, self.value(name))]

    @work(group="changing")
    async def _add(self) -> None:
        values = {name: self.value(name) for name in self.FIELDS}
        peer = await self.change(lambda box: self.add(box, values))
        if peer is not None:
            self.say(f"{peer.name} is added. Press e in the list of peers (F4) to try the connection.")
            self.dismiss()

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.query_one(f"#{name}", Input).value.strip()

    def _show(self, name: str) -> bool:
        """Say beside a field what is wrong with it; whether it is right."""
        said = self.fault(name, self.value(name))
        self.query_one(f"#{name}-fault", Static).update(said)
        return not said
