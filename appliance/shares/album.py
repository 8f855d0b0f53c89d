"""A shared study as its patient leafs through it: stacks of pictures, films, documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from appliance.dicom.model import Instance, Series, Study
from appliance.dicom.report import is_report
from appliance.dicom.video import is_video

_DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104."


class Kind(StrEnum):
    """How something is shown."""

    PICTURES = "pictures"
    """One after the other, a frame each."""
    CLIP = "clip"
    """One instance of several frames."""
    FILM = "film"
    """MPEG and its like: the browser plays it."""
    DOCUMENT = "document"
    REPORT = "report"
    """A structured report: we write its page."""
    OTHER = "other"
    """Nothing for eyes: it is only in the download."""


@dataclass(frozen=True)
class Item:
    """One instance, under the name that addresses may carry."""

    name: str
    """16 hex digits that tell nothing; the same as long as the share lives, whatever else arrives."""
    instance: Instance


@dataclass(frozen=True)
class Stack:
    """What is leafed through as one."""

    kind: Kind
    number: int
    """Position of its series in the study, from 1, as in the download."""
    series: Series
    items: tuple[Item, ...]

    @property
    def count(self) -> int:
        """How many pictures there are to leaf through."""
        return self.items[0].instance.frames if self.kind is Kind.CLIP else len(self.items)

    @property
    def middle(self) -> int:
        """Place in `items`, from 0, of the one that stands for all and is shown first."""
        return (len(self.items) - 1) // 2


@dataclass(frozen=True)
class Album:
    """One study, and nothing beside it."""

    study: Study
    stacks: tuple[Stack, ...]
    files: tuple[tuple[str, Instance], ...]
    """Every instance under its name in the download: `SERIES01/IM00001.dcm`."""

    @cached_property
    def _by_name(self) -> dict[str, tuple[Stack, Item]]:
        return {item.name: (stack, item) for stack in self.stacks for item in stack.items}

    def find(self, name: str) -> tuple[Stack, Item] | None:
        """What an address names, if it is of this study."""
        return self._by_name.get(name)


def album(study: Study, series: Iterable[Series], instances: Iterable[Instance], salt: str) -> Album:
    """The study's stacks in order of series and instance number; `salt` keeps names of shares apart."""
    by_series: dict[str, list[Item]] = {}
    for instance in instances:
        item = Item(_name(instance.sop_instance_uid, salt), instance)
        by_series.setdefault(instance.series_instance_uid, []).append(item)
    numbered = [
        (number, one, by_series[one.series_instance_uid])
        for number, one in enumerate((one for one in series if one.series_instance_uid in by_series), 1)
    ]
    stacks = tuple(stack for row in numbered for stack in _stacks(*row))
    files = tuple(
        (f"SERIES{number:02d}/IM{place:05d}.dcm", item.instance)
        for number, _, items in numbered
        for place, item in enumerate(items, 1)
    )
    return Album(study, stacks, files)


def _stacks(number: int, series: Series, items: list[Item]) -> Iterator[Stack]:
    """Single frames and unshowable files together, everything else by itself."""
    together: dict[Kind, list[Item]] = {Kind.PICTURES: [], Kind.OTHER: []}
    alone: list[Stack] = []
    for item in items:
        kind = kind_of(item.instance)
        if kind in together:
            together[kind].append(item)
        else:
            alone.append(Stack(kind, number, series, (item,)))
    if together[Kind.PICTURES]:
        yield Stack(Kind.PICTURES, number, series, tuple(together[Kind.PICTURES]))
    yield from alone
    if together[Kind.OTHER]:
        yield Stack(Kind.OTHER, number, series, tuple(together[Kind.OTHER]))


def kind_of(instance: Instance) -> Kind:
    """How an instance is shown, by what the index knows of it."""
    if instance.sop_class_uid.startswith(_DOCUMENTS):
        return Kind.DOCUMENT
    if is_video(instance.transfer_syntax_uid):
        return Kind.FILM
    if is_report(instance.sop_class_uid):
        return Kind.REPORT
    if not (_positive(instance.rows) and _positive(instance.columns)):
        return Kind.OTHER
    return Kind.CLIP if instance.frames > 1 else Kind.PICTURES


def _positive(number: str) -> bool:
    return number.isdigit() and int(number) > 0


def _name(sop_instance_uid: str, salt: str) -> str:
    return hashlib.blake2b(sop_instance_uid.encode(), key=salt.encode()[:64], digest_size=8).hexdigest()
