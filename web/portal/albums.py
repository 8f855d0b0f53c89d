"""Albums in memory: leafing through a study of thousands must not read its rows at each picture."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from appliance.box import Box
from appliance.shares.album import Album, Item, Stack
from appliance.shares.sharing import Refusal, ShareRefusedError
from appliance.storage.rows import Share
from web import archived
from web.guards import Visit
from web.keys import BOX, THREADS

_MANY = 16


@dataclass(frozen=True)
class Found:
    """What an address names."""

    stack: Stack
    item: Item
    path: Path


class Albums:
    """The albums last looked at, each as long as its study is unchanged; used from threads."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[object, Album]] = OrderedDict()

    def of(self, share: Share) -> Album:
        """The share's album as of now. Raises `ShareRefusedError`."""
        study = self._box.storage.studies.study(share.study_instance_uid)
        if study is None:
            raise ShareRefusedError(Refusal.GONE)
        with self._lock:
            known, album = self._kept.pop(share.id, (None, None))
        if album is None or known != study:
            album = self._box.sharing.album(share)
        with self._lock:
            self._kept[share.id] = (study, album)
            while len(self._kept) > _MANY:
                self._kept.popitem(last=False)
        return album

    def find(self, share: Share, name: str) -> Found:
        """The instance that an address names, if it is of the study. Raises `LookupError`, `ArchiveFaultError`."""
        found = self.of(share).find(name)
        if found is None:
            raise LookupError("the study has no such picture")
        stack, item = found
        return Found(stack, item, archived.whole(self._box.blobs, item.instance))


ALBUMS = web.AppKey("albums", Albums)


async def find(request: web.Request, visit: Visit) -> Found:
    """What the request's address names. Raises `LookupError`, `ArchiveFaultError`, `ShareRefusedError`."""
    return await request.app[THREADS].run(request.app[ALBUMS].find, visit.share, request.match_info["name"])


async def whole(request: web.Request, visit: Visit) -> Album:
    """The album of a visit. Raises `ShareRefusedError`."""
    return await request.app[THREADS].run(request.app[ALBUMS].of, visit.share)


async def note(request: web.Request, visit: Visit, what: str, detail: str = "") -> None:
    """Write a line of the share's log."""
    box = request.app[BOX]
    await request.app[THREADS].run(lambda: box.sharing.log(visit.share, visit.address, what, detail))
