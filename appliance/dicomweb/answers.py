"""What a server says of the instances that it was sent (PS3.18 10.5.3), and what follows: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from xml.etree import ElementTree as ET

_FAILED, _TAKEN, _OTHERS = "00081198", "00081199", "0008119A"
_INSTANCE, _REASON, _WARNING = "00081155", "00081197", "00081196"
_SYNTAX_NOT_SUPPORTED = 0xC122
_WARNINGS = frozenset((0x0001, 0x0107, 0x0111, 0x0116))
"""Beside Bxxx (PS3.7 annex C): as for C-STORE, a duplicate is no failure."""
_FOR_NOW = frozenset((408, 429, 502, 503, 504))
_TOO_LARGE, _MEDIA_TYPE, _NO_ROOM = 413, 415, 507


@dataclass(frozen=True)
class Reply:
    """An answer to STOW-RS."""

    status: int
    taken: Mapping[str, int] = field(default_factory=dict)
    """Warning Reason by SOP Instance UID; 0 without one."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """Failure Reason by SOP Instance UID."""
    others: tuple[int, ...] = ()
    """Failure Reasons of what has no UID."""


class Fate(Enum):
    """What becomes of one instance."""

    TAKEN = "taken"
    REFUSED = "refused"
    CONVERT = "to be sent in another transfer syntax"
    APART = "to be sent again with fewer others, since the answer doesn't tell it from them"
    LATER = "to be sent again later"
    FULL = "to be sent again when there is room"


@dataclass(frozen=True)
class Verdict:
    """On one instance."""

    fate: Fate
    reason: int = 0
    """Of PS3.4 and PS3.7, as C-STORE has it; 0 where only the HTTP status says something."""


def verdict(reply: Reply, sop_instance_uid: str, *, alone: bool) -> Verdict:
    """What `reply` means for one of the instances of its request; `alone` when it was the only one."""
    if sop_instance_uid in reply.failed:
        return _by_reason(reply.failed[sop_instance_uid])
    if sop_instance_uid in reply.taken:
        return Verdict(Fate.TAKEN, reply.taken[sop_instance_uid])
    if alone and reply.status >= 300 and reply.others:
        return _by_reason(reply.others[0])
    return _by_status(reply, alone=alone)


def _by_reason(reason: int) -> Verdict:
    if reason & 0xFF00 == 0xA700:
        return Verdict(Fate.FULL, reason)
    if reason == _SYNTAX_NOT_SUPPORTED:
        return Verdict(Fate.CONVERT, reason)
    if reason & 0xF000 == 0xB000 or reason in _WARNINGS:
        return Verdict(Fate.TAKEN, reason)
    return Verdict(Fate.REFUSED, reason)


def _by_status(reply: Reply, *, alone: bool) -> Verdict:
    """Of an instance that the answer does not name."""
    named = bool(reply.taken or reply.failed)
    if reply.status in _FOR_NOW:
        return Verdict(Fate.LATER)
    if not alone and (named or reply.status >= 300):
        return Verdict(Fate.APART)
    if reply.status < 300:
        return Verdict(Fate.TAKEN)
    if reply.status == _MEDIA_TYPE:
        return Verdict(Fate.CONVERT)
    if reply.status == _NO_ROOM:
        return Verdict(Fate.FULL)
    return Verdict(Fate.LATER if reply.status >= 500 else Fate.REFUSED)


def read(status: int, body: bytes) -> Reply:
    """An answer in DICOM JSON or in the Native DICOM Model (PS3.19 A.1); what can't be read says nothing."""
    report = _report(body)
    failed, taken = (
        dict(_references(report.get(tag), reason)) for tag, reason in ((_FAILED, _REASON), (_TAKEN, _WARNING))
    )
    others = tuple(_number(item.get(_REASON)) for item in _items(report.get(_OTHERS)))
    return Reply(status, {uid: why for uid, why in taken.items() if uid not in failed}, failed, others)


def _report(body: bytes) -> dict[str, Any]:
    text = body.strip()
    try:
        found = _from_xml(ET.fromstring(text)) if text.startswith(b"<") else json.loads(text or b"{}")
    except (ValueError, ET.ParseError, RecursionError):
        return {}
    if isinstance(found, list):
        found = found[0] if found else {}
    return found if isinstance(found, dict) else {}


def _from_xml(model: ET.Element) -> dict[str, Any]:
    """As DICOM JSON has it."""
    return {each.get("tag", ""): {"Value": [_xml_value(value) for value in each]} for each in model}


def _xml_value(value: ET.Element) -> Any:
    return _from_xml(value) if value.tag.endswith("Item") else (value.text or "").strip()


def _references(element: object, reason: str) -> list[tuple[str, int]]:
    return [(str(_first(item.get(_INSTANCE)) or ""), _number(item.get(reason))) for item in _items(element)]


def _items(element: object) -> list[dict[str, Any]]:
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _first(element: object) -> object:
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _number(element: object) -> int:
    value = _first(element)
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0
