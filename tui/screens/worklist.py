"""The worklist: every study, newest arrival first, as it comes in; search, open, share, send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from appliance import events
from appliance.box import Box
from appliance.dicom.model import Study
from tui import words
from tui.arrivals import Arrivals
from tui.backstage import Backstage
from tui.screens.desk import Desk
from tui.screens.send import SendDialog
from tui.screens.share import ShareDialog
from tui.screens.study import StudyScreen
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing
from tui.widgets.search import SearchBox
from tui.widgets.typing import caught_up

CHUNK = 200
"""Studies that are loaded at a time."""
_DEBOUNCE = 0.1
"""Seconds after a letter before the search begins."""


_HINT = "Type three letters of the patient's name, then press Enter.\nEnter alone, or an arrow key, goes to the list."


@dataclass(frozen=True)
class News:
    """What one reading brought."""

    seq: int
    """Number of the newest event that it knows of."""
    studies: Sequence[Study]
    gone: frozenset[str]
    complete: bool
    """Whether there is nothing beyond these studies."""
    afresh: bool
    """Whether everything that was shown before is to be forgotten."""


class WorklistScreen(Desk):
    """Where the front desk works."""

    NAME = "Studies"
    BINDINGS = [
        Binding("enter", "open", "Open", tooltip="Look at the study: its series, links and transfers"),
        Binding("s", "share", "Share", tooltip="Make a link and QR code for the patient"),
        Binding("t", "send", "Send", tooltip="Send the study to another clinic"),
        Binding("slash", "search", "Search", tooltip="Find a patient by name, birth date or number"),
        Binding("escape", "clear", "Clear", show=False, tooltip="Forget the search: ready for the next patient"),
    ]

    def __init__(self, backstage: Backstage) -> None:
        super().__init__(backstage)
        self._arrivals = Arrivals()
        self._seq: int | None = None
        self._wanted = self._shown = ""
        self._complete = False
        self._more = False
        self._typing: Timer | None = None

    def headline(self) -> ComposeResult:
        """The search, and how much it found."""
        yield SearchBox("type a name, a birth date or a number")
        yield Label("", id="headline", markup=False)

    def body(self) -> ComposeResult:
        """The studies, and more about the chosen one."""
        yield Listing(COLUMNS, lambda study: study.study_instance_uid, name="studies")
        yield Static("", id="detail", classes="detail", markup=False)

    @property
    def listing(self) -> Listing[Study]:
        """The list."""
        return self.query_one(Listing)

    def on_mount(self) -> None:
        """Letters go to the search from the start."""
        self.query_one(SearchBox).focus()
        self.set_interval(1.0, self._age)
        super().on_mount()

    # Reading.

    async def read(self) -> None:
        """What is new, what was searched for, or the next studies further down."""
        wanted, seq, more = self._wanted, self._seq, self._more
        afresh = wanted != self._shown or seq is None
        known = 0 if afresh else len(self._arrivals)
        self._more = False
        news = await self.backstage.look(lambda box: _look(box, wanted, None if afresh else seq, known, more))
        if wanted != self._wanted:
            self._stale = True  # the patient has another letter by now
            return
        self._take(news, wanted)

    def _take(self, news: News, wanted: str) -> None:
        another_search = wanted != self._shown
        if news.afresh:
            self._arrivals = Arrivals()
            self._complete = news.complete
        self._seq, self._shown = news.seq, wanted
        self._complete = self._complete or news.complete
        self._arrivals.take(news.studies)
        self._arrivals.forget(news.gone)
        self.listing.empty = f"Nothing found for {wanted!r}." if wanted else "No studies yet. They appear as they come."
        studies = self._arrivals.ordered()
        if another_search:
            self.listing.unmark()
        self.listing.show(studies, mark=bool(wanted) or self.listing.has_focus)
        thing = "found" if wanted else "study" if len(studies) == 1 else "studies"
        self.query_one("#headline", Label).update(f"{len(studies):,}{'' if self._complete else '+'} {thing}")

    @on(Listing.NearEnd)
    def _load_more(self) -> None:
        if not self._complete and self._shown == self._wanted:
            self._more = True
            self.reload()

    def _age(self) -> None:
        """What is fresh does not stay so."""
        self.listing.refresh()

    # Searching.

    @on(Input.Changed)
    def _type(self, message: Input.Changed) -> None:
        if self._typing:
            self._typing.stop()
        self._typing = self.set_timer(_DEBOUNCE, lambda: self._find(message.value))

    def _find(self, text: str) -> None:
        if self._typing:
            self._typing.stop()
        if (text := text.strip()) != self._wanted:
            self._wanted = text
            self.reload()

    async def action_to_list(self) -> None:
        """From the search to what it found; it waits for the search."""
        search = self.query_one(SearchBox)
        await caught_up(search)
        self._find(search.value)
        if await self.settled() and self.listing.rows:
            self.set_focus(self.listing)  # at once: `focus()` would be too late for a key that follows close behind
            if self.listing.chosen is None:
                self.listing.mark(0)

    def action_step(self, by: int) -> None:
        """The arrows work while one types."""
        self.listing.action_step(by)

    def action_page(self, by: int) -> None:
        """So do the page keys."""
        self.listing.action_page(by)

    def action_search(self) -> None:
        """Type anew: the first letter replaces what is there."""
        search = self.query_one(SearchBox)
        search.focus()
        search.action_select_all()

    async def action_clear(self) -> None:
        """Ready for the next patient."""
        search = self.query_one(SearchBox)
        search.value = ""
        self._find("")
        search.focus()
        await self.settled()
        self.listing.unmark()

    # Doing something with the chosen study.

    @on(Listing.Marked)
    def _describe(self) -> None:
        study = self.listing.chosen
        self.query_one("#detail", Static).update(_detail(study) if study else _HINT)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a study there is nothing to open, share or send."""
        if action in ("open", "share", "send"):
            return True if self.listing.chosen else None
        if action == "search":
            return self.listing.has_focus
        return True

    async def _study(self) -> Study | None:
        return self.listing.chosen if await self.settled() else None

    async def action_open(self) -> None:
        """Look at it."""
        if study := await self._study():
            await self.app.push_screen(StudyScreen(self.backstage, study))

    async def action_share(self) -> None:
        """Make a link."""
        if study := await self._study():
            await self.app.push_screen(ShareDialog(self.backstage, study))

    async def action_send(self) -> None:
        """Send it away."""
        if study := await self._study():
            await self.app.push_screen(SendDialog(self.backstage, study))


