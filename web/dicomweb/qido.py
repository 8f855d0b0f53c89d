"""QIDO-RS: searching for studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
from aiohttp import web
from pydicom.datadict import tag_for_keyword

from appliance.archive.looking import Look, example
from appliance.dicom.answer import CHARACTER_SET, to_json
from appliance.dicom.attributes import BY_TAG, MORE, Level
from appliance.dicom.json import Json
from appliance.dicom.xml import native
from appliance.storage.contract import Studies
from web.dicomweb import charset
from web.dicomweb import search as searches
from web.dicomweb.accept import XML, accepted, choose_model
from web.dicomweb.asked import ASKED, ITEMS, STUDY
from web.dicomweb.metadata import rooted
from web.dicomweb.multipart import Multipart
from web.dicomweb.packed import packed, takes_gzip
from web.dicomweb.search import Search
from web.keys import BOX, THREADS

_MORE = {level: {f"{tag_for_keyword(keyword):08X}" for keyword in keywords} for level, keywords in MORE.items()}
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
    media_type = choose_model(ranges := accepted(request))
    charset.check(request, ranges)
    box, gzip = request.app[BOX], takes_gzip(request)
    parts = Multipart(XML) if media_type == XML else None
    request[STUDY] = _only_study(search)

    def answer() -> tuple[bytes, list[str], int]:
        results, warnings = answered(box.storage.studies, search, asked.root)
        body = _in_parts(parts, results) if parts else orjson.dumps(results)
        return packed(body) if gzip else body, warnings, len(results)

    body, warnings, request[ITEMS] = await request.app[THREADS].run(answer)
    headers = {"Content-Type": parts.content_type if parts else media_type, "Vary": "Accept, Accept-Encoding"}
    response = web.Response(body=body, headers=headers)
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    for warning in warnings:
        response.headers.add("Warning", f'299 pacsbox "{warning}"')
    return response


def answered(studies: Studies, search: Search, root: str) -> tuple[list[Json], list[str]]:
    """The results, and what is to be warned of (8.3.4.4). Raises `TooBroadError`."""
    rows = list(islice(_rows(studies, search), search.limit + 1))
    warnings = list(search.warnings)
    if len(rows) > search.limit:
        rows.pop()
        warnings.append(_more(studies, search))
    keywords = sorted({*search.always, *search.if_known, *_ADDED}, key=lambda keyword: tag_for_keyword(keyword) or 0)
    return [_answer(studies, row, keywords, search, root) for row in rows], warnings


def _rows(studies: Studies, search: Search) -> Iterator[dict[str, Any]]:
    """From `offset` on, one more than the limit where there are more."""
    if not search.deep:
        yield from studies.find(search.match, search.limit + 1, search.offset)
        return
    look = Look(studies, search.deep, search.manner)
    found = (row for row in studies.find(search.match) if look.into(row, search.match.level) is not None)
    yield from islice(found, search.offset, None)


def _answer(
    studies: Studies, row: dict[str, Any], keywords: Iterable[str], search: Search, root: str
) -> dict[str, Any]:
    known = (key for key in keywords if key not in search.if_known or row.get(key) not in (None, ""))
    level = search.match.level
    added = {
        "SpecificCharacterSet": CHARACTER_SET,
        "InstanceAvailability": "ONLINE",
        "RetrieveURL": _url(row, level, root),
    }
    answer = to_json(row | added, [*known, *added])
    if search.more or search.everything:
        model = _model(studies, row, level, root)
        answer = {tag: member for tag, member in model.items() if _is_told(tag, search)} | answer
    return dict(sorted(answer.items()))


def _is_told(tag: str, search: Search) -> bool:
    if tag in search.more:
        return True
    if not search.everything:
        return False
    level = search.match.level
    return level is Level.INSTANCE or (tag in _MORE[level] and int(tag, 16) not in BY_TAG)


def _model(studies: Studies, row: dict[str, Any], level: Level, root: str) -> Json:
    """The metadata of an instance of what the row is about."""
    model: Json = orjson.loads(rooted(example(studies, row, level), root))
    return model


def _in_parts(frame: Multipart, results: Sequence[Json]) -> bytes:
    """Each result a document of its own (8.7.3.2); a body without parts when there are none."""
    parts = [frame.head(XML, "", first=not place) + native(each) for place, each in enumerate(results)]
    return b"".join(parts) + frame.end


def _only_study(search: Search) -> str:
    """The study that is searched in, if it is one."""
    named = [each.values for each in search.match.conditions if each.attribute.keyword == "StudyInstanceUID"]
    alone = named[0][0] if len(named) == 1 and len(named[0]) == 1 else ""
    return search.match.within.get("StudyInstanceUID", alone)


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
    total = None if search.deep else studies.matching(search.match, _COUNTING)
    number = f"{total - search.offset - search.limit} " if total is not None else ""
    return f"There are {number}additional results that can be requested"
