"""The cookie of an opened share: a signed note for one link, never the PIN, the code or a name."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sessions:
    """Writes and reads the cookie."""

    key: bytes
    minutes: int
    secure: bool
    """Whether patients come by https."""

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
        """The session that came with the request; None when there is none, or it is forged or over."""
        try:
            claims = jwt.decode(
                request.cookies.get(self.cookie, ""),
                self.key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "aud", "jti"]},
            )
            return Session(int(claims["sub"]), int(claims["epoch"]), str(claims["jti"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError):
            return None

    def close(self, response: web.StreamResponse, path: str) -> None:
        """Take it back."""
        response.del_cookie(self.cookie, path=path, httponly=True, secure=self.secure, samesite="Lax")
