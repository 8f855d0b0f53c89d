"""Both doors open, until someone asks them to close."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from appliance.box import Box
from appliance.errors import PacsboxError
from appliance.full_viewer import installed
from web import logs
from web.app import clinic_app, public_app
from web.rendering import Renderer, workers

_LOG = logging.getLogger(__name__)
_PATIENCE = 4.0
"""Seconds that running answers get at the end, twice: to finish, and to notice."""


@dataclass(frozen=True)
class Doors:
    """Where they really listen."""

    public: str
    """`http://127.0.0.1:8080`."""
    clinic: str


def run(box: Box, stop: threading.Event, ready: Callable[[Doors], None] = lambda _: None) -> None:
    """Serve until `stop` is set; `ready` is told where, once both doors are open.

    Raises `PacsboxError` when an address can't be had.
    """
    renderer, viewer = Renderer(), installed()
    apps = public_app(box, renderer, viewer), clinic_app(box, renderer, viewer)
    try:
        asyncio.run(_serve(box, apps, renderer, stop, ready))
    finally:
        renderer.close()


async def _serve(
    box: Box,
    apps: tuple[web.Application, web.Application],
    renderer: Renderer,
    stop: threading.Event,
    ready: Callable[[Doors], None],
) -> None:
    options, runners = box.config.web, [_runner(app) for app in apps]
    # Started now, so that the first patient does not wait for them; a crash is told to who wants a picture.
    warming = asyncio.gather(*(renderer.run(os.getpid) for _ in range(workers())), return_exceptions=True)
    try:
        public = await _open(runners[0], "patient door", options.public_bind, options.public_port)
        tls = await asyncio.to_thread(_tls, box) if options.clinic_tls else None
        clinic = await _open(runners[1], "clinic door", options.clinic_bind, options.clinic_port, tls)
        ready(Doors(public, clinic))
        await asyncio.to_thread(stop.wait)
    finally:
        await asyncio.gather(warming, *(runner.cleanup() for runner in runners))


def _runner(app: web.Application) -> web.AppRunner:
    # Patients leaf fast: a picture that nobody waits for any more is not made.
    return web.AppRunner(
        app,
        access_log=logs.ACCESS,
        access_log_class=logs.AccessLogger,
        logger=logs.SERVER,
        handler_cancellation=True,
        shutdown_timeout=_PATIENCE,
    )


def _tls(box: Box) -> ssl.SSLContext:
    """With the box's certificate, made now if there is none yet."""
    box.identity.make()
    return box.identity.server("browsers")


async def _open(runner: web.AppRunner, name: str, host: str, port: int, tls: ssl.SSLContext | None = None) -> str:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as fault:
        raise PacsboxError(
            f"The {name} cannot listen on {host}, port {port}: {fault.strerror or fault}.",
            "Another program may have the port, or the address is not of this machine: see `pacsbox config show`.",
        ) from fault
    bound = runner.addresses[0]
    address = f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"
    url = f"{'https' if tls else 'http'}://{address}"
    _LOG.info("%s on %s", name, url)
    return url
