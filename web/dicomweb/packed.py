"""Compressed answers, for JSON alone: images are compressed or gain nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from aiohttp import web

_GZIP = 31
"""zlib's word for a gzip wrapper."""
_FAST = 1
"""DICOM JSON repeats itself so much that more effort gains little."""


def takes_gzip(request: web.BaseRequest) -> bool:
    """Whether the client says so (RFC 9110 12.5.3)."""
    for piece in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = piece.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip(".0") != "q="
    return False


def packed(body: bytes) -> bytes:
    """All of it at once."""
    pack, rest = packing()
    return pack(body) + rest()


def packing() -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """Bit by bit: what packs a piece, and what gives the rest at the end."""
    compressor = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP)
    return compressor.compress, compressor.flush
