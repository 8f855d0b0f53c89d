"""The one time that a link and its PIN are seen: for the patient's phone, across the desk."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from appliance.dicom.model import Study
from appliance.shares.root import is_only_here
from appliance.shares.sharing import NewShare
from tui import words
from tui.widgets.code import drawn, large_digits, picture
from tui.widgets.keys import KeyLine

PANEL = 34
"""Cells that the words and the PIN need beside the code."""


class QRScreen(ModalScreen[None]):
    """The QR code as large as the screen allows, the PIN beside it.

    Modal, so that no key but the one for it takes the PIN away.
    """

    # Not Enter: it made the link, and pressed twice it would take the PIN away unseen.
    BINDINGS = [Binding("escape", "done", "Done: the patient has link and PIN")]

    def __init__(self, study: Study, new: NewShare) -> None:
        super().__init__()
        self._study = study
        self.new = new

    def compose(self) -> ComposeResult:
        """The code, and what to say with it."""
        with Horizontal():
            yield Static(id="code", markup=False)
            with Vertical(id="beside"):
                yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
                yield Static(words.identity(self._study), markup=False)
                yield Static(words.contents(self._study), classes="apart", markup=False)
                yield Static(id="how", markup=False)
                if self.new.pin:
                    yield Static(large_digits(self.new.pin), id="pin", markup=False)
                yield Static(f"Works until {words.day(self.new.share.expires)}, at")
                yield Static(urlsplit(self.new.link).netloc, classes="apart", markup=False)
                if warning := _unreachable(self.new.link):
                    yield Static(warning, id="unreachable", classes="bad", markup=False)
                yield Static("Link and PIN are shown only now. If they get lost, make a new link.", classes="quiet")
        yield KeyLine()

    def on_resize(self, event: Resize) -> None:
        """As large as it can be."""
        lines = drawn(self.new.link, event.size.width - PANEL - 3, event.size.height - 1)
        code = self.query_one("#code", Static)
        code.update(picture(lines) if lines else _too_small(self.new.link))
        code.set_class(not lines, "in-letters")
        self.query_one("#how", Static).update(_instructions(bool(lines), bool(self.new.pin)))

    def action_done(self) -> None:
        """Back to the list."""
        self.dismiss()


def _instructions(code: bool, pin: bool) -> str:
    first = "Scan the code with the phone's camera" if code else "Type the link into the phone"
    return f"{first}, then type the PIN:" if pin else f"{first}."


def _too_small(link: str) -> Text:
    return Text(f"The link is too long for a QR code on a screen of this size. This is it:\n\n{link}")


def _unreachable(link: str) -> str:
    """A warning when no phone can open the link."""
    warning = "No phone can open this link: the box has no public address yet (web.public_url)."
    return warning if is_only_here(link) else ""
