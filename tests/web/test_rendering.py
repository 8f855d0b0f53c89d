"""Pictures are made elsewhere: what hangs or crashes there costs one picture."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.dicom.pixels import NothingToShowError, render
from tests.support.files import PYDICOM
from tests.support.waiting import wait_for
from web.rendering import PictureFailedError, Renderer, _Worker, workers


@pytest.fixture
def own() -> Iterator[Renderer]:
    """A renderer that a test may break."""
    made = Renderer(1)
    yield made
    made.close()


async def test_a_picture_comes_from_another_process(own: Renderer) -> None:
    picture = await own.run(render, PYDICOM / "test_files" / "CT_small.dcm", edge=64)
    assert picture.startswith(b"\xff\xd8\xff")
    assert await own.run(os.getpid) not in (os.getpid(), os.getppid())


async def test_what_a_worker_raises_is_raised_here_and_the_worker_stays(own: Renderer) -> None:
    worker = await own.run(os.getpid)
    with pytest.raises(NothingToShowError):
        await own.run(render, PYDICOM / "test_files" / "test-SR.dcm")
    with pytest.raises(FileNotFoundError):
        await own.run(render, Path("/nowhere"))
    assert await own.run(os.getpid) == worker


async def test_a_crash_costs_one_picture_and_the_next_finds_a_new_worker(own: Renderer) -> None:
    before = await own.run(os.getpid)
    with pytest.raises(PictureFailedError, match="crashed"):
        await own.run(os.abort)
    assert await own.run(os.getpid) != before


@pytest.mark.parametrize("is_noticed", [True, False])
async def test_a_worker_that_was_killed_while_idle_costs_nothing(
    own: Renderer, monkeypatch: pytest.MonkeyPatch, is_noticed: bool
) -> None:
    """Nor when the fork server has not told of it yet."""
    before = await own.run(os.getpid)
    if not is_noticed:
        monkeypatch.setattr(_Worker, "alive", True)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: "(zombie)" in _status(before) or not _status(before))
    assert await own.run(os.getpid) != before


async def test_a_picture_that_takes_too_long_is_given_up_and_its_process_killed(
    own: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await own.run(os.getpid)
    with monkeypatch.context() as patched:  # the start of a process, on a busy machine, is not what is limited here
        patched.setattr(own, "_seconds", 0.5)
        with pytest.raises(PictureFailedError, match=r"longer than 0\.5 seconds"):
            await own.run(time.sleep, 60)
    assert await own.run(os.getpid) != worker
    assert not Path(f"/proc/{worker}").exists()


async def test_who_no_longer_waits_frees_his_place(own: Renderer) -> None:
    first = asyncio.ensure_future(own.run(time.sleep, 0.3))
    waiting = [asyncio.ensure_future(own.run(time.sleep, 60)) for _ in range(5)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await first
    assert await asyncio.wait_for(own.run(os.getpid), 20)


async def test_no_process_is_left_behind(own: Renderer) -> None:
    worker = await own.run(os.getpid)
    await asyncio.to_thread(own.close)
    wait_for(lambda: not Path(f"/proc/{worker}").exists())


def _status(process: int) -> str:
    path = Path(f"/proc/{process}/status")
    return path.read_text() if path.exists() else ""


def test_a_small_machine_keeps_a_core_for_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {}
    for cores in (1, 2, 4, 16):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        counts[cores] = workers()
    assert counts == {1: 1, 2: 1, 4: 2, 16: 4}
