"""Verification: a C-ECHO is answered with success (PS3.4 annex A)."""

from __future__ import annotations

from pynetdicom.events import Event

from appliance.dimse.status import Status

SOP_CLASS = "1.2.840.10008.1.1"
TRANSFER_SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""A C-ECHO has no data set, so any will do."""


def answer(_event: Event) -> int:
    """We are here: that is all that a C-ECHO asks."""
    return Status.SUCCESS
