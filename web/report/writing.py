"""A report in each of the media types that it comes in (PS3.18 table 8.7.4-1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from appliance.dicom.model import Instance
from appliance.dicom.report import report
from web.report.page import Link, page
from web.report.plain import plain

HTML = "text/html"
TEXT = "text/plain"
XML = "text/xml"
MEDIA_TYPES = (HTML, TEXT, XML)
"""What comes first is what comes unasked."""
WRITTEN = 1
"""Raise it where reports come to be written otherwise: what clients have of them is no longer the same."""

_UID = re.compile(rb'"([0-9.]{1,64})"')


def written(metadata: bytes, media_type: str, links: Mapping[str, Link]) -> bytes:
    """The report in an instance, by its DICOM JSON, as one of `MEDIA_TYPES`, in UTF-8."""
    found = report(metadata)
    return (plain(found) if media_type == TEXT else page(found, links)).encode()


def linked(metadata: bytes, others: Iterable[Instance], link: Callable[[Instance], Link]) -> dict[str, Link]:
    """By SOP Instance UID: where those of `others` are shown that the report may speak of."""
    told = {uid.decode() for uid in _UID.findall(metadata)}
    return {one.sop_instance_uid: link(one) for one in others if one.sop_instance_uid in told}
