"""WADO-URI, for older clients: one instance, named by the query (PS3.18 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web
from multidict import MultiDict

from appliance.dicom.model import Instance
from appliance.dicom.uid import is_valid
from appliance.errors import NotFoundError
from web.dicomweb import rendered, retrieve
from web.dicomweb.accept import DICOM, MediaRange, media_type
from web.dicomweb.asked import ASKED
from web.dicomweb.found import found

_LARGEST = "16383"
_ALIKE = ("annotation", "iccprofile")
_NAMES = {"studyUID": "StudyInstanceUID", "seriesUID": "SeriesInstanceUID", "objectUID": "SOPInstanceUID"}


async def wado(request: web.Request) -> web.StreamResponse:
    """GET /wado?requestType=WADO&studyUID=...&seriesUID=...&objectUID=..."""
    query = request.query
    if query.get("requestType") != "WADO":
        raise ValueError("requestType is WADO")
    if query.get("anonymize", "no") != "no":
        raise ValueError("anonymize is not done here: leave it out")
    uids = {keyword: query.get(name, "") for name, keyword in _NAMES.items()}
    for name, keyword in _NAMES.items():
        if not is_valid(uids[keyword]):
            raise ValueError(f"{name} is a UID: digits and dots, at most 64 characters")
    asked = request[ASKED]
    if not asked.grant.scope.sees(uids["StudyInstanceUID"]):
        raise NotFoundError("There is no such study here.")
    request[ASKED] = replace(asked, uids=uids)
    (instance,) = await found(request)
    kinds = [made for text in query.get("contentType", "").split(",") if (made := media_type(text))]
    if any(kind.media_type == DICOM for kind in kinds):
        syntax = query.get("transferSyntax", "")
        return await retrieve.single(request, [MediaRange(DICOM, parameters={"transfer-syntax": syntax})])
    return await rendered.shown(request, instance, kinds or [MediaRange("*/*")], _view(query, instance), _frame(query))


def _view(query: Mapping[str, str], of: Instance) -> MultiDict[str]:
    """The parameters of 9.1.2.2 as those of 8.3.5 are written; some are written alike."""
    view: MultiDict[str] = MultiDict((name, query[name]) for name in _ALIKE if name in query)
    if {"rows", "columns", "region"} & query.keys():
        size = f"{query.get('columns', _LARGEST)},{query.get('rows', _LARGEST)}"
        view["viewport"] = size + (_region(query["region"], of) if "region" in query else "")
    if "windowCenter" in query or "windowWidth" in query:
        view["window"] = f"{query.get('windowCenter', '')},{query.get('windowWidth', '')},linear"
    if "imageQuality" in query:
        view["quality"] = query["imageQuality"]
    return view


def _region(text: str, of: Instance) -> str:
    """Left, top, width and height in px, from the corners as parts of the whole."""
    try:
        left, top, right, bottom = (float(word) for word in text.split(","))
        columns, rows = int(of.columns), int(of.rows)
    except ValueError as fault:
        raise ValueError("region is left,top,right,bottom of a picture, each from 0 to 1") from fault
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("region is left,top,right,bottom of a picture, each from 0 to 1")
    width, height = max(1, round((right - left) * columns)), max(1, round((bottom - top) * rows))
    return f",{int(left * columns)},{int(top * rows)},{width},{height}"


def _frame(query: Mapping[str, str]) -> int:
    """From 1; 0 when none is named."""
    text = query.get("frameNumber", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise ValueError("frameNumber is a number from 1")
    return int(text)
