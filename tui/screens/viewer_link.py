"""The link that opens a study in one viewer: as a QR code, and in letters to copy."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from appliance.dicom.model import Study
from appliance.shares.root import is_only_here
from appliance.viewers.links import Link
from tui import words
from tui.screens.qr import PANEL
from tui.widgets.code import drawn, picture
from tui.widgets.keys import KeyLine


class ViewerLinkScreen(ModalScreen[None]):
    """The code as large as the screen allows, the address beside it; in the code's place where that does not fit."""

    BINDINGS = [Binding("c", "copy", "Copy the address"), Binding("escape", "done", "Done")]

    def __init__(self, study: Study, link: Link, door: str) -> None:
        """`door` is the clinic door's address."""
        super().__init__()
        self._study = study
        self.link = link
        self._door = door

    def compose(self) -> ComposeResult:
        """The code, and what to know of it."""
        with Horizontal():
            yield Static(id="code", markup=False)
            with Vertical(id="beside"):
                yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
                yield Static(words.clean(self.link.name), classes="apart", markup=False)
                yield Static(self.link.needs, classes="quiet apart", markup=False)
                if self.link.expires:
                    yield Static(f"Works until {self.link.expires.astimezone():%H:%M}.", id="until", markup=False)
                if is_only_here(self._door):
                    yield Static(_ALONE, id="unreachable", classes="bad", markup=False)
                yield Static(id="address", markup=False)
        yield KeyLine()

    def on_resize(self, event: Resize) -> None:
        """As large as it can be."""
        lines = drawn(self.link.url, event.size.width - PANEL - 3, event.size.height - 1)
        code, address = self.query_one("#code", Static), self.query_one("#address", Static)
        code.update(picture(lines) if lines else _address(self.link.url))
        code.set_class(not lines, "in-letters")
        address.update(_address(self.link.url) if lines else "")

    def action_copy(self) -> None:
        """Into the clipboard of the terminal, if it has one (OSC 52)."""
        self.app.copy_to_clipboard(self.link.url)
        self.notify("Copied, if your terminal lets programs do that.", markup=False)

    def action_done(self) -> None:
        """Back to the study."""
        self.dismiss()


_ALONE = "Only this machine can fetch the images: the clinic door listens on it alone (web.clinic_bind)."


def _address(url: str) -> Text:
    """All of it, broken wherever a line ends."""
    return Text(url, overflow="fold")
