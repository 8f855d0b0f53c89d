"""Who shows a text at the clinic door (RFC 6750): a program with its token, or a viewer with a pass for one study.

A pass is made for a link that opens a study in a viewer: it lives for minutes, lets nothing in, and ends with what let
its maker in. It has no row: what it is good for is signed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from appliance.access.scope import NotAllowedError, Permission, Scope
from appliance.access.staff import LoginRefusedError, StaffBook
from appliance.access.tokens import TokenBook, TokenRefusedError

_ALGORITHM = "HS256"
_AUDIENCE = "study"
_LOOKING = frozenset((Permission.QUERY, Permission.RETRIEVE))


@dataclass(frozen=True)
class Pass:
    """What goes into a link."""

    text: str
    expires: datetime


@dataclass(frozen=True)
class Bearers:
    """All texts that this box has given out."""

    tokens: TokenBook
    staff: StaffBook
    key: bytes

    def pass_for(self, study_instance_uid: str, scope: Scope, minutes: int) -> Pass:
        """A pass for looking at that study, made by whom `scope` is of. Raises `NotAllowedError`.

        It holds no name but the study's UID. Whoever came by a pass makes no other: it would never end.
        """
        for permission in sorted(_LOOKING):
            scope.check(permission)
        if scope.study:
            raise NotAllowedError("This access is for one study, and makes no links.")
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
        claims = {"aud": _AUDIENCE, "sub": study_instance_uid, "exp": end, "by": scope.by or scope.who}
        return Pass(jwt.encode({**claims, "jti": secrets.token_urlsafe(6)}, self.key, _ALGORITHM), end)

    def scope(self, text: str) -> Scope:
        """What the bearer of `text` may do now. Raises `TokenRefusedError`."""
        try:
            claims = jwt.decode(text, self.key, [_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp", "sub"]})
        except jwt.ExpiredSignatureError as fault:
            raise TokenRefusedError("The link has expired: make a new one.") from fault
        except (jwt.InvalidTokenError, ValueError):
            return self.tokens.scope(text)
        return Scope(f"{self._maker(str(claims['by']))} by link", _LOOKING, str(claims["sub"]))

    def _maker(self, by: str) -> str:
        """Who made the pass, if they are still let in."""
        kind, *rest = by.split(" ")
        try:
            if kind == "staff":
                return self.staff.scope(*map(int, rest)).who
            return f"token {self.tokens.check(*rest).name}" if kind == "token" else by
        except (LoginRefusedError, TokenRefusedError) as fault:
            raise TokenRefusedError("Who made the link is not let in any more.") from fault
