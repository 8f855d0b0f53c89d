"""Watching a study come in from another clinic; leaving does not stop it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.box import Box
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy
from appliance.priors.words import fetched
from tui import words
from tui.backstage import Backstage
from tui.notices import EXPECTED, in_words
from tui.screens.desk import Dialog
from tui.widgets.bar import Bar
from tui.widgets.keys import KeyLine

_LOOK = 0.2
"""Seconds between looks at how far it is."""


class FetchDialog(Dialog[None]):
    """One study, as it comes."""

    BINDINGS = [
        Binding("escape", "back", "Close"),
        Binding("r", "retry", "Try again"),
        Binding("c", "stop", "Stop fetching"),
    ]

    def __init__(self, backstage: Backstage, study: RemoteStudy, peer: str) -> None:
        super().__init__(backstage)
        self._study = study
        self._peer = peer
        self._progress = Progress(0, remaining=study.images)
        self._under_way = False
        self._stop_asked = False

    def compose(self) -> ComposeResult:
        """From whom, how far, and how it ended."""
        with Vertical(classes="box"):
            yield Static(f"Fetching from {words.clean(self._peer)}", classes="question", markup=False)
            yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
            yield Static(words.clean(self._study.study_description), classes="apart", markup=False)
            yield Bar()
            yield Static("", id="story", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """Begin, and look how far it is."""
        self.set_interval(_LOOK, self._show)
        self.action_retry()
        super().on_mount()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is over can't be stopped; what is not over need not be tried again."""
        if action == "back":
            return True
        return True if self._under_way == (action == "stop") else None

    def action_stop(self) -> None:
        """Let the peer send no more."""
        self._stop_asked = True

    def action_retry(self) -> None:
        """Fetch it; what is here already does no harm."""
        self._stop_asked, self._under_way = False, True
        self._tell("")
        # The console's, not this dialog's: whoever closes it lets it go on.
        self.app.run_worker(self._fetch(), group="fetching")

    async def _fetch(self) -> None:
        peer, uid = self._peer, self._study.study_instance_uid

        def fetch(box: Box) -> Progress:
            return box.priors.fetch(peer, uid, self._note, lambda: self._stop_asked)

        try:
            done = await self.backstage.call(fetch)
        except EXPECTED as fault:
            self._end(in_words(fault), "bad")
        else:
            self._progress = done
            self._end(fetched(words.clean(peer), done), "bad" if done.failed or not done.arrived else "good")

    def _note(self, progress: Progress) -> None:
        """Called by the thread that fetches."""
        self._progress = progress

    def _end(self, story: str, tone: str) -> None:
        self._under_way = False
        if self.is_attached:
            self._show()
            self._tell(story, tone)
        else:
            self.app.notify(story, severity="error" if tone == "bad" else "information", markup=False)

    def _show(self) -> None:
        now = self._progress
        total = max(self._study.images, now.arrived + now.failed + now.remaining)
        self.query_one(Bar).show(now.arrived, total, words.plural(total, "image"))

    def _tell(self, story: str, tone: str = "") -> None:
        said = self.query_one("#story", Static)
        said.update(story)
        said.set_class(tone == "bad", "bad")
        said.set_class(tone == "good", "good")
        self.refresh_bindings()
