"""The frame around several parts of one answer (RFC 2046 5.1, PS3.18 8.6.1.2.1)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


def _boundary() -> str:
    """Long and random: viewers look for it in the bytes of images."""
    return f"pacsbox-{secrets.token_hex(24)}"


@dataclass(frozen=True)
class Multipart:
    """One answer of `multipart/related`."""

    media_type: str
    """Of the parts."""
    boundary: str = field(default_factory=_boundary)

    @property
    def content_type(self) -> str:
        """Of the whole."""
        return f'multipart/related; type="{self.media_type}"; boundary={self.boundary}'

    def head(self, content_type: str, location: str, first: bool) -> bytes:
        """What stands before a part. Lines end CRLF and names are capitalised: some viewers read no other."""
        line = "" if first else "\r\n"
        where = f"Content-Location: {location}\r\n" if location else ""
        return f"{line}--{self.boundary}\r\nContent-Type: {content_type}\r\n{where}\r\n".encode()

    @property
    def end(self) -> bytes:
        """What stands behind the last part."""
        return f"\r\n--{self.boundary}--\r\n".encode()
