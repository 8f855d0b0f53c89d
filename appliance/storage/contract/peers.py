"""Remote AEs and DICOMweb servers in the index."""

from __future__ import annotations

from typing import Protocol

from appliance.storage.rows.peers import Peer


class Peers(Protocol):
    """Remote AEs and DICOMweb servers that we know."""

    def add(self, peer: Peer) -> None:
        """A new peer; raises `AlreadyExistsError` when the name is taken, in whatever case."""

    def get(self, name: str) -> Peer | None:
        """By name, without regard to case."""

    def all(self) -> list[Peer]:
        """All peers by name."""

    def change(self, peer: Peer) -> bool:
        """Put `peer` in the place of the one of its name, in whatever case; False when there is none."""

    def remove(self, name: str) -> bool:
        """Forget it; False when there is none of that name."""
