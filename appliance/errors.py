"""The errors of our own: a sentence for people, and a hint for who runs the box."""

from __future__ import annotations


class PacsboxError(Exception):
    """Something a person should read: `str()` is the sentence, `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(PacsboxError):
    """The configuration is wrong; `faults` names every fault at once."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The configuration is wrong:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class NotFoundError(PacsboxError):
    """There is no such study, share, peer or transfer."""


class AlreadyExistsError(PacsboxError):
    """The name is taken."""


class AlreadyRunningError(PacsboxError):
    """Another process of the box does this already."""


class UnreadableInstanceError(PacsboxError):
    """The bytes are not an instance that can be indexed; the message says why."""


class StorageFullError(PacsboxError):
    """The disk is full, read-only or failing: nothing more can be made durable."""


class IndexUnavailableError(PacsboxError):
    """The index cannot be opened: missing, damaged, or from a newer pacsbox."""


class IndexDamagedError(IndexUnavailableError):
    """Its file is there and is no sound database: waiting won't help."""