def _look(box: Box, text: str, seq: int | None, known: int, more: bool) -> News:
    """In the reader's thread. `seq` None asks for everything afresh; `known` studies are shown already."""
    news = box.storage.events.since(seq) if seq is not None else []
    last = news[-1].seq if news else box.storage.events.last() if seq is None else seq
    touched = {event.study_instance_uid for event in news if event.kind.startswith("study.")}
    gone = frozenset(event.study_instance_uid for event in news if event.kind == events.STUDY_DELETED)
    afresh = seq is None or len(touched) >= CHUNK
    found: list[Study] = []
    if afresh or touched:
        # Whatever arrived has the newest arrival, so that it is among the first.
        found = box.storage.studies.search(text, CHUNK)
    complete = afresh and len(found) < CHUNK
    if more and not afresh:
        further = box.storage.studies.search(text, CHUNK, known)
        found, complete = [*found, *further], len(further) < CHUNK
    return News(last, found, gone - {study.study_instance_uid for study in found}, complete, afresh)


def _received(study: Study) -> Cell:
    now = datetime.now(UTC)
    return ("now", "fresh") if words.is_arriving(study, now) else words.when(study.last_received, now)


def _images(study: Study) -> Cell:
    count = f"{study.number_of_study_related_instances:,}"
    return (count, "fresh") if words.is_arriving(study, datetime.now(UTC)) else count


def _detail(study: Study) -> Text:
    physician = words.person(study.referring_physician_name) if study.referring_physician_name else ""
    return Text(
        words.dotted(words.person(study.patient_name), words.identity(study))
        + "\n"
        + words.dotted(
            words.contents(study),
            words.plural(study.number_of_study_related_series, "series"),
            f"from {physician}" if physician else "",
            f"accession {words.clean(study.accession_number)}" if study.accession_number else "",
        ),
        no_wrap=True,
        overflow="ellipsis",
    )


COLUMNS: list[Column[Study]] = [
    Column("Patient", lambda study: words.person(study.patient_name), weight=3, most=44),
    Column("Born", lambda study: words.date(study.patient_birth_date), 10),
    Column("Patient ID", lambda study: words.clean(study.patient_id), 14, least=120),
    Column("Study date", lambda study: words.date(study.study_date), 10),
    Column("Type", lambda study: words.modalities(study.modalities_in_study, 5), 5),
    Column("Description", lambda study: words.clean(study.study_description), weight=2),
    Column("Accession", lambda study: words.clean(study.accession_number), 16, least=150),
    Column("Series", lambda study: str(study.number_of_study_related_series), 6, right=True, least=120),
    Column("Images", _images, 6, right=True),
    Column("Received", _received, 8),
]
