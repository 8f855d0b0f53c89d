"""The cookie of an opened share: a signed note for one link, never the PIN, the code or a name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from aiohttp import web

from appliance.storage.rows import Share

_ALGORITHM = "HS256"
_AUDIENCE = "share"


@dataclass(frozen=True)
class Session:
    """What the note says; whether it still counts, the share's row decides."""

    share_id: int
    epoch: int
    id: str
    """Random; it tells one phone's visit from another's in the share's log."""
    expires: float
    """POSIX time."""


@dataclass(frozen=True)
class Sessions:
    """Writes and reads the cookie."""

    key: bytes
    minutes: int
    secure: bool
    """Whether patients come by https."""
    _ended: dict[str, float] = field(default_factory=dict)
    """Closed before their time: when each would have run out, by id."""

    @property
    def cookie(self) -> str:
        """Its name; the prefix makes browsers insist on https (RFC 6265bis 4.1.3.1)."""
        return "__Secure-share" if self.secure else "share"

    def open(self, response: web.StreamResponse, path: str, share: Share) -> None:
        """Give the visitor a session for the link at `path`, and for nothing beside it."""
        now = datetime.now(UTC)
        claims = {
            "aud": _AUDIENCE,
            "sub": str(share.id),
            "epoch": share.session_epoch,
            "jti": secrets.token_urlsafe(8),
            "iat": now,
            "exp": now + timedelta(minutes=self.minutes),
        }
        # Lax, not Strict: tapping the link in a message again must find the session that is still open.
        response.set_cookie(
            self.cookie,
            jwt.encode(claims, self.key, _ALGORITHM),
            max_age=self.minutes * 60,
            path=path,
            httponly=True,
            secure=self.secure,
            samesite="Lax",
        )

    def read(self, request: web.BaseRequest) -> Session | None:
        """The session that came with the request; None when there is none, or it is forged, over or closed."""
        try:
            claims = jwt.decode(
                request.cookies.get(self.cookie, ""),
                self.key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "aud", "jti"]},
            )
            session = Session(int(claims["sub"]), int(claims["epoch"]), str(claims["jti"]), float(claims["exp"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError):
            return None
        return None if session.id in self._ended else session

    def close(self, request: web.BaseRequest, response: web.StreamResponse, path: str) -> None:
        """End the session that came with the request: a copy of its cookie opens nothing either."""
        now = datetime.now(UTC).timestamp()
        for over in [one for one, expires in self._ended.items() if expires < now]:
            del self._ended[over]
        if session := self.read(request):
            self._ended[session.id] = session.expires
        response.del_cookie(self.cookie, path=path, httponly=True, secure=self.secure, samesite="Lax")
