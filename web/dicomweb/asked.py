"""What every handler of DICOMweb starts from: who asks, for which part of the archive, under which root."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from appliance.access.scope import Permission
from appliance.dicom.uid import is_valid
from appliance.errors import NotFoundError
from web.dicomweb.access import Grant, Guard

_NAMES = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}


@dataclass(frozen=True)
class Asked:
    """A request that its guard has let in."""

    grant: Grant
    root: str
    """Server-relative, such as `/dicom-web`; all URLs in answers begin with it."""
    uids: dict[str, str]
    """Those of the path, by keyword."""

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


ASKED = web.RequestKey("asked", Asked)


def guarded(handler: Handler, permission: Permission, guard: Guard, depth: int) -> Handler:
    """`handler` behind `guard`, for who has `permission`; `depth` is the number of slashes below the root."""

    async def asked(request: web.Request) -> web.StreamResponse:
        grant = await guard(request)
        grant.scope.check(permission)
        uids = {_NAMES[name]: uid for name, uid in request.match_info.items() if name in _NAMES}
        for keyword, uid in uids.items():
            if not is_valid(uid):
                raise ValueError(f"{keyword} is digits and dots, at most 64 characters")
        if uids and not grant.scope.sees(uids["StudyInstanceUID"]):
            raise NotFoundError("There is no such study here.")
        root = request.rel_url.raw_path.rsplit("/", depth)[0]
        request[ASKED] = Asked(grant, root, uids)
        return await handler(request)

    return asked
