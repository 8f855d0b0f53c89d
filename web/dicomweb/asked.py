"""What every handler of DICOMweb starts from: who asks, for which part of the archive, under which root."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from appliance.access.scope import Permission
from appliance.dicom.uid import is_valid
from appliance.errors import NotFoundError
from web import guards
from web.dicomweb.access import Grant, Guard
from web.dicomweb.charset import check_query

_NAMES = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}

_WADO_URI = "wado"
"""It may ask for what it likes, and gets what there is (9.1.2)."""


@dataclass(frozen=True)
class Asked:
    """A request that its guard has let in."""

    grant: Grant
    root: str
    """Server-relative, such as `/dicom-web`; all URLs in answers begin with it."""
    uids: dict[str, str]
    """Those of the path, by keyword."""
    here: str = ""
    """What was asked for, as the client sees it."""

    @property
    def study(self) -> str:
        """The study's UID; empty at the root."""
        return self.uids.get("StudyInstanceUID", "")

    @property
    def series(self) -> str:
        """The series' UID, or empty."""
        return self.uids.get("SeriesInstanceUID", "")

    @property
    def instance(self) -> str:
        """The SOP Instance UID, or empty."""
        return self.uids.get("SOPInstanceUID", "")


@dataclass(frozen=True)
class About:
    """What a route does, and to what: for the audit."""

    permission: Permission
    resource: str


ASKED = web.RequestKey("asked", Asked)
ABOUT = web.RequestKey("about", About)
ITEMS = web.RequestKey("items", int)
"""How many things the answer is about; one unless a handler says otherwise."""
STUDY = web.RequestKey("study", str)
"""The one study that it is about, where the path doesn't tell."""
STORED = web.RequestKey("stored", Counter[str])
"""How many instances of each study were taken in, whatever the answer says, and whether there is one."""


def guarded(handler: Handler, about: About, guard: Guard, depth: int) -> Handler:
    """`handler` behind `guard`, for who has the permission; `depth` is the number of slashes below the root."""

    async def asked(request: web.Request) -> web.StreamResponse:
        request[ABOUT] = about
        grant = await guard(request)
        here = guards.prefix(request) + request.rel_url.raw_path
        root = here.rsplit("/", depth)[0]
        uids = {_NAMES[name]: uid for name, uid in request.match_info.items() if name in _NAMES}
        request[ASKED] = Asked(grant, root, {key: uid for key, uid in uids.items() if is_valid(uid)}, here)
        grant.scope.check(about.permission)
        for keyword, uid in uids.items():
            if not is_valid(uid):
                raise ValueError(f"{keyword} is digits and dots, at most 64 characters")
        if about.resource != _WADO_URI:
            check_query(request)
        if uids and not grant.scope.sees(uids["StudyInstanceUID"]):
            raise NotFoundError("There is no such study here.")
        return await handler(request)

    return asked
