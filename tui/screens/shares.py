"""All links: who has one, whether it works, whether it was opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.box import Box
from appliance.dicom.model import Study
from appliance.shares.sharing import Status
from appliance.storage.rows import Share
from tui import words
from tui.screens.listed import ListDesk
from tui.screens.openings import OpeningsScreen
from tui.screens.pin import NewPin
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing

LATEST = 500
"""Links that are shown, newest first."""
_TONES = {Status.ACTIVE: "good", Status.LOCKED: "warn", Status.EXPIRED: "quiet", Status.REVOKED: "quiet"}


@dataclass(frozen=True)
class Row:
    """A share, and what belongs to it."""

    share: Share
    status: Status
    study: Study | None
    openings: int
    last: str
    """When it was opened last; empty for never."""


class SharesScreen(ListDesk[Row]):
    """Links and their lives."""

    NAME = "Shares"
    BINDINGS = [
        Binding("enter", "log", "Log", tooltip="Who opened the link, when, and what they took"),
        Binding("x", "revoke", "Revoke", tooltip="End the link at once"),
        Binding("u", "unlock", "New PIN", tooltip="Unlock the link with a new PIN; the old one ends"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def listed(self) -> Listing[Row]:
        """A row a link."""
        return Listing(COLUMNS, lambda row: str(row.share.id), name="shares")

    def story(self, row: Row) -> str:
        """Whose it is, and whether it works."""
        return _story(row)

    async def read(self) -> None:
        """The newest links."""
        rows = await self.backstage.look(_look)
        working = sum(row.status is Status.ACTIVE for row in rows)
        self.query_one("#headline", Label).update(f"{words.plural(working, 'link')} in use" if rows else "")
        self.listing.empty = "No links yet. Choose a study and press s."
        self.listing.show(rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A link that is over can't be ended or unlocked; one without PIN has none to renew."""
        row = self.listing.chosen
        if action == "log":
            return True if row else None
        if action in ("revoke", "unlock"):
            alive = row is not None and row.status in (Status.ACTIVE, Status.LOCKED)
            return True if row and alive and (action == "revoke" or row.share.pin_hash) else None
        return True

    async def action_log(self) -> None:
        """Who opened it."""
        if row := self.listing.chosen:
            await self.app.push_screen(OpeningsScreen(self.backstage, row.share, _whose(row)))

    def action_revoke(self) -> None:
        """End it, if staff really mean it."""
        if row := self.listing.chosen:
            self.ask_first(
                f"End the link of {_whose(row)}?",
                "It stops working at once, on an open page too. This can't be undone; a new link can be made.",
                "End the link",
                lambda: self._revoke(row.share.id),
            )

    @work(group="changing")
    async def _revoke(self, number: int) -> None:
        await self.change(lambda box: box.sharing.revoke(number))

    def action_unlock(self) -> None:
        """A new PIN, if staff really mean it."""
        if row := self.listing.chosen:
            self.ask_first(
                f"Make a new PIN for {_whose(row)}?",
                "The link stays the same. The old PIN ends, and whoever has the page open must give the new one.",
                "New PIN",
                lambda: self._unlock(row),
            )

    @work(group="changing")
    async def _unlock(self, row: Row) -> None:
        pin = await self.change(lambda box: box.sharing.rearm(row.share.id))
        if pin is not None:
            self.app.push_screen(NewPin(_whose(row), pin))


def _look(box: Box) -> list[Row]:
    sharing = box.sharing
    shares = sharing.all()[:LATEST]
    studies = _studies(box, shares)
    opened = box.storage.shares.opened([share.id for share in shares])
    return [
        Row(share, sharing.status(share), studies.get(share.study_instance_uid), *opened.get(share.id, (0, "")))
        for share in shares
    ]


def _studies(box: Box, shares: Sequence[Share]) -> dict[str, Study]:
    uids = list({share.study_instance_uid for share in shares})
    return {study.study_instance_uid: study for study in box.storage.studies.studies(uids)}


def _whose(row: Row) -> str:
    return words.whose(row.study)


def _story(row: Row) -> str:
    share = row.share
    about = words.dotted(_whose(row), words.identity(row.study), words.contents(row.study)) if row.study else ""
    happened = {
        Status.ACTIVE: f"Works until {words.day(share.expires)}.",
        Status.LOCKED: "Locked after too many wrong PINs. Press u to make a new PIN for it.",
        Status.EXPIRED: f"Ended on {words.day(share.expires)}.",
        Status.REVOKED: f"Revoked {words.minute(share.revoked)}.",
    }[row.status]
    pin = "" if share.pin_hash else "It asks for no PIN."
    wrong = f"{words.plural(share.failed_attempts, 'wrong PIN')} so far." if share.failed_attempts else ""
    return f"{about or _whose(row)}\n{' '.join(part for part in (happened, pin, wrong) if part)}"


def _status(row: Row) -> Cell:
    return row.status, _TONES[row.status]


COLUMNS: list[Column[Row]] = [
    Column("Patient", _whose, weight=2),
    Column("Study", lambda row: words.contents(row.study) if row.study else "", least=120, weight=3),
    Column("Made", lambda row: words.day(row.share.created), 11),
    Column("Works until", lambda row: words.day(row.share.expires), 11),
    Column("Status", _status, 7),
    Column("Opened", lambda row: f"{row.openings:,}", 6, right=True),
    Column("Last", lambda row: words.when(row.last, datetime.now(UTC)) or "never", 8),
]
