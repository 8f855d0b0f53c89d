"""Making, ending and opening shares: the rules; the pages and dialogs only ask.

A share's life:
    active --wrong PINs--> locked --staff re-arm it (a new PIN)--> active
    active | locked --time--> expired;  any --staff--> revoked, for good
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from appliance import events
from appliance.config import Shares as Policy
from appliance.dicom.model import moment
from appliance.errors import NotFoundError, PacsboxError
from appliance.shares import pin as pins
from appliance.shares.album import Album, album
from appliance.storage.contract import Storage
from appliance.storage.rows import Opening, Share

_CODE_BYTES = 16
"""128 bits: 22 characters, so that the QR fits a console of 24 lines."""


class Status(StrEnum):
    """What a share is now."""

    ACTIVE = "active"
    LOCKED = "locked"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Refusal(StrEnum):
    """Why a link does not open; none of them tells whose study it is."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"
    WRONG_PIN = "wrong pin"
    NO_SESSION = "no session"
    """The PIN was not given yet, or too long ago, or staff have renewed it."""
    GONE = "gone"
    """The study is not on the box any more."""


class ShareRefusedError(PacsboxError):
    """The link does not open: `refusal` says why."""

    def __init__(self, refusal: Refusal, attempts_left: int | None = None) -> None:
        super().__init__(f"The link does not open: {refusal}.")
        self.refusal = refusal
        self.attempts_left = attempts_left


@dataclass(frozen=True)
class NewShare:
    """What staff hand over, once: neither code nor PIN can be shown again."""

    share: Share
    link: str
    pin: str
    """Empty for a share without PIN."""


