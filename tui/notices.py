"""Errors in words that the front desk can use: the console's one table."""

from __future__ import annotations

from appliance.errors import PacsboxError

EXPECTED = (PacsboxError, ValueError, OSError)
"""What asking the core may raise; anything else is a fault of our own."""


def in_words(fault: BaseException) -> str:
    """What happened, and on the next line what to do about it where somebody knows."""
    if isinstance(fault, PacsboxError):
        return f"{fault}\n{fault.hint}" if fault.hint else str(fault)
    if isinstance(fault, OSError):
        return f"The box could not do that: {fault.strerror or fault}."
    return sentence(str(fault))


def sentence(text: str) -> str:
    """With a capital at the beginning and a stop at the end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
