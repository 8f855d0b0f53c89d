"""The peers as callers, for a receiver that may not wait for the index, nor be without it.

The index decides. A copy of what it said last is in a small file and in memory, and counts as long as the index is
locked, missing or broken. Host names are looked up now and then; an address that was found once counts until another
is found.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from appliance.access.rights import Known, networks
from appliance.errors import IndexUnavailableError
from appliance.storage.durable import write_file
from appliance.storage.rows import Peer
from appliance.storage.sqlite.peers import read_peers

log = logging.getLogger(__name__)

_PATIENCE = 0.2
"""Seconds to wait for an index that is locked."""
_LOOK_UP = 300.0
"""Seconds between two look-ups of the same host name."""
_SETTLES = 60 * 10**9
"""Nanoseconds that a commit may take."""

State = tuple[tuple[int, int, int], ...]


class KnownPeers:
    """The peers as the index has them, or had them last."""

    def __init__(self, index: Path, copy: Path) -> None:
        """`copy` is the file that keeps what the index said."""
        self._index = index
        self._copy = copy
        self._peers: list[Peer] = []
        self._addresses: dict[str, list[str]] = {}
        self._looked_up: dict[str, float] = {}
        self._state: State = ()
        self._ill = False

    def start(self) -> None:
        """Know what the copy says, and the index if it answers at once."""
        self._read_copy()
        self._read_index()

    def refresh(self) -> bool:
        """Ask the index if it has changed, and look up names whose time has come; whether anything is different."""
        different = self._read_index()
        for host in {peer.host for peer in self._peers}:
            different |= self._look_up(host)
        if different:
            self._write_copy()
        return different

    def callers(self) -> tuple[Known, ...]:
        """All of them."""
        return tuple(self._known(peer) for peer in self._peers)

    def _known(self, peer: Peer) -> Known:
        addresses = self._addresses.get(peer.host, [peer.host] if _is_address(peer.host) else [])
        return Known(
            peer.name,
            peer.ae_title,
            networks((*addresses, *peer.calls_from)),
            peer.rights,
            peer.calls_us,
            peer.fingerprint,
        )

    def _read_index(self) -> bool:
        state = _state(self._index)
        if state == self._state:
            return False
        try:
            peers = read_peers(self._index, _PATIENCE)
        except IndexUnavailableError as fault:
            if not self._ill:
                log.warning("%s The peers are those that were known before.", fault)
            self._ill = True
            return False
        self._state, self._ill = state if _is_settled(state) else (), False
        # DICOMweb servers don't call by DIMSE.
        peers = [peer for peer in peers if not peer.url]
        different, self._peers = peers != self._peers, peers
        return different

    def _look_up(self, host: str) -> bool:
        if _is_address(host) or time.monotonic() < self._looked_up.get(host, 0.0):
            return False
        self._looked_up[host] = time.monotonic() + _LOOK_UP
        try:
            found = sorted({str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(host, None)})
        except (OSError, UnicodeError):
            return False
        if found == self._addresses.get(host):
            return False
        self._addresses[host] = found
        return True

    def _read_copy(self) -> None:
        try:
            rows = orjson.loads(self._copy.read_bytes())
            self._peers = [_peer(row) for row in rows["peers"]]
            self._addresses = rows["addresses"]
        except (OSError, ValueError, TypeError, KeyError) as fault:
            if not isinstance(fault, FileNotFoundError):
                log.warning("%s cannot be read: %s", self._copy, fault)

    def _write_copy(self) -> None:
        named = {peer.host for peer in self._peers}
        addresses = {host: found for host, found in self._addresses.items() if host in named}
        try:
            write_file(self._copy, orjson.dumps({"peers": list(map(asdict, self._peers)), "addresses": addresses}))
        except OSError as fault:
            log.warning("%s cannot be written: %s", self._copy, fault.strerror)


def _peer(row: dict[str, Any]) -> Peer:
    return Peer(**{**row, "rights": tuple(row["rights"]), "calls_from": tuple(row["calls_from"])})


def _state(index: Path) -> State:
    """What changes with every commit: the file, and its journal, which takes commits first."""
    found = []
    for path in (index, index.with_name(f"{index.name}-wal")):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _is_settled(state: State) -> bool:
    """Whether the last commit has long been seen: it is in the file before its flush, and in force after that."""
    return bool(state) and max(changed for _, _, changed in state) < time.time_ns() - _SETTLES


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
