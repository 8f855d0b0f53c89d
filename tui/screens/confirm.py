"""A question before something that can't be taken back."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, Static


class Confirm(ModalScreen[bool]):
    """Asks; Enter (or `y`) does it, Esc (or `n`) does not."""

    BINDINGS = [Binding("enter,y", "yes", "Yes", show=False), Binding("escape,n", "no", "No", show=False)]

    def __init__(self, question: str, explanation: str, deed: str) -> None:
        """`deed` is what Enter does, in a word or two."""
        super().__init__()
        self._question = question
        self._explanation = explanation
        self._deed = deed

    def compose(self) -> ComposeResult:
        """The question, what follows from it, the two keys."""
        with Vertical(classes="box"):
            yield Static(self._question, classes="question", markup=False)
            yield Static(self._explanation, markup=False)
            with Horizontal(classes="keys"):
                yield Label("Enter", classes="key")
                yield Label(self._deed, markup=False)
                yield Label("Esc", classes="key")
                yield Label("Leave it as it is")

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Leave it."""
        self.dismiss(False)
