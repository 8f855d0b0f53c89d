"""A share's own DICOMweb, for the full viewer: its one study, to who has given the PIN."""

from __future__ import annotations

from aiohttp import web

from appliance.access.scope import Permission, Scope
from web import guards
from web.dicomweb.access import Grant
from web.keys import BOX
from web.portal import albums
from web.portal.noted import NOTED

_LOOKING = frozenset((Permission.QUERY, Permission.RETRIEVE))


async def share(request: web.Request) -> Grant:
    """The guard: what the visit that the request belongs to may see. Raises `ShareRefusedError`."""
    visit = await guards.visit(request)
    box, code, opened = request.app[BOX], request.match_info["code"], visit.share
    if request.app[NOTED].is_new(str(opened.id), visit.session, "viewer"):
        await albums.note(request, visit, "viewer")

    def still() -> object:
        return box.sharing.session(code, opened.id, opened.session_epoch)

    return Grant(Scope(f"share {opened.id}", _LOOKING, opened.study_instance_uid), still)
