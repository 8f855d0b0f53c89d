"""Words of binary values the other way round: files may be big-endian (PS3.5 annex D), what we say of them is not."""

from __future__ import annotations

import array

_WORDS = {
    **dict.fromkeys(("AT", "OW", "US", "SS"), "H"),
    **dict.fromkeys(("OL", "OF", "UL", "SL", "FL"), "I"),
    **dict.fromkeys(("OD", "OV", "FD", "SV", "UV"), "Q"),
}
"""VRs of words, by `array`'s letter."""


def has_words(vr: str) -> bool:
    """Whether values of this VR depend on the byte order."""
    return vr in _WORDS


def turned(vr: str, data: bytes) -> bytes:
    """`data`, a value of this VR, in the other byte order; without what is no whole word."""
    if vr not in _WORDS:
        return data
    words = array.array(_WORDS[vr])
    words.frombytes(data[: len(data) // words.itemsize * words.itemsize])
    words.byteswap()
    return words.tobytes()
