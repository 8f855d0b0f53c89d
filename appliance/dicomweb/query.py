"""QIDO-RS to a peer (PS3.18 10.6): whether it is there, and what it has."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests
from dicomweb_client import DICOMwebClient
from pydicom.datadict import dictionary_keyword

from appliance.dicomweb import words
from appliance.dicomweb.session import Session
from appliance.peers.faults import Fault
from appliance.peers.link import Echo

NOT_OF_QIDO = frozenset(("SOPClassesInStudy",))
"""Keys of C-FIND that many a server stumbles over."""

Answer = dict[str, str]
"""Text by keyword, several values with a backslash between them, as C-FIND has it."""


def verify(session: Session) -> Echo:
    """Ask for one study, whichever. Raises `PeerError`, which says what is wrong."""
    start = time.monotonic()
    _asked(session, "search_for_studies", limit=1)
    return Echo((time.monotonic() - start) * 1000)


def studies(session: Session, keys: Mapping[str, str], most: int) -> list[Answer]:
    """The answers to `keys` by keyword, at most so many; keys without a value are asked for. Raises `PeerError`."""
    filters = {keyword: value for keyword, value in keys.items() if value}
    fields = [keyword for keyword in keys if keyword not in filters and keyword not in NOT_OF_QIDO]
    return _asked(session, "search_for_studies", limit=most, fields=fields, search_filters=filters)[:most]


def instances(session: Session, study_instance_uid: str) -> list[tuple[str, str]]:
    """Series and SOP Instance UID of each instance of a study. Raises `PeerError`."""
    found = _asked(session, "search_for_instances", study_instance_uid=study_instance_uid)
    pairs = [(each.get("SeriesInstanceUID", ""), each.get("SOPInstanceUID", "")) for each in found]
    return [pair for pair in pairs if all(pair)]


def _asked(session: Session, search: str, **options: Any) -> list[Answer]:
    client = DICOMwebClient(session.peer.url, session=session)
    # The transfer queue, or whoever sits there, tries again.
    client.set_http_retry_params(retry=False)
    try:
        found = getattr(client, search)(**options)
    except requests.JSONDecodeError:
        raise words.trouble(Fault.NOT_DICOMWEB, session.peer) from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise words.trouble(Fault.NOT_DICOMWEB, session.peer)
    return [answer(each) for each in found]


def answer(item: Mapping[str, Any]) -> Answer:
    """A data set of DICOM JSON (PS3.18 annex F) as text; what is not as it should be is left out."""
    told = {_keyword(tag): _text(element) for tag, element in item.items()}
    return {keyword: text for keyword, text in told.items() if keyword and text}


def _text(element: object) -> str:
    values = element.get("Value") if isinstance(element, dict) else None
    return "\\".join(map(_one, values)) if isinstance(values, list) else ""


def _one(value: object) -> str:
    if isinstance(value, dict):  # a person's name; sequences are not asked for
        parts = [str(value.get(part) or "") for part in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(parts).rstrip("=")
    return str(value) if isinstance(value, str | int | float) else ""


def _keyword(tag: str) -> str:
    try:
        return dictionary_keyword(int(tag, 16))
    except (ValueError, KeyError):
        return ""
