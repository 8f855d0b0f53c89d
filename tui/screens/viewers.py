"""Opening a study in a viewer on somebody's computer: choose which, then show its link."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.access.scope import EVERYTHING, Scope
from appliance.box import Box
from appliance.dicom.model import Study
from appliance.errors import NotFoundError
from appliance.viewers.links import Link
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.screens.viewer_link import ViewerLinkScreen
from tui.widgets.columns import Column
from tui.widgets.keys import KeyLine
from tui.widgets.listing import Listing

_CONSOLE = Scope("console", EVERYTHING)
_NONE = "No viewer is set up: see viewers.shown in the configuration."


class ViewersDialog(Dialog[None]):
    """Which viewer."""

    BINDINGS = [Binding("enter", "choose", "Show the link"), Binding("escape", "back", "Cancel")]

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage)
        self._study = study

    def compose(self) -> ComposeResult:
        """The study, the viewers, and what the chosen one needs."""
        with Vertical(classes="box"):
            yield Static("Open in a viewer", classes="question")
            yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
            yield Static(words.identity(self._study), classes="apart", markup=False)
            yield Listing(COLUMNS, lambda link: link.name, empty=_NONE, name="viewers")
            yield Static("", id="needs", classes="quiet", markup=False)
            yield KeyLine()

    @property
    def _listing(self) -> Listing[Link]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """The viewers there are."""
        try:
            self._listing.show(await self.backstage.look(self._links))
        except NotFoundError as fault:
            self.say(str(fault), "warning")
            self.dismiss()

    def _links(self, box: Box) -> list[Link]:
        return box.viewer_links.of(self._study.study_instance_uid, _CONSOLE)

    @on(Listing.Marked)
    def _explain(self) -> None:
        link = self._listing.chosen
        self.query_one("#needs", Static).update(link.needs if link else "")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a viewer there is nothing to show."""
        return None if action == "choose" and not self._listing.chosen else True

    async def action_choose(self) -> None:
        """The one that is marked."""
        link = self._listing.chosen if await self.settled() else None
        if link is not None:
            self._show(link.name)

    @work(group="changing", exclusive=True)
    async def _show(self, name: str) -> None:
        """Its link, made now: its minutes begin when it is seen."""
        links = await self.change(self._links)
        link = next((each for each in links or () if each.name == name), None)
        if link is not None:
            self.app.switch_screen(ViewerLinkScreen(self._study, link, self.backstage.box.config.clinic_url))


COLUMNS: list[Column[Link]] = [
    Column("Viewer", lambda link: words.clean(link.name), weight=2),
    Column("Gets the images by", lambda link: link.by, weight=2),
]
