"""The DIMSE statuses that we answer with (PS3.4 table B.2-1, PS3.7 annex C)."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """A status of a C-STORE or C-ECHO response."""

    SUCCESS = 0x0000
    INVALID_OBJECT_INSTANCE = 0x0117
    """The SOP Instance UID violates the rules by which UIDs are made."""
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    OUT_OF_RESOURCES = 0xA700
    """The disk does not take it: the sender may try again later."""
    DOES_NOT_MATCH_SOP_CLASS = 0xA900
    """The data set is of another SOP class or instance than the command says."""
    CANNOT_UNDERSTAND = 0xC000
