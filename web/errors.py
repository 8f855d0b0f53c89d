"""One table from the core's errors to HTTP; each door words its answers in its own way."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from appliance.access.scope import NotAllowedError
from appliance.archive.looking import TooBroadError
from appliance.dicom.source import NothingToShowError
from appliance.errors import (
    AlreadyExistsError,
    IndexUnavailableError,
    NotFoundError,
    PacsboxError,
    StorageFullError,
)
from appliance.shares.sharing import Refusal, ShareRefusedError
from web.archived import ArchiveFaultError
from web.rendering import PictureFailedError

_LOG = logging.getLogger(__name__)

Answer = Callable[[web.Request, int, Exception], web.StreamResponse]
"""A door's answer of a status to a request, for a fault."""

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotAllowedError, 403),
    (NotFoundError, 404),
    (AlreadyExistsError, 409),
    (StorageFullError, 507),
    (IndexUnavailableError, 503),
    (PictureFailedError, 503),
    (ArchiveFaultError, 500),
    (TooBroadError, 413),
    (NothingToShowError, 404),
    (KeyError, 500),
    (LookupError, 404),
    (ValueError, 400),
)
"""The first that fits; what is not here is a fault of ours, as is a file that should be there."""
_PERHAPS_OURS = (LookupError, ValueError)
"""Raised for odd requests, and by any mistake: the log says where."""

_OF_REFUSAL = {
    Refusal.UNKNOWN: 404,
    Refusal.EXPIRED: 410,
    Refusal.REVOKED: 410,
    Refusal.GONE: 410,
    Refusal.LOCKED: 423,
    Refusal.WRONG_PIN: 401,
    Refusal.NO_SESSION: 401,
}

_HEADERS = ("Allow", "Content-Range", "WWW-Authenticate")
"""Of aiohttp's own faults, what belongs to the answer in any wording."""


def status(fault: Exception) -> int:
    """The HTTP status of a fault; 500 when nobody foresaw it."""
    if isinstance(fault, web.HTTPException):
        return fault.status
    if isinstance(fault, ShareRefusedError):
        return _OF_REFUSAL[fault.refusal]
    return next((code for kind, code in _STATUS if isinstance(fault, kind)), 500)


def middleware(answer: Answer) -> Middleware:
    """Every fault of a handler becomes an answer of the door."""

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as fault:
            if fault.status < 400:
                raise
            response = answer(request, fault.status, fault)
            response.headers.extend({name: fault.headers[name] for name in _HEADERS if name in fault.headers})
            return response
        except ConnectionError:
            raise
        except Exception as fault:  # noqa: BLE001 - the outermost loop of a request
            code = status(fault)
            _tell(code, fault)
            return answer(request, code, fault)

    return answered


def _tell(code: int, fault: Exception) -> None:
    """Log what is a fault of ours; not in its own words unless they are ours: others quote files and forms."""
    if code >= 500 and isinstance(fault, PacsboxError):
        _LOG.error("%s", fault)
    elif code >= 500:
        _LOG.error("%s\n%s", type(fault).__name__, "".join(traceback.format_tb(fault.__traceback__)))
    elif isinstance(fault, _PERHAPS_OURS) and not isinstance(fault, PacsboxError):
        place = traceback.extract_tb(fault.__traceback__)[-1]
        _LOG.info("%d for %s at %s:%s", code, type(fault).__name__, Path(place.filename).name, place.lineno)


def plain(_request: web.Request, code: int, fault: Exception) -> web.StreamResponse:
    """The clinic door's answer: the sentence, for programs and the people who read their logs."""
    if isinstance(fault, web.HTTPException):
        return web.Response(status=code, text=f"{fault.reason}\n")
    ours = code != 500 or isinstance(fault, PacsboxError)
    said = str(fault) if ours else "This is a fault of the box; its log tells more."
    return web.Response(status=code, text=f"{said}\n")
