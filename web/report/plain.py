"""A report as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.dicom.report import Item, Report
from web.report import texts
from web.report.page import facts, named, states, title

_INDENT = "  "


def plain(report: Report) -> str:
    """The report in lines, what belongs to something further in than it."""
    return "\n".join((*_lines(report), ""))


def _lines(report: Report) -> Iterator[str]:
    yield title(report)
    yield "; ".join(texts.STATES[state] for state in states(report))
    if report.is_cut:
        yield texts.CUT
    yield ""
    yield from (f"{label}: {said}" for label, said in facts(report))
    yield ""
    writing = _Writing(report.made, named(report.root))
    if not report.root.items and not report.root.text:
        yield texts.NO_CONTENT
    yield from writing.value(report.root)
    for item in report.root.items:
        yield from writing.item(item, "")
    for one in report.observers:
        yield ""
        yield texts.VERIFIED_BY.format(", ".join(filter(None, (one.name, one.organization, one.when))))


@dataclass(frozen=True)
class _Writing:
    made: str
    """When all of it was observed that doesn't say otherwise."""
    names: dict[str, str]

    def item(self, item: Item, indent: str) -> Iterator[str]:
        how = texts.RELATIONSHIPS.get(item.relationship, "")
        name = f"{item.name}:" if item.name else ""
        first, *more = [*self.value(item)] or [""]
        head = " ".join(filter(None, (how, name, first)))
        if head:
            yield indent + head
        further = indent + _INDENT if head else indent
        yield from (further + line for line in more)
        for each in item.items:
            yield from self.item(each, further)

    def value(self, item: Item) -> Iterator[str]:
        if item.target:
            yield f"{texts.SEE} {self.names.get(item.target) or texts.NAMELESS}"
        yield from item.text.split("\n") if item.text else ()
        if item.is_left_out:
            yield texts.LEFT_OUT
        if item.observed not in ("", self.made):
            yield f"({texts.OBSERVED.format(item.observed)})"
        if item.reference:
            frames = [texts.FRAMES.format(frame) for frame in item.reference.frames]
            more = texts.MORE if item.reference.has_more else ""
            yield ", ".join((f"{texts.IMAGE} {item.reference.sop_instance_uid}", *frames)) + more
