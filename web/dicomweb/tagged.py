"""Validators of answers that can only change when an instance does (RFC 9110 8.8): archived bytes never do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC

from aiohttp import web

from appliance.dicom.model import Instance, moment
from appliance.storage.rows import Arrived


def tagged(request: web.Request, instances: Iterable[Instance | Arrived], *form: object) -> dict[str, str]:
    """`ETag` and `Last-Modified` of an answer about these instances, in a form that `form` tells from others.

    Raises `web.HTTPNotModified` when the client has just that.
    """
    listed = list(instances)
    digest = hashlib.sha256(repr((request.rel_url.raw_path_qs, *form)).encode())
    for instance in listed:
        digest.update(f"{instance.sop_instance_uid} {instance.received}\n".encode())
    newest = moment(max(instance.received for instance in listed)).astimezone(UTC)
    headers = {
        "ETag": f'"{digest.hexdigest()[:32]}"',
        "Last-Modified": f"{newest:%a, %d %b %Y %H:%M:%S} GMT",
    }
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if headers["ETag"] in known or "*" in known:
        raise web.HTTPNotModified(headers=headers)
    return headers
