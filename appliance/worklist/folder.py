"""The watched folder: DICOM worklist files (`*.wl`) that another program puts there and takes away.

As dcmtk's wlmscpfs and Orthanc's plugin have it: files in the folder, or in folders of it that are named for an AE
title. A new file is an order, a changed one changes it, one that is gone is no order any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from appliance import events
from appliance.dicom.json import Json
from appliance.storage.contract import Storage
from appliance.storage.rows import Order, OrderState, WorklistFile
from appliance.worklist import item as items
from appliance.worklist import progress, reading
from appliance.worklist.orders import keep

_SUFFIX = ".wl"


def seen(folder: Path) -> dict[str, str]:
    """The worklist files of `folder` by name, with marks that change when they do. Raises OSError."""
    return dict(_scan(folder, ""))


def _scan(folder: Path, within: str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIX) and entry.is_file():
                status = entry.stat()
                yield f"{within}{entry.name}", f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"
            elif not within and entry.is_dir(follow_symlinks=False):
                yield from _scan(folder / entry.name, f"{entry.name}/")


def follow(storage: Storage, folder: Path) -> int:
    """Bring the orders up to date with the files; how many files had changed. Raises OSError."""
    now, known = seen(folder), storage.orders.files()
    new = [(name, mark) for name, mark in sorted(now.items()) if name not in known or known[name].mark != mark]
    gone = [file for name, file in known.items() if name not in now]
    if not new and not gone:
        return 0
    read = [(known.get(name), _read(folder, name, mark)) for name, mark in new]
    with storage.transaction():
        for before, (file, order) in read:
            _take(storage, before, file, order)
        for file in gone:
            _withdraw(storage, file)
        storage.orders.forget_files([file.name for file in gone])
    return len(new) + len(gone)


def _read(folder: Path, name: str, mark: str) -> tuple[WorklistFile, Json | None]:
    try:
        return WorklistFile(name, mark, None, ""), reading.from_file(folder / name)
    except (ValueError, OSError) as fault:
        why = (fault.strerror or "it can't be read") if isinstance(fault, OSError) else str(fault)
        return WorklistFile(name, mark, None, why), None


def _take(storage: Storage, before: WorklistFile | None, file: WorklistFile, item: Json | None) -> None:
    """A file is new or has changed. One that can't be read is perhaps half-written: what it held stays."""
    known = storage.orders.get(before.order_id) if before and before.order_id else None
    if item is None:
        storage.orders.note_file(replace(file, order_id=known.id if known else None))
        return
    if known is None:
        order = _new(storage, file, item)
    else:
        made_up = items.identified(item, known.id)
        ours = {keyword: items.value(known.item, keyword) or value for keyword, value in made_up.items()}
        state = OrderState.ORDERED if known.state is OrderState.EXPIRED else known.state
        order = replace(known, item=items.with_values(item, ours), state=state)
        keep(storage, order)
    storage.orders.note_file(replace(file, order_id=order.id))


def _new(storage: Storage, file: WorklistFile, item: Json) -> Order:
    whole = items.with_values(item, items.identified(item, storage.orders.next_id()))
    order = storage.orders.add(Order(0, OrderState.ORDERED, whole, f"file {file.name}", **items.columns(whole)))
    storage.events.add(events.ORDER_CHANGED, order.study_instance_uid, order=order.id, state=order.state)
    return order


def _withdraw(storage: Storage, file: WorklistFile) -> None:
    """Its file is gone: it is no order any more, unless the modality has begun."""
    order = storage.orders.get(file.order_id) if file.order_id else None
    if order is not None and order.state is OrderState.ORDERED:
        progress.move(storage, order, OrderState.CANCELLED, order.images)
