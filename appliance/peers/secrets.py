"""Tokens and passwords that peers ask for: a file each, which the service alone can read; the index has its name."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from appliance.errors import NotFoundError
from appliance.storage.durable import fsync_folder
from appliance.storage.rows import Peer

_NAME = re.compile(r"[0-9a-f]{32}")
_LONGEST = 16384


class PeerSecrets:
    """The secrets of all peers, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, secret: str) -> str:
        """Keep it, durably; gives the name that `Peer.credential` has. Raises ValueError when it can't be one."""
        secret = checked(secret)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = secrets.token_hex(16)
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        fsync_folder(self._folder)
        return name

    def of(self, peer: Peer) -> str:
        """What `peer` asks for; empty when it asks for nothing. Raises `NotFoundError` when it is not here any more."""
        if not peer.credential:
            return ""
        try:
            return (self._folder / peer.credential).read_text("utf-8")
        except FileNotFoundError as fault:
            what = "password" if peer.user else "token"
            raise NotFoundError(
                f"The {what} of {peer.name} is not on this box.",
                f"Give it again: pacsbox peer change {peer.name!r} --{what} -",
            ) from fault

    def forget(self, name: str) -> None:
        """Delete it; deleting twice changes nothing."""
        if _NAME.fullmatch(name):
            (self._folder / name).unlink(missing_ok=True)


def checked(secret: str) -> str:
    """A token or password as people paste it, without white space around it. Raises ValueError, never quoting it."""
    found = secret.strip()
    if not found or len(found) > _LONGEST or not found.isprintable():
        raise ValueError(f"a token or password is one line of 1 to {_LONGEST} printable characters")
    return found
