"""Frames of an instance, one part each (PS3.18 10.4.1.1.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from aiohttp import web

from appliance.dicom import frames as stored_frames
from appliance.dicom.frames import EXPLICIT_LITTLE, Frames
from appliance.dicom.media_types import OCTETS, by_new_name, of_frames
from appliance.dicom.model import Instance
from web.dicomweb.accept import MULTIPART, MediaRange, accepted, not_acceptable
from web.dicomweb.asked import ASKED, ITEMS
from web.dicomweb.found import seen
from web.dicomweb.multipart import Multipart
from web.dicomweb.tagged import tagged
from web.dicomweb.watched import watched
from web.keys import RENDERER, THREADS
from web.shipping import Piece, ship
from web.streaming import pour

_AT_ONCE = 4 << 20
"""Bytes of a frame that goes out in one piece: most do."""
_SHIPPED = 64 << 10
"""Bytes from which a frame that stands in its file goes out without passing through us."""
_MOST = 100_000
"""Of a frame's number; more digits are no number of a frame."""


@dataclass(frozen=True)
class Form:
    """How frames go out."""

    media_type: str
    syntax: str
    stored: bool
    """Whether as they are in the file."""
    multipart: bool

    @property
    def content_type(self) -> str:
        """Of a frame, with the syntax that viewers go by."""
        return f"{self.media_type}; transfer-syntax={self.syntax}"


@dataclass(frozen=True)
class _Begun:
    """An answer as far as one visit to a thread gets it."""

    of: Frames
    form: Form
    first: bytes | None = None
    """The first frame, unless a worker must make it."""
    standing: tuple[int, int] | None = None
    """Instead: offset and length in the file of the only frame, where it is long."""


