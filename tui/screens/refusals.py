"""Recent refusals: who called by DICOM and was turned away, and letting them in with one key."""

from __future__ import annotations

from datetime import UTC, datetime

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.access.refusals import Refusal
from appliance.access.rights import in_short
from appliance.box import Box
from appliance.storage.rows import Peer
from tui import words
from tui.notices import sentence
from tui.screens.listed import ListDesk
from tui.widgets.columns import Column
from tui.widgets.listing import Listing


class RefusalsScreen(ListDesk[Refusal]):
    """A line for each caller and reason, newest first."""

    NAME = "Turned away"
    FOOT = "detail tall"
    BINDINGS = [
        Binding("a", "allow", "Allow", tooltip="Let this caller do what it was refused: it becomes one of the peers"),
        Binding("d", "forget", "Dismiss", tooltip="Take this line off the list"),
        Binding("escape,q", "back", "Back", tooltip="Back to the peers"),
    ]

    def listed(self) -> Listing[Refusal]:
        """A row a caller and a reason."""
        return Listing(COLUMNS, lambda refusal: "\0".join(refusal.key), name="refusals")

    def story(self, row: Refusal) -> str:
        """The reason in full, and what to do."""
        return _story(row)

    def on_mount(self) -> None:
        """Refusals come without news in the index."""
        self.set_interval(2.0, self.reload)
        super().on_mount()

    async def read(self) -> None:
        """All of them."""
        found = await self.backstage.feel(lambda box: box.refusals.all())
        self.listing.empty = "Nobody was turned away lately."
        self.listing.show(found)
        self.query_one("#headline", Label).update(words.plural(len(found), "refusal") if found else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what an entry among the peers would cure can be allowed."""
        refusal = self.listing.chosen
        if action == "allow":
            return True if refusal and refusal.curable else None
        if action == "forget":
            return True if refusal else None
        return True

    def action_allow(self) -> None:
        """Let it in."""
        if refusal := self.listing.chosen:
            self._allow(refusal)

    @work(group="changing")
    async def _allow(self, refusal: Refusal) -> None:
        peer = await self.change(lambda box: _allow_all(box, refusal))
        if peer is not None:
            self.say(f"{words.clean(peer.name)} may {in_short(peer.rights)} here from now on.")
            self.reload()

    def action_forget(self) -> None:
        """Off the list."""
        if refusal := self.listing.chosen:
            self._forget(refusal)

    @work(group="changing")
    async def _forget(self, refusal: Refusal) -> None:
        await self.change(lambda box: box.refusals.forget(refusal))
        self.reload()


def _allow_all(box: Box, refusal: Refusal) -> Peer:
    """Whatever this caller was refused, from this address."""
    caller = (refusal.title, refusal.address)
    same = [each for each in box.refusals.all() if (each.title, each.address) == caller] or [refusal]
    peer = box.peers.allow(same)
    box.refusals.forget(*same)
    return peer


def _story(refusal: Refusal) -> str:
    times = f"{refusal.count} times" if refusal.count > 1 else "once"
    cure = (
        "Press a to let it: it becomes one of the peers, with no more rights than it asked for."
        if refusal.curable
        else "Letting it in would not help: look at its settings, or ask whoever looks after it."
    )
    return f"{sentence(words.clean(refusal.says))}\nIt came {times}. {cure}"


COLUMNS: list[Column[Refusal]] = [
    Column("Who", lambda refusal: words.clean(refusal.title) or "(no AE title)", 16),
    Column("From", lambda refusal: words.clean(refusal.address), 15),
    Column("When", lambda refusal: words.when(refusal.last, datetime.now(UTC)), 8),
    Column("Times", lambda refusal: str(refusal.count), 6),
    Column("Why", lambda refusal: words.clean(refusal.says)),
]
