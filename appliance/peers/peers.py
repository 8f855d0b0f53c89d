"""The book of peers: whom we may send to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from appliance import events
from appliance.errors import NotFoundError
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer
from appliance.transfers import words
from appliance.transfers.queue import tell

_NAME = re.compile(r"[\w][\w .-]{0,31}")
_HOST = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}(?<!-)")


@dataclass(frozen=True)
class PeerBook:
    """Adding, finding and forgetting peers."""

    storage: Storage

    def add(self, name: str, ae_title: str, host: str, port: int) -> Peer:
        """A new peer.

        Raises ValueError when a value cannot be right, `AlreadyExistsError` when the name is taken.
        """
        peer = checked(name, ae_title, host, port)
        with self.storage.transaction():
            self.storage.peers.add(peer)
            self.storage.events.add(events.PEER_CHANGED, peer=peer.name, what="added")
        return self.get(peer.name)

    def get(self, name: str) -> Peer:
        """By name, in whatever case. Raises `NotFoundError`."""
        peer = self.storage.peers.get(name)
        if peer is None:
            raise NotFoundError(f"There is no peer {name!r}.", "See `pacsbox peer list`.")
        return peer

    def all(self) -> list[Peer]:
        """All peers by name."""
        return self.storage.peers.all()

    def remove(self, name: str) -> None:
        """Forget a peer, and fail what waits for it: the next of that name may be another. Raises `NotFoundError`."""
        with self.storage.transaction():
            if not self.storage.peers.remove(name):
                raise NotFoundError(f"There is no peer {name!r}.", "See `pacsbox peer list`.")
            self.storage.events.add(events.PEER_CHANGED, peer=name, what="removed")
            for transfer in self.storage.transfers.fail_all(name, words.peer_removed(name)):
                tell(self.storage, transfer)


def checked(name: str, ae_title: str, host: str, port: int) -> Peer:
    """A peer whose values can be right; raises ValueError naming the one that can't."""
    name, ae_title, host = name.strip(), ae_title.strip(), host.strip()
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name is 1 to 32 letters, digits, spaces, dots and dashes, not {name!r}")
    if not 1 <= len(ae_title) <= 16 or "\\" in ae_title or not (ae_title.isascii() and ae_title.isprintable()):
        raise ValueError(f"an AE title is 1 to 16 plain ASCII characters without a backslash, not {ae_title!r}")
    if not _is_host(host):
        raise ValueError(f"give a host name or an IP address, not {host!r}")
    if not 1 <= port <= 65535:
        raise ValueError(f"a port is a number from 1 to 65535, not {port}")
    return Peer(name, ae_title, host, port)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True
