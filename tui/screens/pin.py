"""A new PIN, seen once."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.code import large_digits
from tui.widgets.keys import KeyLine


class NewPin(ModalScreen[None]):
    """Shows the PIN of a link that was unlocked."""

    # Not Enter: it confirmed the making, and pressed twice it would take the PIN away unseen.
    BINDINGS = [Binding("escape", "done", "Done: the patient has it")]

    def __init__(self, whose: str, pin: str) -> None:
        super().__init__()
        self._whose = whose
        self.pin = pin

    def compose(self) -> ComposeResult:
        """The PIN, large."""
        with Vertical(classes="box"):
            yield Static(f"New PIN for {self._whose}", classes="question", markup=False)
            yield Static(large_digits(self.pin), id="pin", markup=False)
            yield Static("It is shown only now. The link is the same as before.", classes="quiet")
            yield KeyLine()

    def action_done(self) -> None:
        """Back to the links."""
        self.dismiss()
