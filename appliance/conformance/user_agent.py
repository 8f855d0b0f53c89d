"""DICOMweb with us as the caller: what is asked of servers, and what their answers to a store mean."""

from __future__ import annotations

from appliance.conformance.tables import table
from appliance.dicomweb.answers import Reply, verdict
from appliance.dicomweb.fetch import AS_STORED, AS_THEY_LIKE
from appliance.dicomweb.query import NOT_OF_QIDO
from appliance.dicomweb.session import Limits
from appliance.dicomweb.store import MOST_BYTES, MOST_INSTANCES
from appliance.priors.search import ASKED, Search

_JSON = "`application/dicom+json`"
_STUDIES, _STUDY = "`/studies`", "`/studies/{study}`"
_INSTANCE = "`/studies/{study}/series/{series}/instances/{instance}`"
_REASONS = (0x0110, 0x0111, 0x0122, 0xA700, 0xA900, 0xB000, 0xB006, 0xB007, 0xC000, 0xC122)
"""Of PS3.18 tables 10.5.3-2 and -3 and of C-STORE: such as servers give."""
_STATUSES = (200, 202, 400, 409, 413, 415, 429, 500, 503, 507)
_UID = "1.2"


def requests() -> str:
    """What is asked, and as which media types."""
    as_files = f"`{AS_STORED}`, where that is refused `{AS_THEY_LIKE}`"
    rows = (
        ("search, and the test of a peer", "GET", _STUDIES, f"taken: {_JSON}"),
        ("retrieve a study", "GET", _STUDY, f"taken: {as_files}"),
        ("what is missing of one that broke off", "GET", "`/studies/{study}/instances`", f"taken: {_JSON}"),
        ("retrieve that", "GET", _INSTANCE, f"taken: {as_files}"),
        ("store", "POST", _STUDIES, f'sent: `multipart/related; type="application/dicom"`; taken: {_JSON}, or XML'),
    )
    return table(("transaction", "method", "path below the peer's URL", "media types"), rows)


def told() -> str:
    """The attributes that servers are asked to tell."""
    return ", ".join(keyword for keyword in ASKED if keyword not in NOT_OF_QIDO)


def matched() -> str:
    """Those that a search can match by."""
    search = Search("a", "1", "20200101", "20200101", "CT", "1", "1.2")
    return ", ".join(keyword for keyword, value in search.keys().items() if value)


def bounds() -> str:
    """Of a store request."""
    return f"{MOST_INSTANCES} instances or {MOST_BYTES >> 20} MB a request, a larger instance alone"


def waiting() -> str:
    """How long."""
    limits = Limits()
    return f"{limits.connect:.0f} s to connect, {limits.write:.0f} s for a write, {limits.answer:.0f} s for an answer"


def fates() -> str:
    """What becomes of an instance, as the answers themselves are judged."""
    rows = [(f"{reason:04X}H", _fate(Reply(409, failed={_UID: reason}))) for reason in _REASONS]
    rows += [(f"none, HTTP {status}", _fate(Reply(status))) for status in _STATUSES]
    return table(("failure or warning reason, else status", "the instance is"), rows)


def _fate(reply: Reply) -> str:
    return verdict(reply, _UID, alone=True).fate.value.removeprefix("to be ")
