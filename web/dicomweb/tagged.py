"""Validators of answers that can only change when an instance does: archived bytes never do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from aiohttp import web

from appliance.dicom.model import Instance, moment
from appliance.storage.rows import Arrived, Stored
from web import conditional
from web.dicomweb.asked import ASKED


def tagged(
    request: web.Request,
    instances: Iterable[Instance | Arrived | Stored],
    *form: object,
    weak: bool = False,
    dated: bool = True,
    vary: str = "Accept",
) -> dict[str, str]:
    """`ETag`, `Vary` and perhaps `Last-Modified` of an answer about these instances; `form` tells it from others.

    `weak` for what is in parts, whose boundary is another each time (RFC 9110 8.8.1); not `dated` where more than the
    instance tells what is answered. Raises `web.HTTPNotModified` when the client has just that.
    """
    asked, listed = request[ASKED], list(instances)
    digest = hashlib.sha256(repr((asked.here, request.query_string, *form)).encode())
    for instance in listed:
        digest.update(f"{instance.sop_instance_uid} {instance.received}\n".encode())
    # A study or a series may change without a later date: by an image that came before others, but was indexed after.
    modified = moment(listed[0].received) if dated and asked.instance and len(listed) == 1 else None
    headers = {**conditional.validators(digest.hexdigest()[:32], modified, weak=weak), "Vary": vary}
    conditional.check(request, headers)
    return headers
