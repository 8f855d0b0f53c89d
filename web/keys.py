"""What both doors keep in their applications, by typed key."""

from __future__ import annotations

from aiohttp import web

from appliance.box import Box
from appliance.full_viewer import Viewer
from web.rendering import Renderer
from web.threads import Threads

BOX = web.AppKey("box", Box)
VIEWER: web.AppKey[Viewer | None] = web.AppKey("viewer")
"""The full viewer, where it is installed."""
THREADS = web.AppKey("threads", Threads)
"""For index and files."""
SHIPPERS = web.AppKey("shippers", Threads)
"""For whole files on their way out, at the pace of who reads them."""
RENDERER = web.AppKey("renderer", Renderer)
