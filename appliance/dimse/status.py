"""The DIMSE statuses that we answer with (PS3.4 tables B.2-1, C.4-1, C.4-2 and C.4-3, PS3.7 annex C)."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """A status of a response."""

    SUCCESS = 0x0000
    LEFT_OUT = 0x0001
    """Attributes that were asked for are not known; all others are answered."""
    INVALID_ATTRIBUTE_VALUE = 0x0106
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_INSTANCE = 0x0111
    NO_SUCH_INSTANCE = 0x0112
    INVALID_OBJECT_INSTANCE = 0x0117
    """The SOP Instance UID violates the rules by which UIDs are made."""
    MISSING_ATTRIBUTE = 0x0120
    MISSING_ATTRIBUTE_VALUE = 0x0121
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    """Its sender may not store here."""
    OUT_OF_RESOURCES = 0xA700
    """The disk does not take it: the sender may try again later."""
    UNABLE_TO_COUNT = 0xA701
    """The index cannot say what a retrieval asks for."""
    UNABLE_TO_SEND = 0xA702
    """None of what a retrieval asks for was sent."""
    DESTINATION_UNKNOWN = 0xA801
    DOES_NOT_MATCH_SOP_CLASS = 0xA900
    """The data set is of another SOP class or instance than the command says."""
    SOME_FAILED = 0xB000
    """Some of what a retrieval asks for was sent, and some not or not as it is."""
    CANNOT_UNDERSTAND = 0xC000
    UNABLE_TO_PROCESS = 0xC001
    CANCELLED = 0xFE00
    PENDING = 0xFF00
    PENDING_WITHOUT_SOME_KEYS = 0xFF01
    """An answer, though not all keys are supported."""
