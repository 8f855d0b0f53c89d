"""A patient's access to a study, and the log of its openings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A patient's access to one study. Neither the code nor the PIN is kept, only what proves them."""

    id: int
    study_instance_uid: str
    code_hash: str
    """SHA-256 of the link's code, hex."""
    pin_hash: str
    """argon2id of the PIN; empty for a share without PIN."""
    created: str
    expires: str
    revoked: str
    """When staff ended it; empty while it runs."""
    failed_attempts: int
    """Wrong PINs in the share's whole life; staff re-arm it by setting it to 0."""
    session_epoch: int
    """Sessions opened in an older epoch are void."""


@dataclass(frozen=True)
class Opening:
    """One line of a share's log."""

    share_id: int
    at: str
    address: str
    what: str
    """`opened`, `wrong pin`, `locked`, `picture`, `document`, `download`, ..."""
    detail: str = ""
