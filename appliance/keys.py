"""Secrets of the box: files that the service alone can read, made at first start."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_LENGTH = 32


def key(folder: Path, name: str) -> bytes:
    """The random key `name`, 32 bytes; made when it is not there yet, by whichever process comes first."""
    path = folder / name
    try:
        return _checked(path)
    except FileNotFoundError:
        _make(path)
        return _checked(path)


def _checked(path: Path) -> bytes:
    value = path.read_bytes()
    if len(value) != _LENGTH:
        raise ValueError(f"{path} holds {len(value)} bytes instead of {_LENGTH}: delete it to have it made anew")
    return value


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # threads make one at once, as processes do
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_LENGTH))
        os.fsync(descriptor)
        # A link fails where another process was first, and no one ever sees half a key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()
