"""Adding a peer that is called by DICOM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.widgets import Input, Static

from appliance.access.rights import checked_rights
from appliance.box import Box
from appliance.peers.checking import checked
from appliance.storage.rows import Peer
from tui.notices import sentence
from tui.screens.peer_fields import PeerFields, keys
from tui.screens.peer_web import WebPeerForm

if TYPE_CHECKING:
    from appliance.discovery.neighbours import Neighbour

_RIGHT = {"name": "X", "ae_title": "X", "host": "x", "port": "1", "may": ""}


class PeerForm(PeerFields):
    """AE title, address and port."""

    QUESTION = "Add a peer"
    FIELDS = {
        "name": ("Name", "what you call them, such as CLINIC-B"),
        "ae_title": ("AE title", "as they gave it to you"),
        "host": ("Address", "a host name or an IP address"),
        "port": ("Port", "often 104 or 11112"),
        "may": ("May", "everything, nothing, or some of: echo, store, query, retrieve, worklist, mpps, commitment"),
    }
    GIVEN = {"may": "everything"}
    BINDINGS = keys(
        Binding("f7", "web", "DICOMweb", tooltip="Add a DICOMweb server instead, by its URL"),
        Binding("f8", "nearby", "Nearby", tooltip="Fill in from a device that announces itself on the network"),
    )
    _tls = False
    """Whether what was filled in from the network is called by TLS."""

    async def action_web(self) -> None:
        """It is a DICOMweb server."""
        await self.app.switch_screen(WebPeerForm(self.backstage))

    def action_nearby(self) -> None:
        """Who announces itself?"""
        # Late: it brings a library that the console seldom needs.
        from tui.screens.nearby import NearbyDialog

        self.app.push_screen(NearbyDialog(self.backstage), self._fill_in)

    def _fill_in(self, found: Neighbour | None) -> None:
        if found is None:
            return
        self._tls = found.tls
        self.query_one("#question", Static).update("Add a peer, called by TLS" if found.tls else self.QUESTION)
        values = {"name": found.ae_title, "ae_title": found.ae_title, "host": found.host, "port": str(found.port)}
        for name, value in values.items():
            self.query_one(f"#{name}", Input).value = value
        self.query_one("#name", Input).focus()

    def fault(self, field: str, value: str) -> str:
        """As `PeerFields`."""
        return fault(field, value)

    def add(self, box: Box, values: Mapping[str, str]) -> Peer:
        """As `PeerFields`."""
        name, ae_title, host, port, may = values.values()
        return box.peers.add(name, ae_title, host, int(port), rights=tuple(may.split(",")), tls=self._tls)


def fault(field: str, value: str) -> str:
    """What is wrong with one field, in words; empty when nothing is."""
    values = _RIGHT | {field: value}
    if not value:
        return "Please fill this in."
    if not values["port"].isdecimal():
        return f"A port is a number from 1 to 65535, not {value!r}."
    try:
        checked_rights(values["may"].split(","))
        checked(values["name"], values["ae_title"], values["host"], int(values["port"]))
    except ValueError as wrong:
        return sentence(str(wrong))
    return ""
