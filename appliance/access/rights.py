"""Who may do what over DIMSE: decided by AE titles, address and certificate, before anything is answered."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from appliance.storage.rows import EVERYTHING, Right

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Why(StrEnum):
    """Kinds of refusal."""

    CALLED = "called AE title"
    OUTSIDE = "not on the LAN"
    UNKNOWN = "not a peer"
    ADDRESS = "another address"
    CERTIFICATE = "certificate"
    RIGHT = "no right"
    CROWDED = "too many associations"
    HANDSHAKE = "TLS"


@dataclass(frozen=True)
class Call:
    """An association that somebody asks for."""

    title: str
    called: str
    address: str
    fingerprint: str = ""
    """SHA-256 of the certificate that it showed, hex; empty without one."""


@dataclass(frozen=True)
class Known:
    """A peer as a caller."""

    name: str
    ae_title: str
    networks: tuple[Network, ...]
    """Where it may call from."""
    rights: tuple[str, ...]
    calls_us: str = ""
    """An AE title that it may call us by, beside our own."""
    fingerprint: str = ""
    """The only certificate that it goes by; empty: any, or none."""

    def lacks(self, call: Call) -> Why | None:
        """What is missing for `call`, which has its AE title, to be its own; a certificate proves more than
        an address."""
        if self.fingerprint:
            return None if call.fingerprint == self.fingerprint else Why.CERTIFICATE
        return None if within(call.address, self.networks) else Why.ADDRESS


@dataclass(frozen=True)
class Verdict:
    """What a caller may do, and why no more."""

    rights: frozenset[str]
    why: Why
    """The reason for whatever is refused."""
    peer: str = ""
    """The peer that it is, or is not quite."""

    @property
    def accepted(self) -> bool:
        """Whether there is anything that it may do."""
        return bool(self.rights)


@dataclass(frozen=True)
class Policy:
    """The rules in force."""

    titles: tuple[str, ...] = ("PACSBOX",)
    """Our own AE titles."""
    check_called: bool = True
    strangers_may: tuple[str, ...] = (Right.ECHO, Right.STORE)
    lan: tuple[Network, ...] = ()
    """Where strangers are let in from."""
    peers: tuple[Known, ...] = ()

    def judge(self, call: Call) -> Verdict:
        """What `call` may do. A peer that is not quite itself is a stranger."""
        namesakes = [peer for peer in self.peers if peer.ae_title == call.title]
        peer = next((peer for peer in namesakes if peer.lacks(call) is None), None)
        name = peer.name if peer else namesakes[0].name if namesakes else ""
        if self.check_called and call.called not in (*self.titles, peer.calls_us if peer else self.titles[0]):
            return Verdict(frozenset(), Why.CALLED, name)
        if peer:
            return Verdict(frozenset(peer.rights), Why.RIGHT, name)
        missing = namesakes[0].lacks(call) if namesakes else None
        if not within(call.address, self.lan):
            return Verdict(frozenset(), missing or Why.OUTSIDE, name)
        return Verdict(frozenset(self.strangers_may), missing or Why.UNKNOWN, name)


def within(address: str, networks: Iterable[Network]) -> bool:
    """Whether `address` is in one of `networks`; an IPv4 address in IPv6's clothes counts as itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as people write them: `10.0.0.7`, `10.0.0.0/24`. Raises ValueError naming a wrong one."""
    return tuple(_network(text.strip()) for text in texts if text.strip())


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as fault:
        raise ValueError(f"give an address such as 10.0.0.7 or a network such as 10.0.0.0/24, not {text!r}") from fault


def checked_rights(words: Iterable[str]) -> tuple[str, ...]:
    """Rights in their order, each once; `everything` and `nothing` are short for all and none.

    Raises ValueError for an unknown one.
    """
    wanted = {word.strip().lower() for word in words} - {"", "nothing"}
    if "everything" in wanted:
        return tuple(right.value for right in Right)
    for word in sorted(wanted):
        if word not in EVERYTHING:
            raise ValueError(f"a peer may {', '.join(Right)}, everything or nothing; {word!r} is none of these")
    return tuple(right.value for right in Right if right in wanted)


def in_short(rights: Iterable[str]) -> str:
    """Rights as people read them, after "it may"."""
    found = tuple(rights)
    if set(found) >= set(EVERYTHING):
        return "do everything"
    return ", ".join(found) or "do nothing"
