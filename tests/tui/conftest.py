"""The console under test: a real box behind it, and a guard that nothing blocks the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from blockbuster import BlockBuster
from textual.events import Paste
from textual.pilot import Pilot

from appliance import events
from appliance.box import Box
from appliance.dicom.attributes import Level, stored_at
from appliance.dicom.header import Header
from appliance.dicom.model import Origin
from appliance.events import stamp
from tui.app import PacsboxApp

_FIRST = datetime(2026, 1, 2, tzinfo=UTC)

_SMALL = (80, 24)


@contextmanager
def nothing_blocks() -> Iterator[None]:
    """Whatever the console does in the event loop must not wait for a disk, a lock or the index."""
    guard = BlockBuster(scanned_modules=["tui"])
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


class Console:
    """A running console, as a person sees and uses it."""

    def __init__(self, app: PacsboxApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type letters."""
        await self.pilot.press(*text)

    async def fill_in(self, *values: str) -> None:
        """Fill the fields of a form, Enter after each."""
        for value in values:
            self.app.post_message(Paste(value))
            await self.pilot.pause()
            await self.press("enter")

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        """The same, in one piece."""
        return "\n".join(self.lines)

    def row(self, *parts: str) -> str:
        """The first line that has all of `parts`; empty when there is none."""
        return next((line for line in self.lines if all(part in line for part in parts)), "")

    async def until(self, condition: Callable[[], object], seconds: float = 30.0) -> float:
        """Wait until `condition` is true; how long it took. Shows the screen when it never is."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                raise AssertionError(f"waited {seconds} s in vain before this screen:\n{self.text}")
            await asyncio.sleep(0.01)
        await self.pilot.pause()
        return time.monotonic() - start

    async def sees(self, *parts: str, seconds: float = 30.0) -> float:
        """Wait until a line has all of `parts`; how long it took."""
        return await self.until(lambda: self.row(*parts), seconds)

    async def sees_no_more(self, text: str, seconds: float = 30.0) -> float:
        """Wait until `text` is gone."""
        return await self.until(lambda: text not in self.text, seconds)


@pytest.fixture
def opened(box: Box) -> Callable[..., AsyncIterator[Console]]:
    """Opens the console of `box`: `async with opened() as console`."""

    @asynccontextmanager
    async def open_it(size: tuple[int, int] = _SMALL) -> AsyncIterator[Console]:
        app = PacsboxApp(box)
        with nothing_blocks():
            async with app.run_test(size=size, notifications=True) as pilot:
                console = Console(app, pilot)
                await console.until(lambda: app.pulse is not None)
                yield console

    return open_it


def made_up(number: int, received: str = "") -> Header:
    """The header of a made-up study's only instance; `number` makes it unlike any other."""
    uid = f"1.2.826.0.1.3680043.8.498.{number}"
    study = dict.fromkeys((a.column for a in stored_at(Level.STUDY)), "")
    series = dict.fromkeys((a.column for a in stored_at(Level.SERIES)), "")
    instance = dict.fromkeys((a.column for a in stored_at(Level.INSTANCE)), "")
    study |= {
        "study_instance_uid": uid,
        "patient_name": f"Nr{number:06}^Ann",
        "patient_id": f"P{number:06}",
        "patient_birth_date": f"19{number % 100:02}0412",
        "study_date": "20260102",
        "study_description": "Made up",
    }
    series |= {"series_instance_uid": f"{uid}.1", "modality": "CT", "series_number": "1"}
    instance |= {"sop_instance_uid": f"{uid}.1.1", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}
    origin = Origin("C-STORE", "CT1", "PACSBOX", "127.0.0.1", received or events.now())
    return Header("1.2.840.10008.1.2.1", study, series, instance, b"{}", f"{number:064x}", 1000, origin)


@pytest.fixture
def fill_with() -> Callable[[Box, int], None]:
    """Enters that many made-up studies; number 0 arrived first."""

    def enter(box: Box, count: int) -> None:
        storage = box.storage
        with storage.transaction():
            for number in range(count):
                header = made_up(number, stamp(_FIRST + timedelta(seconds=number)))
                storage.studies.add([(header, f"00/{'0' * 32}/{number}.dcm")])
                storage.events.add(events.STUDY_RECEIVED, header.uids[0], instances=1)

    return enter
