"""Adding a peer that is a DICOMweb server."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.box import Box
from appliance.peers.checking import checked_web
from appliance.peers.secrets import checked as checked_secret
from appliance.storage.rows import Peer
from tui.notices import sentence
from tui.screens.peer_fields import PeerFields, keys

_RIGHT = {"name": "X", "url": "https://x", "user": "", "secret": "", "fingerprint": ""}


class WebPeerForm(PeerFields):
    """A URL, and what the server asks for."""

    QUESTION = "Add a DICOMweb server"
    FIELDS = {
        "name": ("Name", "what you call them, such as CLINIC-B"),
        "url": ("URL", "https://pacs.clinic.example/dicom-web"),
        "user": ("User", "empty, if they gave you a token or nothing"),
        "secret": ("Secret", "the token or password, if they gave one"),
        "fingerprint": ("Pin", "SHA-256 of a certificate without a CA"),
    }
    HIDDEN = ("secret",)
    BINDINGS = keys()

    def left(self, field: str) -> list[str]:
        """The fields below first, since most of them may stay empty; then those that are not right yet."""
        names = list(self.FIELDS)
        return names[names.index(field) + 1 :] or super().left(field)

    def fault(self, field: str, value: str) -> str:
        """As `PeerFields`."""
        return fault(field, value)

    def add(self, box: Box, values: Mapping[str, str]) -> Peer:
        """As `PeerFields`."""
        return box.peers.add_web(**values)


def fault(field: str, value: str) -> str:
    """What is wrong with one field, in words; empty when nothing is."""
    values = _RIGHT | {field: value}
    if not value and field in ("name", "url"):
        return "Please fill this in."
    try:
        if values["secret"]:
            checked_secret(values["secret"])
        checked_web(values["name"], values["url"], user=values["user"], fingerprint=values["fingerprint"])
    except ValueError as wrong:
        return sentence(str(wrong))
    return ""
