"""A link as a QR code of half-block characters, small enough for a console of 24 lines."""

from __future__ import annotations

import qrcode
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M

_HALVES = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}
"""Light modules are drawn, dark ones left black: consoles are dark, and scanners want the light border."""


def half_blocks(text: str, border: int = 2, max_rows: int | None = None) -> list[str]:
    """Lines to print light on dark, two modules a character; error correction M, or L where M has too many rows."""
    lines = _lines(text, border, ERROR_CORRECT_M)
    if max_rows is not None and len(lines) > max_rows:
        lines = _lines(text, border, ERROR_CORRECT_L)
    return lines


def _lines(text: str, border: int, correction: int) -> list[str]:
    code = qrcode.QRCode(border=border, error_correction=correction)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    if len(matrix) % 2:
        matrix.append([False] * len(matrix[0]))
    return [
        "".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(matrix[::2], matrix[1::2], strict=True)
    ]
