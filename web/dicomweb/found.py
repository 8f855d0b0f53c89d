"""The instances that a path names."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from appliance.dicom.model import Instance
from appliance.errors import NotFoundError
from appliance.storage.contract import Studies
from web import archived
from web.dicomweb.asked import ASKED, ITEMS, Asked
from web.keys import BOX, THREADS


async def found(request: web.Request) -> list[Instance]:
    """The instances of the study, series or instance of the path, in their order.

    Raises `NotFoundError` when there are none.
    """
    asked, box = request[ASKED], request.app[BOX]
    instances = await request.app[THREADS].run(lambda: _instances(box.storage.studies, asked))
    if not instances:
        level = "instance" if asked.instance else "series" if asked.series else "study"
        raise NotFoundError(f"There is no such {level} here.")
    request[ITEMS] = len(instances)
    return instances


async def located(request: web.Request) -> Path:
    """The file of the instance of the path. Raises `NotFoundError`, `ArchiveFaultError`."""
    box = request.app[BOX]
    (instance,) = await found(request)
    return await request.app[THREADS].run(archived.whole, box.blobs, instance)


def _instances(studies: Studies, asked: Asked) -> list[Instance]:
    if not asked.instance:
        return studies.instances(asked.study, asked.series)
    instance = studies.instance(asked.study, asked.instance)
    return [instance] if instance and instance.series_instance_uid == asked.series else []
