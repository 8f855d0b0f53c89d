"""One study: whose it is, what is in it, who has a link to it, where it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Label, Static

from appliance.box import Box
from appliance.dicom.model import Series, Study
from appliance.shares.sharing import Status
from appliance.storage.rows import Share, Transfer
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Desk
from tui.screens.priors import AskWhomDialog
from tui.screens.send import SendDialog
from tui.screens.share import ShareDialog
from tui.screens.viewers import ViewersDialog
from tui.widgets.columns import Column, fitted
from tui.widgets.listing import Listing

_LATEST = 3
"""Links and transfers that are told here; the rest is on their own screens."""


@dataclass(frozen=True)
class Findings:
    """What one reading brought."""

    study: Study | None
    series: Sequence[Series]
    shares: Sequence[tuple[Share, Status]]
    transfers: Sequence[Transfer]


class StudyScreen(Desk):
    """Everything about one study."""

    NAME = "Study"
    BINDINGS = [
        Binding("s", "share", "Share", tooltip="Make a link and QR code for the patient"),
        Binding("t", "send", "Send", tooltip="Send the study to another clinic"),
        Binding("v", "viewers", "Viewers", show=False, tooltip="Open the study in a viewer elsewhere: its link"),
        Binding("p", "priors", "Other studies", tooltip="Look for the patient's other studies at another clinic"),
        Binding("escape,q", "back", "Back", tooltip="Back to the list"),
    ]

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage)
        self._study = study

    def body(self) -> ComposeResult:
        """Who, what, and what was done with it."""
        yield Static("", id="facts", markup=False)
        yield Listing(COLUMNS, lambda series: series.series_instance_uid, name="series")
        yield Static("", id="traces", classes="detail", markup=False)

    async def read(self) -> None:
        """All of it."""
        uid = self._study.study_instance_uid
        found = await self.backstage.look(lambda box: _look(box, uid))
        if found.study is None:
            self.say("This study is not on the box any more.", "warning")
            self.dismiss()
            return
        self._study = found.study
        self.query_one("#headline", Label).update(words.person(found.study.patient_name))
        self.query_one("#facts", Static).update(_facts(found.study))
        self.query_one(Listing).show(found.series)
        self.query_one("#traces", Static).update(_traces(found))

    async def action_share(self) -> None:
        """Make a link."""
        await self.app.push_screen(ShareDialog(self.backstage, self._study))

    async def action_send(self) -> None:
        """Send it away."""
        await self.app.push_screen(SendDialog(self.backstage, self._study))

    async def action_viewers(self) -> None:
        """Open it elsewhere."""
        await self.app.push_screen(ViewersDialog(self.backstage, self._study))

    async def action_priors(self) -> None:
        """Look elsewhere."""
        await self.app.push_screen(AskWhomDialog(self.backstage, self._study))


def _look(box: Box, uid: str) -> Findings:
    storage, sharing = box.storage, box.sharing
    shares = [(share, sharing.status(share)) for share in sharing.all(uid)]
    transfers = [transfer for transfer in box.transfers.all() if transfer.study_instance_uid == uid]
    return Findings(storage.studies.study(uid), storage.studies.series(uid), shares, transfers)


def _facts(study: Study) -> Text:
    """Names at the left, values at the right, two pairs a line."""
    pairs = [
        ("Patient", words.person(study.patient_name)),
        ("Born", words.date(study.patient_birth_date) or "unknown"),
        ("Patient ID", words.clean(study.patient_id)),
        ("Sex", words.sex(study.patient_sex) or "unknown"),
        ("Study", words.clean(study.study_description) or "(no description)"),
        ("Taken", f"{words.date(study.study_date)} {words.time(study.study_time)}".strip() or "unknown"),
        ("Requested by", words.person(study.referring_physician_name) if study.referring_physician_name else ""),
        ("Accession", words.clean(study.accession_number)),
        ("Received", words.minute(study.last_received)),
        ("Size", f"{words.plural(study.number_of_study_related_instances, 'image')}, {words.size(study.size)}"),
    ]
    text = Text(no_wrap=True, overflow="ellipsis")
    for at, (name, value) in enumerate(pairs):
        left = at % 2 == 0
        text.append(f"{name:<13}" if left else f"{name:<11}", "dim")
        text.append(fitted(value, 29) if left else value)
        text.append("  " if left else "\n")
    return text[:-1]


def _traces(found: Findings) -> Text:
    """The last links and transfers, a line each."""
    now = datetime.now(UTC)
    lines = [
        f"Link of {words.day(share.created)}: {status}, until {words.day(share.expires)}"
        for share, status in found.shares[:_LATEST]
    ]
    lines += [
        f"To {words.clean(transfer.peer)}, {words.when(transfer.updated, now)}: "
        f"{words.TRANSFER_STATE[transfer.state]}, {words.progress(transfer)} images"
        for transfer in found.transfers[:_LATEST]
    ]
    hidden = max(0, len(found.shares) - _LATEST) + max(0, len(found.transfers) - _LATEST)
    if hidden:
        lines.append(f"and {hidden} more: see Shares (F2) and Transfers (F3)")
    return Text("\n".join(lines or ["No link was made for it, and it was sent nowhere."]), no_wrap=True)


COLUMNS: list[Column[Series]] = [
    Column("No.", lambda series: words.clean(series.series_number), 5, right=True),
    Column("Type", lambda series: words.clean(series.modality), 5),
    Column("Series", words.series_title, weight=3),
    Column("Body part", lambda series: words.clean(series.body_part_examined), 16),
    Column("Device", lambda series: words.clean(series.manufacturer_model_name), 20, least=120),
    Column("Images", lambda series: f"{series.number_of_series_related_instances:,}", 6, right=True),
]
