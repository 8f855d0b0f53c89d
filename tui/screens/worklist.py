"""The worklist: every study, newest arrival first, as it comes in; search, open, share, send."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from appliance.dicom.model import Study
from tui import news
from tui.arrivals import Arrivals
from tui.backstage import Backstage
from tui.messages import IndexReplaced
from tui.news import News
from tui.screens.desk import Desk
from tui.screens.order_form import OrderForm
from tui.screens.send import SendDialog
from tui.screens.share import ShareDialog
from tui.screens.study import StudyScreen
from tui.screens.viewers import ViewersDialog
from tui.widgets.listing import Listing
from tui.widgets.search import SearchBox
from tui.widgets.studies import COLUMNS, describe
from tui.widgets.typing import caught_up

_DEBOUNCE = 0.1
"""Seconds after a letter before the search begins."""
_HINT = "Type three letters of the patient's name, then press Enter.\nEnter alone, or an arrow key, goes to the list."


class WorklistScreen(Desk):
    """Where the front desk works."""

    NAME = "Studies"
    BINDINGS = [
        Binding("enter", "open", "Open", tooltip="Look at the study: its series, links and transfers"),
        Binding("s", "share", "Share", tooltip="Make a link and QR code for the patient"),
        Binding("t", "send", "Send", tooltip="Send the study to another clinic"),
        Binding("v", "viewers", "Viewers", show=False, tooltip="Open the study in a viewer: its link"),
        Binding("o", "order", "Order", show=False, tooltip="Order an examination for this patient"),
        Binding("slash", "search", "Search", tooltip="Find a patient by name, birth date or number"),
        Binding("escape", "clear", "Clear", show=False, tooltip="Forget the search: ready for the next patient"),
    ]

    def __init__(self, backstage: Backstage) -> None:
        super().__init__(backstage)
        self._arrivals = Arrivals()
        self._seq: int | None = None
        self._wanted = self._shown = ""
        self._complete = False
        self._more = self._afresh = False
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

    def on_index_replaced(self, _message: IndexReplaced) -> None:
        """Nothing that was read of the old one holds."""
        self._afresh = True
        self.reload()

    async def read(self) -> None:
        """What is new, what was searched for, or the next studies further down."""
        wanted, more, known = self._wanted, self._more, len(self._arrivals)
        seq = None if self._afresh or wanted != self._shown else self._seq
        self._more = self._afresh = False
        found = await self.backstage.look(lambda box: news.read(box, wanted, seq, known, more))
        if wanted != self._wanted:
            self._stale = True  # the patient has another letter by now
            return
        self._take(found, wanted)

    def _take(self, found: News, wanted: str) -> None:
        another_search = wanted != self._shown
        if found.afresh:
            self._arrivals = Arrivals()
            self._complete = found.complete
        self._seq, self._shown = found.seq, wanted
        self._complete = self._complete or found.complete
        self._arrivals.take(found.studies)
        self._arrivals.forget(found.gone)
        self.listing.empty = f"Nothing found for {wanted}." if wanted else "No studies yet. They appear as they come."
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

    @on(Listing.Marked)
    def _describe(self) -> None:
        study = self.listing.chosen
        self.query_one("#detail", Static).update(describe(study) if study else _HINT)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a study there is nothing to open, share or send."""
        if action in ("open", "share", "send", "viewers", "order"):
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

    async def action_viewers(self) -> None:
        """Open it in a viewer elsewhere."""
        if study := await self._study():
            await self.app.push_screen(ViewersDialog(self.backstage, study))

    async def action_order(self) -> None:
        """Order something for the same patient."""
        if study := await self._study():
            await self.app.push_screen(OrderForm(self.backstage, patient=study))
