"""Remote AEs and DICOMweb servers that we know, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What a caller may be allowed by DIMSE; each service asks for one."""

    ECHO = "echo"
    STORE = "store"
    QUERY = "query"
    RETRIEVE = "retrieve"
    WORKLIST = "worklist"
    MPPS = "mpps"
    COMMITMENT = "commitment"


EVERYTHING = tuple(right.value for right in Right)


@dataclass(frozen=True)
class Peer:
    """A remote AE that we know, or a DICOMweb server: then `url` is set, `host` and `port` are from it."""

    name: str
    """What staff call it; unique without regard to case."""
    ae_title: str
    """Empty for a DICOMweb server."""
    host: str
    port: int
    created: str = ""
    rights: tuple[str, ...] = EVERYTHING
    """What it may do when it calls: `Right`."""
    calls_from: tuple[str, ...] = ()
    """Addresses and networks that it may call from, beside `host`."""
    calls_us: str = ""
    """An AE title that it may call us by, beside our own."""
    fingerprint: str = ""
    """SHA-256 of its only certificate, hex; empty: it is not pinned."""
    tls: bool = False
    """Whether it is called by TLS."""
    character_set: str = ""
    """(0008,0005) of what it sends without one, backslashes included; empty: ASCII, as the standard says."""
    overrides_character_set: bool = False
    """Whether that counts also where it sends another."""
    url: str = ""
    """Of a DICOMweb server, without a slash at the end: `/studies` is below it."""
    user: str = ""
    """The name that goes with the password; empty: the secret is a bearer token."""
    credential: str = ""
    """Which of the box's secrets it asks for (`peers.secrets`); empty: none."""
    authority: str = ""
    """PEM of the only CA whose word counts for a DICOMweb server; empty: the system's, and those that we trust."""

    @property
    def title(self) -> str:
        """What stands for it in lists where AEs have their titles."""
        return "DICOMweb" if self.url else self.ae_title

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return self.url or f"{self.host}:{self.port}"