async def frames(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}/series/{series}/instances/{instance}/frames/{frames}: numbers from 1, a comma between."""
    numbers = listed(request.match_info["frames"])
    # By TLS it would pass through us all the same, in more pieces.
    look = partial(_begun, ranges=accepted(request), numbers=numbers, may_ship=not request.secure)
    instance, begun = await seen(request, look)
    valid = tagged(request, [instance], begun.form, weak=begun.form.multipart)
    return await _sent(request, begun, numbers, valid)


async def sent(request: web.Request, of: Frames, numbers: Sequence[int]) -> web.StreamResponse:
    """The answer with frames `numbers`, in the form that the request likes best."""
    form = chosen(of, accepted(request), single=len(numbers) == 1)
    return await _sent(request, _Begun(of, form), numbers, {})


def _begun(
    instance: Instance, path: Path, ranges: Sequence[MediaRange], numbers: Sequence[int], may_ship: bool
) -> _Begun:
    of = _at_the_end(instance, path) or located_in(path)
    for number in numbers:
        if number > of.count:
            raise LookupError(f"There is no frame {number}: the instance has {of.count}.")
    form = chosen(of, ranges, single=len(numbers) == 1)
    if _is_made(of, form):
        return _Begun(of, form)
    if may_ship and form.multipart and len(numbers) == 1:
        standing = stored_frames.stretch(of, numbers[0] - 1)
        if standing and standing[1] >= _SHIPPED:
            return _Begun(of, form, standing=standing)
    return _Begun(of, form, _read(of, form, numbers[0]))


def _at_the_end(of: Instance, path: Path) -> Frames | None:
    """By what the index knows: most images end with their pixels, and are asked for once."""
    told = (of.rows, of.columns, of.bits_allocated)
    if not all(each.isdecimal() for each in told):
        return None
    rows, columns, bits = map(int, told)
    return stored_frames.at_the_end(path, of.transfer_syntax_uid, (rows, columns), bits, of.frames)


async def _sent(
    request: web.Request, begun: _Begun, numbers: Sequence[int], valid: dict[str, str]
) -> web.StreamResponse:
    request[ITEMS] = len(numbers)
    of, form = begun.of, begun.form
    if begun.standing:
        return await _shipped(request, begun, begun.standing, numbers[0], valid)
    first = await made(request, of, form, numbers[0]) if begun.first is None else begun.first
    if not form.multipart:
        return web.Response(body=first, headers=valid | {"Content-Type": form.content_type, "Vary": "Accept"})
    whole, base = Multipart(form.media_type), _base(request)
    headers = valid | {"Content-Type": whole.content_type, "Vary": "Accept"}
    beginning = whole.head(form.content_type, f"{base}/{numbers[0]}", first=True)
    if len(numbers) == 1 and len(first) <= _AT_ONCE:
        return web.Response(body=b"".join((beginning, first, whole.end)), headers=headers)

    async def parts() -> AsyncIterator[bytes]:
        yield beginning + first
        for number in numbers[1:]:
            data = await made(request, of, form, number)
            yield whole.head(form.content_type, f"{base}/{number}", first=False) + data
        yield whole.end

    return await pour(request, web.StreamResponse(headers=headers), watched(request, parts()))


async def _shipped(
    request: web.Request, begun: _Begun, standing: tuple[int, int], number: int, valid: dict[str, str]
) -> web.StreamResponse:
    """A frame from where it stands in the file."""
    whole = Multipart(begun.form.media_type)
    head = whole.head(begun.form.content_type, f"{_base(request)}/{number}", first=True)
    response = web.StreamResponse(headers=valid | {"Content-Type": whole.content_type, "Vary": "Accept"})
    response.content_length = len(head) + standing[1] + len(whole.end)
    pieces = iter((Piece(head, str(begun.of.path), *standing), Piece(whole.end)))
    return await ship(request, response, pieces, request[ASKED].grant.still)


def _base(request: web.Request) -> str:
    asked = request[ASKED]
    return f"{asked.root}/studies/{asked.study}/series/{asked.series}/instances/{asked.instance}/frames"


def listed(text: str) -> list[int]:
    """Frame numbers; raises ValueError for what are none."""
    numbers = [int(word) if word.isascii() and word.isdigit() and len(word) < 7 else 0 for word in text.split(",")]
    if not all(0 < number <= _MOST for number in numbers):
        raise ValueError("frames are numbers from 1, a comma between them")
    return numbers


def chosen(of: Frames, ranges: Sequence[MediaRange], *, single: bool) -> Form:
    """The form that the client likes best of those that there are. Raises `web.HTTPNotAcceptable`."""
    for each in ranges:
        multipart = each.multipart or each.media_type == "*/*"
        form = _form(of, each, multipart) if multipart or single else None
        if form is not None:
            return form
    kinds = dict.fromkeys(([OCTETS] if of.decodable else []) + [of_frames(of.syntax)])
    raise not_acceptable(f'{MULTIPART}; type="{kind}"' for kind in kinds)


def _form(of: Frames, each: MediaRange, multipart: bool) -> Form | None:
    syntax, wanted = of.syntax if of.encapsulated else EXPLICIT_LITTLE, each.transfer_syntax
    kind = of_frames(syntax) if of.encapsulated else OCTETS
    media_type = by_new_name(each.media_type)
    as_stored = wanted in ("*", syntax) or not (wanted or of.decodable)
    if media_type == OCTETS and as_stored:
        kind = OCTETS  # what it holds, the transfer syntax tells
    fits = MediaRange(media_type).takes(kind)
    if fits and (as_stored or (not wanted and media_type not in ("*/*", OCTETS))):
        return Form(kind, syntax, of.encapsulated, multipart)
    if each.takes(OCTETS) and wanted in ("", EXPLICIT_LITTLE) and of.decodable:
        return Form(OCTETS, EXPLICIT_LITTLE, False, multipart)
    return None


async def made(request: web.Request, of: Frames, form: Form, number: int) -> bytes:
    """Frame `number`, from 1, in `form`."""
    if _is_made(of, form):
        return await request.app[RENDERER].run(stored_frames.plain, of, number - 1)
    return await request.app[THREADS].run(_read, of, form, number)


def _is_made(of: Frames, form: Form) -> bool:
    """Whether it has to be decoded, by a worker."""
    return of.encapsulated and not form.stored


def _read(of: Frames, form: Form, number: int) -> bytes:
    return (stored_frames.stored if form.stored else stored_frames.plain)(of, number - 1)


located_in = lru_cache(maxsize=512)(stored_frames.frames)
"""A player asks for frame after frame of the same file, and archived files don't change."""
