"""Access tokens: how programs beyond this machine show that staff let them in (RFC 6750, RFC 7519).

A token is a signed note with a number; what it is good for, and whether it still is, its row decides.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from appliance import events
from appliance.access.scope import Permission, Scope
from appliance.dicom.model import moment
from appliance.errors import NotFoundError, PacsboxError
from appliance.storage.contract import Storage
from appliance.storage.rows import AuditRow, Token

DAYS = 365
"""How long a token lives unless staff say otherwise."""
_MOST_DAYS = 3650
_LONGEST_NAME = 64
_ALGORITHM = "HS256"
_AUDIENCE = "pacsbox"
_ID_BYTES = 12


class TokenRefusedError(PacsboxError):
    """It is no token of this box, or not good any more; the message says which."""


@dataclass(frozen=True)
class NewToken:
    """What staff hand over, once: the text cannot be shown again."""

    token: Token
    text: str


@dataclass(frozen=True)
class TokenBook:
    """The tokens of this box."""

    storage: Storage
    key: bytes

    def create(self, name: str, may: Iterable[str], days: int = DAYS, expires: datetime | None = None) -> NewToken:
        """A new token that lives `days`, or until `expires`.

        Raises ValueError for a name, permission, days or end that can't be, `AlreadyExistsError` when a token of
        that name is in use.
        """
        name = checked_name(name)
        permissions = checked_permissions(may)
        if not 1 <= days <= _MOST_DAYS:
            raise ValueError(f"a token lives 1 to {_MOST_DAYS} days, not {days}")
        now = datetime.now(UTC)
        end = expires or now + timedelta(days=days)
        if not now < end <= now + timedelta(days=_MOST_DAYS):
            raise ValueError(f"a token ends in the next {_MOST_DAYS} days, not at {end:%Y-%m-%d %H:%M}")
        token = Token(secrets.token_urlsafe(_ID_BYTES), name, permissions, events.stamp(now), events.stamp(end))
        with self.storage.transaction():
            self.storage.tokens.add(token)
            self.storage.events.add(events.TOKEN_CHANGED, token=name, what="created")
            self.storage.audit.add([_noted("create", token.name)])
        return NewToken(token, self._signed(token))

    def all(self) -> list[Token]:
        """All tokens, newest first, those that are over too."""
        return self.storage.tokens.all()

    def revoke(self, name: str) -> None:
        """End the token in use of that name: its next request is refused. Raises `NotFoundError`."""
        with self.storage.transaction():
            if not self.storage.tokens.revoke(name):
                raise NotFoundError(f"There is no token {name!r} in use.", "See `pacsbox token list`.")
            self.storage.events.add(events.TOKEN_CHANGED, token=name, what="revoked")
            self.storage.audit.add([_noted("revoke", name)])

    def scope(self, text: str) -> Scope:
        """What the bearer of `text` may do, as its row says now. Raises `TokenRefusedError`."""
        try:
            claims = jwt.decode(
                text, self.key, [_ALGORITHM], audience=_AUDIENCE, options={"require": ["aud", "exp", "jti"]}
            )
        except jwt.ExpiredSignatureError as fault:
            raise TokenRefusedError("The token has expired.") from fault
        except (jwt.InvalidTokenError, ValueError) as fault:
            raise TokenRefusedError("This is no token of this box.") from fault
        token = self.check(str(claims["jti"]))
        return Scope(f"token {token.name}", frozenset(map(Permission, token.may)), by=f"token {token.id}")

    def check(self, token_id: str) -> Token:
        """The token of that number, which is in use. Raises `TokenRefusedError`."""
        token = self.storage.tokens.get(token_id)
        if token is None:
            raise TokenRefusedError("This is no token of this box.")
        if token.revoked:
            raise TokenRefusedError("The token was revoked.")
        if is_over(token):
            raise TokenRefusedError("The token has expired.")
        return token

    def _signed(self, token: Token) -> str:
        claims = {"aud": _AUDIENCE, "jti": token.id, "sub": token.name, "exp": moment(token.expires)}
        return jwt.encode(claims, self.key, _ALGORITHM)


def _noted(action: str, name: str) -> AuditRow:
    now = events.now()
    return AuditRow(now, now, "staff", "", action, f"token {name}", "", "ok")


def is_over(token: Token) -> bool:
    """Whether it was revoked, or its time is up."""
    return bool(token.revoked) or moment(token.expires) <= datetime.now(UTC)


def checked_name(name: str) -> str:
    """A name that people can tell from others; raises ValueError."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"a token's name is 1 to {_LONGEST_NAME} letters that can be printed, not {name[:80]!r}")
    return name


def checked_permissions(may: Iterable[str]) -> tuple[str, ...]:
    """Permissions in their order, each once; raises ValueError for an unknown one, or none at all."""
    wanted = [word.strip().lower() for word in may if word.strip()]
    for word in wanted:
        if word not in Permission.__members__.values():
            raise ValueError(f"a token may {', '.join(Permission)}; {word!r} is none of these")
    if not wanted:
        raise ValueError(f"say what the token may: {', '.join(Permission)}")
    return tuple(permission.value for permission in Permission if permission in wanted)
