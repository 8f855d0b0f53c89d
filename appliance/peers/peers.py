"""The book of peers: whom we may send to, and what they may do when they call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from appliance import events
from appliance.access.refusals import Refusal
from appliance.access.rights import Why
from appliance.errors import NotFoundError
from appliance.peers.checking import checked, checked_web, rechecked
from appliance.peers.secrets import PeerSecrets
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer, Right
from appliance.transfers import words
from appliance.transfers.queue import tell

_NOT_IN_NAMES = re.compile(r"[^\w .-]")
_PORT = 104
"""Assumed of a peer that is known by its calls alone (PS3.8 9.1.1)."""
GUEST = (Right.ECHO, Right.STORE)
"""What a peer gets beside what it was refused."""
_OF_AES = ("ae_title", "host", "port", "rights", "calls_from", "calls_us", "tls")
_OF_SERVERS = ("url", "user", "authority")
"""Fields that a peer of the other kind does not have."""


@dataclass(frozen=True)
class PeerBook:
    """Adding, finding and forgetting peers."""

    storage: Storage
    secrets: PeerSecrets

    def add(self, name: str, ae_title: str, host: str, port: int, **options: Any) -> Peer:
        """A new peer; `options` are the other fields of `Peer`.

        Raises ValueError when a value cannot be right, `AlreadyExistsError` when the name is taken.
        """
        peer = checked(name, ae_title, host, port, **options)
        return self._added(peer)

    def add_web(self, name: str, url: str, *, secret: str = "", **options: Any) -> Peer:
        """A new peer that is a DICOMweb server at `url`; `secret` is the token, or the password of `user`.

        Raises as `add`.
        """
        peer = checked_web(name, url, **options)
        return self._with_secret(secret, lambda credential: self._added(replace(peer, credential=credential)))

    def change(self, name: str, *, secret: str | None = None, **changes: Any) -> Peer:
        """Change fields of a peer; an empty `secret` takes its token or password away.

        Raises `NotFoundError`, and ValueError when a value cannot be right.
        """
        before = self.get(name)
        if secret is None:
            return self._changed(name, changes)
        if secret and not before.url:
            raise ValueError(f"{before.name} is called by DICOM, which knows no tokens or passwords")
        changed = self._with_secret(
            secret, lambda credential: self._changed(name, {**changes, "credential": credential})
        )
        self.secrets.forget(before.credential)
        return changed

    def _added(self, peer: Peer) -> Peer:
        with self.storage.transaction():
            self.storage.peers.add(peer)
            self.storage.events.add(events.PEER_CHANGED, peer=peer.name, what="added")
        return self.get(peer.name)

    def _changed(self, name: str, changes: Mapping[str, Any]) -> Peer:
        with self.storage.transaction():
            known = self.get(name)
            for field in _OF_AES if known.url else _OF_SERVERS:
                if field in changes:
                    what = "a DICOMweb server" if known.url else "called by DICOM"
                    raise ValueError(f"{known.name} is {what}: it has no {field.replace('_', ' ')}")
            peer = rechecked(replace(known, **changes))
            self.storage.peers.change(peer)
            self.storage.events.add(events.PEER_CHANGED, peer=peer.name, what="changed")
        return self.get(peer.name)

    def _with_secret(self, secret: str, act: Callable[[str], Peer]) -> Peer:
        """Keep `secret` before the index names it, and not without."""
        credential = self.secrets.keep(secret) if secret else ""
        try:
            return act(credential)
        except BaseException:
            self.secrets.forget(credential)
            raise

    def allow(self, refusals: Sequence[Refusal]) -> Peer:
        """Let a caller do all that it was refused, which are `refusals` of one caller: a new peer, or a changed one.

        Raises ValueError where no entry would help.
        """
        with self.storage.transaction():
            known = {peer.name: peer for peer in self.storage.peers.all()}
            peer = rechecked(allowed(refusals, known))
            if peer.name in known:
                self.storage.peers.change(peer)
            else:
                self.storage.peers.add(peer)
            self.storage.events.add(events.PEER_CHANGED, peer=peer.name, what="allowed")
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
            known = self.get(name)
            self.storage.peers.remove(name)
            self.storage.events.add(events.PEER_CHANGED, peer=name, what="removed")
            for transfer in self.storage.transfers.fail_all(name, words.peer_removed(name)):
                tell(self.storage, transfer)
        self.secrets.forget(known.credential)


def allowed(refusals: Sequence[Refusal], known: Mapping[str, Peer]) -> Peer:
    """The peer that would not have been refused: the known one with more, or a new one with no more than it asked."""
    curable = [refusal for refusal in refusals if refusal.curable]
    if not curable:
        raise ValueError("an entry among the peers would not help against that; see what it says")
    first = curable[0]
    peer = known.get(next((refusal.peer for refusal in curable if refusal.peer), ""))
    if peer is None:
        peer = Peer(_free_name(first.title, known), first.title, first.address, _PORT, rights=GUEST)
    for refusal in curable:
        peer = replace(peer, rights=(*peer.rights, *refusal.rights))
        if refusal.why == Why.CALLED:
            peer = replace(peer, calls_us=refusal.called)
        if refusal.why == Why.CERTIFICATE:
            raise ValueError(
                f"{peer.name} is pinned to a certificate; if it has a new one, import that: pacsbox tls import --peer"
            )
    if peer.host != first.address and first.address not in peer.calls_from:
        peer = replace(peer, calls_from=(*peer.calls_from, first.address))
    return peer


def _free_name(title: str, known: Mapping[str, Peer]) -> str:
    name = _NOT_IN_NAMES.sub("-", title).strip(" .-") or "peer"
    taken = {each.casefold() for each in known}
    candidates = chain((name,), (f"{name}-{number}" for number in count(2)))
    return next(each for each in candidates if each.casefold() not in taken)
