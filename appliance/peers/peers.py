"""The book of peers: whom we may send to, and what they may do when they call."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any
from urllib.parse import urlsplit

from appliance import events
from appliance.access.refusals import Refusal
from appliance.access.rights import Why, checked_rights, networks
from appliance.dicom import charset
from appliance.errors import NotFoundError
from appliance.peers.secrets import PeerSecrets
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer, Right
from appliance.tls import certificates
from appliance.transfers import words
from appliance.transfers.queue import tell

_NAME = re.compile(r"[\w][\w .-]{0,31}")
_NOT_IN_NAMES = re.compile(r"[^\w .-]")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_PORT = 104
"""Assumed of a peer that is known by its calls alone (PS3.8 9.1.1)."""
GUEST = (Right.ECHO, Right.STORE)
"""What a peer gets beside what it was refused."""
_HOST = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}(?<!-)")
_WEB_PORTS = {"http": 80, "https": 443}
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
            peer = _checked(replace(known, **changes))
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
            peer = _checked(allowed(refusals, known))
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


def checked(name: str, ae_title: str, host: str, port: int, **options: Any) -> Peer:
    """A peer whose values can be right; raises ValueError naming the one that can't."""
    return _checked(Peer(name, ae_title, host, port, **options))


def checked_web(name: str, url: str, **options: Any) -> Peer:
    """A DICOMweb server whose values can be right; raises ValueError naming the one that can't."""
    return _checked(Peer(name, "", "", 0, rights=(), url=url.strip() or "-", **options))


def _checked(peer: Peer) -> Peer:
    if peer.url:
        return _checked_server(peer)
    name, ae_title, host, calls_us = (text.strip() for text in (peer.name, peer.ae_title, peer.host, peer.calls_us))
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name is 1 to 32 letters, digits, spaces, dots and dashes, not {name!r}")
    for title in (ae_title, calls_us or ae_title):
        if not 1 <= len(title) <= 16 or "\\" in title or not (title.isascii() and title.isprintable()):
            raise ValueError(f"an AE title is 1 to 16 plain ASCII characters without a backslash, not {title!r}")
    if not _is_host(host):
        raise ValueError(f"give a host name or an IP address, not {host!r}")
    if not 1 <= peer.port <= 65535:
        raise ValueError(f"a port is a number from 1 to 65535, not {peer.port}")
    return replace(
        peer,
        name=name,
        ae_title=ae_title,
        host=host,
        calls_us=calls_us,
        rights=checked_rights(peer.rights),
        calls_from=tuple(str(network) for network in networks(peer.calls_from)),
        fingerprint=checked_fingerprint(peer.fingerprint),
        character_set=charset.checked(peer.character_set),
    )


def _checked_server(peer: Peer) -> Peer:
    name, url, user = peer.name.strip(), peer.url.strip().rstrip("/"), peer.user.strip()
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name is 1 to 32 letters, digits, spaces, dots and dashes, not {name!r}")
    scheme, host, port = _parts(url)
    if ":" in user or not user.isprintable():
        raise ValueError("a user's name has no colon and no control characters")
    fingerprint = checked_fingerprint(peer.fingerprint)
    if scheme == "http" and (fingerprint or peer.authority):
        raise ValueError("a certificate needs a URL that begins with https://")
    return replace(
        peer,
        name=name,
        host=host,
        port=port,
        tls=scheme == "https",
        url=url,
        user=user,
        fingerprint=fingerprint,
        authority=_checked_authority(peer.authority),
        character_set=charset.checked(peer.character_set),
    )


def _parts(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a DICOMweb URL. Raises ValueError, which doesn't quote it: it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f"the URL cannot be read: {fault}") from fault
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave the user and password out of the URL: they are asked for by themselves")
    if parts.scheme not in _WEB_PORTS or not parts.hostname or not _is_host(parts.hostname):
        raise ValueError("a DICOMweb URL is written https://pacs.clinic.example/dicom-web")
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a DICOMweb URL ends with its path, without ? and #, and has plain ASCII characters alone")
    return parts.scheme, parts.hostname, port or _WEB_PORTS[parts.scheme]


def _checked_authority(pem: str) -> str:
    """The certificates of a PEM, without anything else."""
    return certificates.without_key(pem.encode()).decode("ascii") if pem else ""


def checked_fingerprint(text: str) -> str:
    """A certificate's SHA-256 as programs print it, with or without colons; raises ValueError."""
    found = text.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if found and not _FINGERPRINT.fullmatch(found):
        raise ValueError(f"a fingerprint is a SHA-256 of 64 hexadecimal digits, not {text!r}")
    return found


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


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True
