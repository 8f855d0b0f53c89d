"""A DIMSE service that the server offers beside verification and storage, each in a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.dimse.request import Answerer

UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")
"""The transfer syntaxes of messages that carry no images, best first."""


@dataclass(frozen=True)
class Service:
    """What it is asked by, and who answers."""

    right: str
    """The right that a caller needs, such as `query`."""
    sop_classes: tuple[str, ...]
    """Abstract syntaxes that callers propose."""
    answers: Mapping[int, Answerer]
    """Who answers, by Command Field."""
    transfer_syntaxes: tuple[str, ...] = UNCOMPRESSED
    able: bytes = b""
    """What may be agreed on by SOP Class Extended Negotiation, a byte each: 1 where we do it (PS3.7 D.3.3.5)."""
    sends: bool = False
    """Whether it sends instances on the association of the request, for which callers are storage SCPs (C-GET)."""


def by_request(services: Iterable[Service]) -> dict[tuple[str, int], Answerer]:
    """Who answers, by abstract syntax and Command Field."""
    return {
        (sop_class, command_field): answer
        for service in services
        for sop_class in service.sop_classes
        for command_field, answer in service.answers.items()
    }


def agreed(services: Iterable[Service], asked: Mapping[Any, bytes]) -> dict[str, bytes]:
    """Our answer to the extended negotiation of these SOP classes: no more bytes than were sent."""
    able = {sop_class: service.able for service in services for sop_class in service.sop_classes if service.able}
    return {
        str(uid): bytes(theirs & ours for theirs, ours in zip(wanted, able[uid], strict=False))
        for uid, wanted in asked.items()
        if uid in able and wanted
    }
