"""What a reader gives of a data set, and how far it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

LAST = 0x7FE00007
"""The last tag before those of pixel data, in which reading ends."""
LAST_UID = 0x0020000E
UIDS = (0x00080016, 0x00080018, 0x0020000D, LAST_UID)
"""SOP class, SOP instance, study and series."""
PIXELS = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
"""Pixel data by tag, with the VR that it has in Implicit VR (PS3.5 A.1)."""
HERE = b"\0"
"""Where the URI of the instance's bulk data belongs in a member; JSON itself never has this byte."""


@dataclass
class Content:
    """What is read of a data set."""

    texts: dict[int, str] = field(default_factory=dict)
    """By tag: what the index keeps, where it is not empty."""
    members: dict[int, bytes] = field(default_factory=dict)
    """By tag: the member of the JSON object; `HERE` stands before the path of bulk data."""
    pixel_vr: str = ""
    """The VR of the pixel data, empty without any."""
    ascii_only: bool = False
    """Whether no character set was named, nor given."""
