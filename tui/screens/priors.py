"""Looking for a patient's other studies at another clinic: choose the clinic, choose the study, fetch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.box import Box
from appliance.dicom.model import Study
from appliance.priors.search import RemoteStudy
from appliance.storage.rows import Peer
from tui import words
from tui.backstage import Backstage
from tui.notices import EXPECTED, in_words
from tui.screens.fetch import FetchDialog
from tui.screens.listed import ListDesk
from tui.screens.peer_choice import PeerChoice, keys
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing


class AskWhomDialog(PeerChoice):
    """Which clinic to look at."""

    QUESTION = "Look for other studies at another clinic"
    HEAD = "Look at"
    NOBODY = "The box knows nobody to ask yet. Press a to add a clinic."
    BINDINGS = keys("Look there")

    def chosen(self, peer: Peer) -> None:
        """Ask it."""
        self.app.switch_screen(PriorsScreen(self.backstage, self.study, peer))


class PriorsScreen(ListDesk[RemoteStudy]):
    """What a clinic has of one patient."""

    NAME = "Other studies"
    BINDINGS = [
        Binding("enter", "fetch", "Fetch", tooltip="Bring the study here"),
        Binding("r", "ask", "Ask again", tooltip="Ask the clinic once more"),
        Binding("escape,q", "back", "Back", tooltip="Back to the study"),
    ]

    def __init__(self, backstage: Backstage, study: Study, peer: Peer) -> None:
        super().__init__(backstage)
        self._study = study
        self._peer = peer
        self._found: Sequence[RemoteStudy] = ()
        self._said = ""

    def listed(self) -> Listing[RemoteStudy]:
        """A row a study."""
        return Listing(STUDIES, lambda study: study.study_instance_uid, name="priors")

    def story(self, row: RemoteStudy) -> str:
        """What may be wrong with it."""
        return _story(row)

    def on_mount(self) -> None:
        """Ask at once."""
        who, where = words.person(self._study.patient_name), words.clean(self._peer.name)
        self.query_one("#headline", Label).update(f"{who} at {where}")
        self.action_ask()
        super().on_mount()

    async def read(self) -> None:
        """How much of each is here by now."""
        if not self._found:
            return
        uids = [study.study_instance_uid for study in self._found]
        here = await self.backstage.look(lambda box: _counts(box, uids))
        self._found = [replace(study, here=here.get(study.study_instance_uid, 0)) for study in self._found]
        self.listing.show(self._found)

    def action_ask(self) -> None:
        """Ask the clinic."""
        if not self._said.startswith("Asking"):
            self._say(f"Asking {words.clean(self._peer.name)} ...")
            self._ask()

    @work(group="asking")
    async def _ask(self) -> None:
        name, uid = self._peer.name, self._study.study_instance_uid
        try:
            found = await self.backstage.call(lambda box: box.priors.of_patient(name, uid))
        except EXPECTED as fault:
            self._say(in_words(fault))
            return
        self._found = [study for study in found if study.study_instance_uid != uid or study.here < study.images]
        self._say("" if self._found else f"{words.clean(name)} has no other study of this patient.")

    def _say(self, text: str) -> None:
        self._said = text
        self.listing.empty = text or "Reading ..."
        self.listing.show(self._found if not text else [])
        self.describe()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a study there is nothing to fetch."""
        return None if action == "fetch" and not self.listing.chosen else True

    async def action_fetch(self) -> None:
        """Bring it here; first make sure where it may be another person's."""
        study = self.listing.chosen
        if study is None:
            return
        if study.doubt:
            self.ask_first(
                "Is this the same person?",
                f"{words.person(study.patient_name)}: {_story(study)}",
                "Fetch it",
                lambda: self._fetch(study),
            )
        else:
            self._fetch(study)

    def _fetch(self, study: RemoteStudy) -> None:
        self.app.push_screen(FetchDialog(self.backstage, study, self._peer.name))


def _counts(box: Box, uids: Sequence[str]) -> dict[str, int]:
    found = box.storage.studies.studies(uids)
    return {study.study_instance_uid: study.number_of_study_related_instances for study in found}


def _story(study: RemoteStudy) -> str:
    """What staff should know before they fetch it."""
    born = words.date(study.patient_birth_date) or "unknown"
    whose = f"{words.person(study.patient_name)}, born {born}, ID {words.clean(study.patient_id) or 'unknown'}."
    return f"Perhaps not the same person ({study.doubt}): {whose}" if study.doubt else whose


def _here(study: RemoteStudy) -> Cell:
    if not study.here:
        return ""
    return ("yes", "good") if study.here >= study.images else (f"{study.here} of {study.images}", "warn")


STUDIES: list[Column[RemoteStudy]] = [
    Column("Taken", lambda study: words.date(study.study_date), 10),
    Column("Type", lambda study: words.modalities(study.modalities, 8), 8),
    Column("Study", lambda study: words.clean(study.study_description) or "(no description)", weight=3),
    Column("Patient", lambda study: words.person(study.patient_name), weight=2),
    Column("Doubt", lambda study: (study.doubt, "warn"), 19),
    Column("Images", lambda study: f"{study.images:,}" if study.images else "", 6, right=True),
    Column("Here", _here, 9),
]
