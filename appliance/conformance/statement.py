"""The conformance statement in the order of the template in PS3.2 annex N: prose from a file, tables from the code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from appliance.config import options
from appliance.conformance import attributes, services, user_agent
from appliance.conformance.tables import table
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from appliance.dimse.service import Service

_TEMPLATE = Path(__file__).with_name("statement.md")
_PLACE = re.compile(r"\{\{ (\w+) \}\}")
_HEADING = re.compile(r"^(#{2,4}) (.+)$", re.MULTILINE)
_SECTIONS = ("dicom", "storage", "transfers", "worklist", "web", "staff")
"""Of the configuration: those that a peer may notice."""


def statement(answered: Sequence[Service], routes: str) -> str:
    """The whole of it in Markdown; `answered` are the box's services, `routes` a table of DICOMweb's."""
    values = {
        "version": version("pacsbox"),
        "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
        "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        "overview": services.overview(answered),
        "messages": services.messages(answered),
        "negotiation": services.negotiation(answered),
        "transfer_syntaxes": services.transfer_syntaxes(answered),
        "storage_transfer_syntaxes": services.storage_transfer_syntaxes(),
        "storage_sop_classes": services.storage_sop_classes(),
        "statuses": services.statuses(),
        "failures": services.failures(),
        "queried": attributes.queried(),
        "told": attributes.told(),
        "worklist_keys": attributes.worklist_keys(),
        "character_sets": attributes.character_sets(),
        "options": _options(),
        "routes": routes,
        "pixel_data": services.pixel_data(),
        "asked": user_agent.requests(),
        "told_by_peers": user_agent.told(),
        "matched": user_agent.matched(),
        "bounds": user_agent.bounds(),
        "waiting": user_agent.waiting(),
        "fates": user_agent.fates(),
    }
    text = _TEMPLATE.read_text("utf-8")
    return filled(text, {**values, "contents": _contents(text)})


def filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with a value for each of its places. Raises ValueError when one has none, or a value has no place."""
    places = set(_PLACE.findall(template))
    if places != values.keys():
        raise ValueError(f"the statement and its tables differ in {', '.join(sorted(places ^ values.keys()))}")
    return _PLACE.sub(lambda place: values[place[1]], template)


def _contents(text: str) -> str:
    return "\n".join(
        f"{'  ' * (len(level) - 2)}- [{title}](#{_anchor(title)})" for level, title in _HEADING.findall(text)
    )


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _options() -> str:
    rows = [
        (option.key, _default(option.field.get_default(call_default_factory=True)), option.field.description or "")
        for option in options()
        if option.section in _SECTIONS
    ]
    return table(("option", "default", "meaning"), rows)


def _default(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(none)"
    return str(value) if value != "" else "(empty)"
