"""What needs a person: services that are down, a full disk, files that could not be taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Label, Static

from appliance.box import Box
from appliance.dicom import header
from appliance.errors import StorageFullError, UnreadableInstanceError
from appliance.health import disk, services
from appliance.health.finding import Finding, Severity
from appliance.spool.spool import SetAside
from tui import words
from tui.notices import sentence
from tui.screens.desk import Desk
from tui.widgets.columns import Column
from tui.widgets.listing import Listing

_REJECTED = (
    "It is kept safe, but it is not in the list of studies. Press r to try once more. If that does not"
    " help, ask who sent it what it is."
)
_CONFLICT = "The image that came first stays in use. The other is kept aside: ask whoever looks after the box."
_MOST = 500
"""Files that are shown of each kind."""


@dataclass(frozen=True)
class Concern:
    """One thing that needs a person."""

    what: str
    says: str
    advice: str
    at: str = ""
    file: SetAside | None = None
    """The file in the spool, where it concerns one."""
    rejected: bool = False
    """Whether the file may be tried again."""


class AttentionScreen(Desk):
    """A line each, with what to do at the foot."""

    NAME = "Needs attention"
    BINDINGS = [
        Binding("r", "retry", "Try again", tooltip="Give this file to the indexer once more"),
        Binding("a", "retry_all", "Try all again", tooltip="Give all unreadable files to the indexer once more"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def body(self) -> ComposeResult:
        """The concerns, and what to do about the chosen one."""
        yield Listing(COLUMNS, _key, name="concerns")
        yield Static("", id="detail", classes="detail tall", markup=False)

    @property
    def _listing(self) -> Listing[Concern]:
        return self.query_one(Listing)

    def on_mount(self) -> None:
        """Services come and go without news in the index."""
        self.set_interval(2.0, self.reload)
        super().on_mount()

    async def read(self) -> None:
        """All concerns."""
        concerns = await self.backstage.look(_look)
        self._listing.empty = "Nothing needs attention."
        self._listing.show(concerns)
        self.query_one("#headline", Label).update(words.plural(len(concerns), "thing") if concerns else "")

    @on(Listing.Marked)
    def _describe(self) -> None:
        concern = self._listing.chosen
        said = f"{concern.says}\n{concern.advice}" if concern else ""
        self.query_one("#detail", Static).update(said)
        self.refresh_bindings()
        if concern and concern.file and not concern.rejected:
            self._tell_whose(concern, concern.file)

    @work(exclusive=True, group="whose")
    async def _tell_whose(self, concern: Concern, file: SetAside) -> None:
        whose = await self.backstage.look(lambda _box: _whose(file))
        if self._listing.chosen == concern:
            self.query_one("#detail", Static).update(f"{whose}\n{concern.says}\n{concern.advice}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a file that could not be read can be tried again."""
        if action == "retry":
            concern = self._listing.chosen
            return True if concern and concern.rejected else None
        if action == "retry_all":
            return True if any(concern.rejected for concern in self._listing.rows) else None
        return True

    def action_retry(self) -> None:
        """Once more."""
        concern = self._listing.chosen
        self._retry([concern] if concern else [])

    def action_retry_all(self) -> None:
        """All of them once more."""
        self._retry(self._listing.rows)

    @work(group="changing")
    async def _retry(self, concerns: list[Concern]) -> None:
        files = [concern.file for concern in concerns if concern.file and concern.rejected]
        done = await self.change(lambda box: _give_again(box, files))
        if files and done:
            self.say(f"{words.plural(len(files), 'file')} given to the indexer once more.")
            self.reload()


def _look(box: Box) -> list[Concern]:
    findings = [*services.check(box), *_disk(box)]
    wrong = [Concern(f.about.capitalize(), f.says, f.advice) for f in findings if f.severity is Severity.PROBLEM]
    try:
        spool = box.spool("tui")
    except StorageFullError as fault:
        return [Concern("Disk", str(fault), fault.hint), *wrong]
    rejected = [_concern(file, "Unreadable", _REJECTED) for file in spool.set_aside(spool.rejected)[:_MOST]]
    conflicts = [_concern(file, "Contradiction", _CONFLICT) for file in spool.set_aside(spool.conflicts)[:_MOST]]
    return [*wrong, *rejected, *conflicts]


def _disk(box: Box) -> list[Finding]:
    try:
        return list(disk.check(box))
    except StorageFullError:
        return []


def _concern(file: SetAside, what: str, advice: str) -> Concern:
    return Concern(what, sentence(words.clean(file.reason)), advice, file.at, file, advice is _REJECTED)


def _whose(file: SetAside) -> str:
    try:
        about = header.read(file.entry.path)
    except (UnreadableInstanceError, OSError):
        return ""
    return words.dotted(words.person(about.study["patient_name"]), words.clean(about.study["study_description"]))


def _give_again(box: Box, files: list[SetAside]) -> bool:
    spool = box.spool("tui")
    for file in files:
        spool.retry(file.entry)
    return True


def _key(concern: Concern) -> str:
    return concern.file.entry.name if concern.file else f"{concern.what} {concern.says}"


COLUMNS: list[Column[Concern]] = [
    Column("What", lambda concern: (concern.what, "warn"), 13),
    Column("Why", lambda concern: concern.says),
    Column("Since", lambda concern: words.when(concern.at, datetime.now(UTC)), 8),
]
