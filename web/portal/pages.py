"""The pages, from templates; whatever comes from DICOM is text in them and never markup."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from appliance.shares.sharing import Refusal, ShareRefusedError
from web import guards, templates
from web.archived import ArchiveFaultError
from web.portal import texts
from web.portal.assets import Assets

_NOTICE_OF = {400: "bad", 403: "forbidden", 404: "not found", 405: "bad", 413: "bad", 429: "too many", 503: "busy"}


class Pages:
    """All templates, compiled once at start."""

    def __init__(self, assets: Assets) -> None:
        environment = templates.of_package("web.portal")
        environment.globals.update(t=texts, asset=assets.url, scripts=assets.scripts())
        self._templates = {name: environment.get_template(name) for name in environment.list_templates(["html"])}

    def page(
        self, request: web.Request, name: str, status: int = 200, values: Mapping[str, object] | None = None
    ) -> web.Response:
        """Template `name` as an answer, with addresses as the browser sees them."""
        text = self._templates[f"{name}.html"].render({"root": guards.prefix(request), **(values or {})})
        return web.Response(text=text, status=status, content_type="text/html")

    def notice(self, request: web.Request, status: int, fault: Exception) -> web.Response:
        """The friendly page for a fault; none tells whose study it is."""
        path = guards.link(request) if "code" in request.match_info else ""
        if isinstance(fault, ShareRefusedError) and fault.refusal is Refusal.WRONG_PIN:
            response = self.pin(request, status, fault.attempts_left)
        else:
            name = _name(request, status, fault)
            may_return = path and status != 404 and name not in ("expired", "revoked", "gone", "locked")
            values = {"notice": texts.NOTICES[name], "back": path if may_return else ""}
            response = self.page(request, "notice", status, values)
        if status == 401:
            # RFC 9110 15.5.2 wants a challenge; no browser knows this one, so all show the page.
            response.headers["WWW-Authenticate"] = "PIN"
        if status in (429, 503):
            response.headers["Retry-After"] = "60" if status == 429 else "10"
        return response

    def pin(
        self, request: web.Request, status: int = 200, attempts_left: int | None = None, needed: bool = True
    ) -> web.Response:
        """The page that asks for the PIN, or for one press of a button where there is none."""
        values = {"path": guards.link(request), "attempts_left": attempts_left, "needed": needed}
        return self.page(request, "pin", status, values)


PAGES = web.AppKey("pages", Pages)


def _name(request: web.Request, status: int, fault: Exception) -> str:
    if isinstance(fault, ShareRefusedError):
        return str(fault.refusal)
    if status == 404 and request.path.startswith("/s/") and "code" not in request.match_info:
        return str(Refusal.UNKNOWN)
    if isinstance(fault, ArchiveFaultError):
        return "lost"
    return _NOTICE_OF.get(status, "broken")
