"""QIDO-RS: searching for studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web
from pydicom.datadict import tag_for_keyword

from appliance.dicom.answer import CHARACTER_SET, to_json
from appliance.dicom.attributes import Level
from appliance.storage.contract import Studies
from web.dicomweb import search as searches
from web.dicomweb.accept import JSON, accepted, choose
from web.dicomweb.asked import ASKED, ITEMS, STUDY
from web.dicomweb.packed import packed, takes_gzip
from web.dicomweb.search import Search
from web.keys import BOX, THREADS

_ADDED = ("SpecificCharacterSet", "InstanceAvailability", "RetrieveURL")
_COUNTING = 0.002
"""Seconds that telling how many more there are may cost."""


async def studies(request: web.Request) -> web.Response:
    """GET /studies"""
    return await _search(request, Level.STUDY)


async def series(request: web.Request) -> web.Response:
    """GET /series, /studies/{study}/series"""
    return await _search(request, Level.SERIES)


async def instances(request: web.Request) -> web.Response:
    """GET /instances, /studies/{study}/instances, /studies/{study}/series/{series}/instances"""
    return await _search(request, Level.INSTANCE)


async def _search(request: web.Request, level: Level) -> web.Response:
    asked = request[ASKED]
    search = searches.read(level, asked.uids, request.query)
    search = replace(search, match=asked.grant.scope.narrowed(search.match))
    media_type = choose(accepted(request), (JSON, "application/json"))
    box, gzip = request.app[BOX], takes_gzip(request)

    request[STUDY] = _only_study(search)

    def answer() -> tuple[bytes, list[str], int]:
        body, warnings, items = answered(box.storage.studies, search, asked.root)
        return packed(body) if gzip else body, warnings, items

    body, warnings, request[ITEMS] = await request.app[THREADS].run(answer)
    response = web.Response(body=body, headers={"Content-Type": media_type, "Vary": "Accept, Accept-Encoding"})
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    for warning in warnings:
        response.headers.add("Warning", f'299 pacsbox "{warning}"')
    return response


def answered(studies: Studies, search: Search, root: str) -> tuple[bytes, list[str], int]:
    """The results as a JSON array, `[]` for none, what is to be warned of (8.3.4.4), and how many there are."""
    rows = list(studies.find(search.match, search.limit + 1, search.offset))
    warnings = list(search.warnings)
    if len(rows) > search.limit:
        rows.pop()
        warnings.append(_more(studies, search))
    keywords = sorted({*search.always, *search.if_known, *_ADDED}, key=lambda keyword: tag_for_keyword(keyword) or 0)
    return orjson.dumps([_answer(row, keywords, search, root) for row in rows]), warnings, len(rows)


def _only_study(search: Search) -> str:
    """The study that is searched in, if it is one."""
    named = [each.values for each in search.match.conditions if each.attribute.keyword == "StudyInstanceUID"]
    alone = named[0][0] if len(named) == 1 and len(named[0]) == 1 else ""
    return search.match.within.get("StudyInstanceUID", alone)


def _answer(row: dict[str, Any], keywords: Iterable[str], search: Search, root: str) -> dict[str, Any]:
    row["SpecificCharacterSet"] = CHARACTER_SET
    row["InstanceAvailability"] = "ONLINE"
    row["RetrieveURL"] = _url(row, search.match.level, root)
    return to_json(row, (key for key in keywords if key not in search.if_known or row[key] not in (None, "")))


def _url(row: dict[str, Any], level: Level, root: str) -> str:
    """Server-relative, which a UR may be (PS3.5 6.2): right whatever name the client reached us by."""
    url = f"{root}/studies/{row['StudyInstanceUID']}"
    if level is not Level.STUDY:
        url += f"/series/{row['SeriesInstanceUID']}"
    if level is Level.INSTANCE:
        url += f"/instances/{row['SOPInstanceUID']}"
    return url


def _more(studies: Studies, search: Search) -> str:
    """That there are more, and how many when that is soon counted."""
    total = studies.matching(search.match, _COUNTING)
    number = f"{total - search.offset - search.limit} " if total is not None else ""
    return f"There are {number}additional results that can be requested"