@dataclass(frozen=True)
class Sharing:
    """Shares of this box."""

    storage: Storage
    policy: Policy
    root: Callable[[], str]
    """Tells what a new link begins with, without a slash at the end."""

    def create(
        self, study_instance_uid: str, days: int | None = None, pin: str | None = None, *, no_pin: bool = False
    ) -> NewShare:
        """A new link to a study; `pin` None makes one of 6 digits.

        Raises `NotFoundError` for an unknown study, ValueError for days or a PIN that policy forbids.
        """
        if self.storage.studies.study(study_instance_uid) is None:
            raise NotFoundError(f"There is no study {study_instance_uid} here.")
        days = self.policy.days if days is None else days
        if not 1 <= days <= 3650:
            raise ValueError(f"a link lives 1 to 3650 days, not {days}")
        if no_pin and self.policy.pin == "required":
            raise ValueError("this box makes no link without a PIN (shares.pin is required)")
        secret = "" if no_pin else pins.checked(pin) if pin is not None else pins.make()
        code = base64.urlsafe_b64encode(secrets.token_bytes(_CODE_BYTES)).decode().rstrip("=")
        expires = events.stamp(datetime.now(UTC) + timedelta(days=days))
        hashed = pins.hashed(secret) if secret else ""
        with self.storage.transaction():
            share = self.storage.shares.add(study_instance_uid, _hash(code), hashed, expires)
            self._tell(share, "created")
        return NewShare(share, f"{self.root()}/s/{code}", secret)

    def get(self, share_id: int) -> Share:
        """By number. Raises `NotFoundError`."""
        share = self.storage.shares.get(share_id)
        if share is None:
            raise NotFoundError(f"There is no share {share_id}.", "See `pacsbox share list`.")
        return share

    def all(self, study_instance_uid: str = "") -> list[Share]:
        """All shares, or those of a study, newest first."""
        return self.storage.shares.all(study_instance_uid)

    def status(self, share: Share) -> Status:
        """What `share` is now."""
        if share.revoked:
            return Status.REVOKED
        if moment(share.expires) <= datetime.now(UTC):
            return Status.EXPIRED
        if share.pin_hash and share.failed_attempts >= self.policy.pin_attempts:
            return Status.LOCKED
        return Status.ACTIVE

    def revoke(self, share_id: int) -> None:
        """End it at once: the next request of an open page is refused. Raises `NotFoundError`."""
        share = self.get(share_id)
        with self.storage.transaction():
            self.storage.shares.revoke(share_id)
            self._tell(share, "revoked")

    def rearm(self, share_id: int, pin: str | None = None) -> str:
        """Unlock with a new PIN, which it returns; sessions of the old one end.

        Raises `NotFoundError`; ValueError when the PIN can't be one, or the share is over or has none.
        """
        share = self.get(share_id)
        if self.status(share) in (Status.REVOKED, Status.EXPIRED):
            raise ValueError(f"share {share_id} is {self.status(share)}: make a new one")
        if not share.pin_hash:
            raise ValueError(f"share {share_id} has no PIN to renew")
        secret = pins.checked(pin) if pin is not None else pins.make()
        hashed = pins.hashed(secret)
        with self.storage.transaction():
            self.storage.shares.rearm(share_id, hashed)
            self._tell(share, "re-armed")
        return secret

    def openings(self, share_id: int) -> list[Opening]:
        """Who opened it, when, and what they took, newest first. Raises `NotFoundError`."""
        return self.storage.shares.openings(self.get(share_id).id)

    def look_up(self, code: str) -> Share:
        """The share that a link's code names, if it may be opened; this opens and counts nothing.

        Raises `ShareRefusedError`; a locked share is found, since an open session goes on.
        """
        share = self.storage.shares.by_code(_hash(code))
        if share is None:
            raise ShareRefusedError(Refusal.UNKNOWN)
        return self._usable(share)

    def session(self, code: str, share_id: int, epoch: int) -> Share:
        """The share of a session that was unlocked in `epoch`; asked at each request, so revoking works at once.

        A session opens the link that it was made for and no other. Raises `ShareRefusedError`.
        """
        share = self.look_up(code)
        if (share.id, share.session_epoch) != (share_id, epoch):
            raise ShareRefusedError(Refusal.NO_SESSION)
        return share

    def album(self, share: Share) -> Album:
        """The pictures of the share's study, those that arrived since included. Raises `ShareRefusedError`."""
        studies, uid = self.storage.studies, share.study_instance_uid
        study = studies.study(uid)
        if study is None:
            raise ShareRefusedError(Refusal.GONE)
        return album(study, studies.series(uid), studies.instances(uid), share.code_hash)

    def _usable(self, share: Share) -> Share:
        status = self.status(share)
        if status is Status.REVOKED:
            raise ShareRefusedError(Refusal.REVOKED)
        if status is Status.EXPIRED:
            raise ShareRefusedError(Refusal.EXPIRED)
        if self.storage.studies.study(share.study_instance_uid) is None:
            raise ShareRefusedError(Refusal.GONE)
        return share

    def unlock(self, code: str, pin: str, address: str) -> Share:
        """Open a share with its PIN. Raises `ShareRefusedError`; every try is in the share's log."""
        share = self.look_up(code)
        if share.pin_hash:
            self._check_pin(share, pin, address)
        with self.storage.transaction():
            self.storage.shares.log(share.id, address, "opened")
            self._tell(share, "opened")
        return share

    def _check_pin(self, share: Share, pin: str, address: str) -> None:
        limit = self.policy.pin_attempts
        with self.storage.transaction():
            may_try = self.storage.shares.take_attempt(share.id, limit)
            if not may_try:
                self.storage.shares.log(share.id, address, "locked")
        if not may_try:
            raise ShareRefusedError(Refusal.LOCKED)
        right = pins.matches(share.pin_hash, pin)
        with self.storage.transaction():
            if right:
                self.storage.shares.give_back_attempt(share.id)
            else:
                self.storage.shares.log(share.id, address, "wrong pin")
        if not right:
            left = limit - self.get(share.id).failed_attempts
            if left <= 0:
                with self.storage.transaction():
                    self._tell(share, "locked")
            raise ShareRefusedError(Refusal.WRONG_PIN if left > 0 else Refusal.LOCKED, max(left, 0))

    def log(self, share: Share, address: str, what: str, detail: str = "") -> None:
        """Note in the share's log what was taken."""
        with self.storage.transaction():
            self.storage.shares.log(share.id, address, what, detail)

    def _tell(self, share: Share, what: str) -> None:
        self.storage.events.add(events.SHARE_CHANGED, share.study_instance_uid, share=share.id, what=what)


def _hash(code: str) -> str:
    """SHA-256 is enough for 128 random bits (OWASP ASVS 6.5.2)."""
    return hashlib.sha256(code.encode()).hexdigest()
