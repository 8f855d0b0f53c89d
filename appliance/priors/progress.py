"""How a study comes in from a peer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """So far, and at the end."""

    arrived: int
    """Images that are safe here."""
    failed: int = 0
    """Images that the peer could not send, or that we could not take."""
    remaining: int = 0
    """Images that are still to come, as the peer counts."""
    why: str = ""
    """Why we could not take some; empty when we took all."""
