"""The pages for staff, from templates; whatever comes from DICOM or from people is text in them, never markup."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from web import errors, guards, templates

_STYLE = Path(__file__).with_name("static") / "staff.css"
_KEPT = "public, max-age=31536000, immutable"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "img-src data:",
        "style-src 'self'",
        "form-action 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # So that the browser says in Origin where the form is from; with no-referrer it says null.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Pages:
    """All templates and the style, read once: before the loop runs."""

    def __init__(self) -> None:
        environment = templates.of_package("web.staff")
        self._templates = {name: environment.get_template(name) for name in environment.list_templates(["html"])}
        self._style = _STYLE.read_bytes()
        self._digest = hashlib.sha256(self._style).hexdigest()[:12]

    def page(self, request: web.Request, name: str, values: Mapping[str, object], status: int = 200) -> web.Response:
        """Template `name` as an answer."""
        root = guards.prefix(request)
        style = f"{root}/staff/style/{self._digest}.css"
        text = self._templates[f"{name}.html"].render({"root": root, "style": style, **values})
        return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)

    def login(self, request: web.Request, onward: str, status: int = 200, fault: str = "") -> web.Response:
        """The page that asks for name and password, to go on to `onward`; `fault` says why once more."""
        values = {
            "onward": onward,
            "fault": fault,
            "open_to_others": not (guards.is_secure(request) or _is_here(request)),
            # A Strict cookie is not sent when a link elsewhere was followed, but it is from this page on.
            "perhaps_in": request.headers.get("Sec-Fetch-Site") == "cross-site",
        }
        response = self.page(request, "login", values, status)
        if status == 401:
            response.headers["WWW-Authenticate"] = guards.CHALLENGE
        if status == 429:
            response.headers["Retry-After"] = "60"
        return response

    def worded(self, request: web.Request, code: int, fault: Exception) -> web.StreamResponse:
        """The clinic door's answer to a fault: who comes with a browser is asked to log in, programs get a sentence."""
        if code == 401 and request.method in ("GET", "HEAD") and navigates(request):
            return self.login(request, request.rel_url.raw_path_qs, 401)
        return errors.plain(request, code, fault)

    async def serve_style(self, request: web.Request) -> web.Response:
        """GET /staff/style/{digest}.css."""
        if request.match_info["digest"] != self._digest:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _KEPT}
        return web.Response(body=self._style, content_type="text/css", charset="utf-8", headers=headers)


PAGES = web.AppKey("staff_pages", Pages)


def navigates(request: web.Request) -> bool:
    """Whether a person will see the answer: browsers say so by https and on this machine, else ask for HTML."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "") and "Authorization" not in request.headers


def _is_here(request: web.Request) -> bool:
    """Whether nothing of it passes the network."""
    try:
        return ipaddress.ip_address(guards.address(request)).is_loopback
    except ValueError:
        return False
