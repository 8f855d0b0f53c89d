"""A DIMSE service that the server offers beside verification and storage, each in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynetdicom.events import Event, InterventionEvent


Handler = Callable[[Event], Any]
"""Answers one request, as pynetdicom's intervention handlers do for its kind of event."""

UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")
"""The transfer syntaxes of messages that carry no images, best first."""


@dataclass(frozen=True)
class Service:
    """What it is asked by, and who answers."""

    right: str
    """The right that a caller needs, such as `query`."""
    sop_classes: tuple[str, ...]
    """Abstract syntaxes that callers propose."""
    handlers: Mapping[InterventionEvent, Handler] = field(default_factory=dict)
    transfer_syntaxes: tuple[str, ...] = UNCOMPRESSED


def by_event(services: Iterable[Service]) -> dict[InterventionEvent, Handler]:
    """One handler an event, which passes each request to the service of its SOP class.

    Several services answer the same event: C-FIND is both query and worklist.
    """
    found: dict[InterventionEvent, dict[str, Handler]] = {}
    for service in services:
        for event, handler in service.handlers.items():
            found.setdefault(event, {}).update(dict.fromkeys(service.sop_classes, handler))
    return {event: _dispatcher(handlers) for event, handlers in found.items()}


def _dispatcher(handlers: Mapping[str, Handler]) -> Handler:
    def answer(event: Event) -> Any:
        # The context says which service is meant; the command's own class may be another of the same service.
        return handlers[str(event.context.abstract_syntax)](event)

    return answer
