"""The instances that a path names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from appliance.dicom.model import Instance
from appliance.errors import NotFoundError
from appliance.storage.contract import Studies
from appliance.storage.rows import Arrived, Stored
from web import archived
from web.dicomweb.asked import ASKED, ITEMS, Asked
from web.keys import BOX, THREADS

T = TypeVar("T")


async def found(request: web.Request) -> list[Instance]:
    """The instances of the study, series or instance of the path, in their order.

    Raises `NotFoundError` when there are none.
    """
    asked, box = request[ASKED], request.app[BOX]
    return _counted(request, await request.app[THREADS].run(lambda: _instances(box.storage.studies, asked)))


async def arrived(request: web.Request) -> list[Arrived]:
    """The same instances, without what costs most of a study of thousands."""
    asked, box = request[ASKED], request.app[BOX]
    uids = (asked.study, asked.series, asked.instance)
    return _counted(request, await request.app[THREADS].run(lambda: box.storage.studies.arrived(*uids)))


async def stored(request: web.Request) -> list[Stored]:
    """The same instances as files. Raises `NotFoundError`."""
    asked, box = request[ASKED], request.app[BOX]
    uids = (asked.study, asked.series, asked.instance)
    return _counted(request, await request.app[THREADS].run(lambda: box.storage.studies.stored(*uids)))


def _counted(request: web.Request, instances: list[T]) -> list[T]:
    if not instances:
        asked = request[ASKED]
        level = "instance" if asked.instance else "series" if asked.series else "study"
        raise NotFoundError(f"There is no such {level} here.")
    request[ITEMS] = len(instances)
    return instances


async def seen(request: web.Request, look: Callable[[Instance, Path], T]) -> tuple[Instance, T]:
    """The instance of the path, and what `look` tells of its file, all in one visit to a thread.

    Raises `NotFoundError`, `ArchiveFaultError` and what `look` does.
    """
    asked, box = request[ASKED], request.app[BOX]

    def visit() -> tuple[Instance, T] | None:
        for instance in _instances(box.storage.studies, asked):
            return instance, look(instance, archived.whole(box.blobs, instance))
        return None

    found = await request.app[THREADS].run(visit)
    if found is None:
        raise NotFoundError("There is no such instance here.")
    request[ITEMS] = 1
    return found


def _instances(studies: Studies, asked: Asked) -> list[Instance]:
    if not asked.instance:
        return studies.instances(asked.study, asked.series)
    instance = studies.instance(asked.study, asked.instance)
    return [instance] if instance and instance.series_instance_uid == asked.series else []
