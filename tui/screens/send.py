"""Sending a study to another clinic: choose the peer, then watch it arrive."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work

from appliance.dicom.model import Study
from appliance.storage.rows import Peer
from tui import words
from tui.backstage import Backstage
from tui.screens.peer_choice import PeerChoice, keys
from tui.screens.progress import ProgressDialog


class SendDialog(PeerChoice):
    """Whom to send to."""

    QUESTION = "Send to another clinic"
    HEAD = "Send to"
    NOBODY = "The box knows nobody to send to yet. Press a to add a clinic."
    BINDINGS = keys("Send")

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage, study)
        self._sending = False

    def about(self) -> Sequence[str]:
        """Whose, and what would be sent."""
        return words.identity(self.study), words.contents(self.study)

    def chosen(self, peer: Peer) -> None:
        """Queue it, once, and show how it goes."""
        if not self._sending:
            self._sending = True
            self._queue(peer)

    @work(group="changing")
    async def _queue(self, peer: Peer) -> None:
        uid = self.study.study_instance_uid
        transfer = await self.change(lambda box: box.transfers.enqueue(uid, peer.name))
        self._sending = False
        if transfer is not None:
            self.app.switch_screen(ProgressDialog(self.backstage, self.study, transfer))
