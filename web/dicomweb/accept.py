"""What kinds of answer a client takes (PS3.18 8.7, RFC 9110 12.5), read as leniently as clients write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiohttp import web

JSON = "application/dicom+json"
XML = "application/dicom+xml"
DICOM = "application/dicom"
MULTIPART = "multipart/related"

_LONGEST = 4096
"""Characters that are looked at; no honest client sends more."""


@dataclass(frozen=True)
class MediaRange:
    """One kind that is taken."""

    media_type: str
    """In lower case, perhaps with a wildcard; of a multipart kind that of the parts, `*/*` when it doesn't say."""
    multipart: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    """By name in lower case, quotes removed."""
    quality: float = 1.0

    def takes(self, media_type: str) -> bool:
        """Whether `media_type` fits."""
        kind, _, _ = media_type.partition("/")
        return self.media_type in ("*/*", f"{kind}/*", media_type)

    @property
    def transfer_syntax(self) -> str:
        """The one that is asked for, `*` for any; empty for the default of the kind (8.7.3.5.2)."""
        return self.parameters.get("transfer-syntax", "")


def accepted(request: web.BaseRequest) -> list[MediaRange]:
    """What the request takes, the best first; everything when it doesn't say.

    The query parameter `accept` comes before the header, and counts alone when it names something (8.3.3.1).
    """
    asked = [*request.query.getall("accept", [])] or request.headers.getall("Accept", [])
    ranges = [each for text in asked for each in _ranges(text[:_LONGEST]) if each.quality > 0]
    if not ranges and not "".join(asked).strip():
        return [MediaRange("*/*")]
    return sorted(ranges, key=lambda each: -each.quality)


def choose(ranges: Iterable[MediaRange], offers: Iterable[str]) -> str:
    """The first offer that is taken as a single part, in the client's order, then ours.

    Raises `web.HTTPNotAcceptable` naming what there is.
    """
    offers = tuple(offers)
    for each in ranges:
        for offer in offers:
            if not each.multipart and each.takes(offer):
                return offer
    raise not_acceptable(offers)


def liked(ranges: Iterable[MediaRange], offers: Sequence[str], *, multipart: bool) -> str | None:
    """The offer that the client likes best, in parts or not; `*/*` takes either. None where nothing fits."""
    for each in ranges:
        if each.multipart == multipart or each.media_type == "*/*":
            for offer in offers:
                if each.takes(offer):
                    return offer
    return None


def choose_model(ranges: Iterable[MediaRange]) -> str:
    """How data sets are told, in the client's order: as JSON, or as XML in parts (8.7.3.2).

    Raises `web.HTTPNotAcceptable`.
    """
    for each in ranges:
        if each.multipart and each.takes(XML):
            return XML
        for offer in (JSON, "application/json"):
            if not each.multipart and each.takes(offer):
                return offer
    raise not_acceptable((JSON, f'{MULTIPART}; type="{XML}"'))


def not_acceptable(offers: Iterable[str]) -> web.HTTPNotAcceptable:
    """The answer to a client that takes none of `offers`."""
    return web.HTTPNotAcceptable(reason=f"This can be had as: {', '.join(offers)}")


def media_type(text: str) -> MediaRange | None:
    """What a Content-Type says; None when it is none."""
    return _range(text[:_LONGEST])


def weighted(text: str) -> dict[str, float]:
    """The words of a list such as Accept-Charset, in lower case, with their weights."""
    pieces = (_split(piece, ";") for piece in _split(text[:_LONGEST], ","))
    return {
        _unquoted(word).lower(): _quality(dict(map(_parameter, rest)).get("q", "1"))
        for word, *rest in filter(None, pieces)
    }


def _ranges(text: str) -> list[MediaRange]:
    return [made for piece in _split(text, ",") if (made := _range(piece))]


def _range(text: str) -> MediaRange | None:
    media_type, *rest = [piece.strip() for piece in _split(text, ";")] or [""]
    if "/" not in media_type:
        return None
    parameters = dict(map(_parameter, rest))
    multipart = media_type.lower() in (MULTIPART, "multipart/*")
    kind = parameters.pop("type", "*/*") if multipart else media_type
    return MediaRange(kind.lower(), multipart, parameters, _quality(parameters.pop("q", "1")))


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), _unquoted(value)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip()


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0


def _split(text: str, separator: str) -> list[str]:
    """At separators outside quotes."""
    pieces, piece = [], ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"?|[^"' + separator + r"]+|" + separator, text):
        if token == separator:
            pieces.append(piece)
            piece = ""
        else:
            piece += token
    return [each.strip() for each in (*pieces, piece) if each.strip()]
