"""What the page of images says of an album."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import EncapsulatedPDFStorage

from appliance.dicom.model import moment
from appliance.shares.album import Album, Kind, Stack
from appliance.storage.rows import Share
from web.portal import texts

_LARGE = 1280
"""Pixels a side beyond which a picture comes reduced until the patient zooms in."""
_TO_LEAF = (Kind.PICTURES, Kind.CLIP)
_TO_READ = (Kind.DOCUMENT, Kind.REPORT)


@dataclass(frozen=True)
class Card:
    """One thing to tap."""

    kind: Kind
    title: str
    detail: str
    """The clinic's own words for the series."""
    count: str
    url: str
    """Of the instance that stands for it."""
    opens: bool
    """Whether browsers show it by themselves; else it is downloaded."""


def values(album: Album, share: Share, path: str, *, full: bool) -> dict[str, object]:
    """Everything that the template and the script need; `path` is the link's, `full` whether there is a full viewer."""
    leafed = [stack for stack in album.stacks if stack.kind in _TO_LEAF]
    study = album.study
    return {
        "path": path,
        "name": texts.person(study.patient_name),
        "about": " · ".join(filter(None, (study.study_description, texts.dicom_date(study.study_date)))),
        "cards": [_card(stack, path) for stack in leafed],
        "films": [_card(stack, path) for stack in album.stacks if stack.kind is Kind.FILM],
        "documents": [_card(stack, path) for stack in album.stacks if stack.kind in _TO_READ],
        "others": [_card(stack, path) for stack in album.stacks if stack.kind is Kind.OTHER],
        "full": full and bool(leafed),
        "size": texts.size(study.size),
        "until": texts.written(moment(share.expires).astimezone().date()),
        "album": {"path": path, "stacks": [_for_script(stack) for stack in leafed], "texts": texts.FOR_SCRIPT},
    }


def _card(stack: Stack, path: str) -> Card:
    middle = stack.items[stack.middle]
    return Card(
        stack.kind,
        texts.stack_title(stack),
        stack.series.series_description,
        texts.stack_count(stack),
        f"{path}/i/{middle.name}",
        stack.kind is Kind.REPORT or middle.instance.sop_class_uid == EncapsulatedPDFStorage,
    )


def _for_script(stack: Stack) -> dict[str, object]:
    return {
        "title": texts.stack_title(stack),
        "names": [item.name for item in stack.items],
        "start": stack.middle,
        "frames": stack.count if stack.kind is Kind.CLIP else 1,
        "large": any(_longest(item.instance.rows, item.instance.columns) > _LARGE for item in stack.items),
    }


def _longest(rows: str, columns: str) -> int:
    return max(int(rows), int(columns))
