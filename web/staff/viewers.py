"""Links that open a study in viewers on the reader's computer: a page for people, JSON for programs."""

from __future__ import annotations

from datetime import datetime

import orjson
from aiohttp import web

from appliance.access.scope import Scope
from appliance.box import Box
from appliance.dicom.model import Study
from appliance.viewers.links import Link
from web.dicomweb.asked import ASKED
from web.forwarded import seen
from web.keys import BOX, THREADS
from web.staff.pages import PAGES, navigates
from web.staff.studies import Row, session_of


async def viewers(request: web.Request) -> web.StreamResponse:
    """GET /staff/studies/{study}/viewers."""
    box, asked = request.app[BOX], request[ASKED]
    # Where their Host is no name of anything, the configuration's.
    root, scope = seen(request).root, asked.grant.scope
    study, links = await request.app[THREADS].run(lambda: _look(box, asked.study, scope, root))
    if navigates(request):
        values = {"study": Row.of(study), "links": [_shown(link) for link in links], **session_of(request)}
        return request.app[PAGES].page(request, "viewers", values)
    body = orjson.dumps({"study": asked.study, "viewers": links})
    return web.Response(body=body, content_type="application/json")


def _look(box: Box, uid: str, scope: Scope, root: str) -> tuple[Study, list[Link]]:
    links = box.viewer_links.of(uid, scope, root)
    (study,) = box.storage.studies.studies([uid])
    return study, links


def _shown(link: Link) -> dict[str, str]:
    until = f"{link.expires.astimezone():%H:%M}" if isinstance(link.expires, datetime) else ""
    return {"name": link.name, "url": link.url, "needs": link.needs, "until": until}
