"""Pictures of a shared study: rendered, sized, windowed, and noted in the share's log once a series."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from appliance.box import Box
from tests.conftest import Fill
from tests.support.files import PYDICOM, knee
from tests.support.files import shared as shared_file
from tests.support.pictures import opened, rendered
from tests.web.portal.conftest import CT, Client, Enter, Link, Names, Shared

CLIP = PYDICOM / "test_files" / "examples_ybr_color.dcm"
PLAN = PYDICOM / "test_files" / "rtplan.dcm"


async def test_a_picture_is_what_the_renderer_makes_of_the_file(
    client: Client, link: Link, enter: Enter, names: Names
) -> None:
    await enter(client, link)
    async with client.get(f"{link.path}/i/{names(link)[0]}/1.jpg") as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        shown = opened(await answer.read()).astype(int)
    assert np.abs(shown - rendered(CT).astype(int)).mean() < 2


async def test_a_window_changes_the_picture(client: Client, link: Link, enter: Enter, names: Names) -> None:
    await enter(client, link)
    item = f"{link.path}/i/{names(link)[0]}"
    about = await (await client.get(f"{item}/about.json")).json()
    windows = {one["name"]: one["value"] for one in about["windows"]}
    assert {"Soft tissue", "Lung", "Bone", "Brain"} <= windows.keys()
    assert about["rate"] is None
    pictures = {await (await client.get(f"{item}/1.jpg?window={quote(w)}")).read() for w in windows.values()}
    assert len(pictures) == len(windows)


async def test_a_thumbnail_is_small(client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names) -> None:
    fill(knee()[:1])
    link = shared()
    await enter(client, link)
    async with client.get(f"{link.path}/i/{names(link)[0]}/small.jpg") as answer:
        assert max(Image.open(BytesIO(await answer.read())).size) == 264


@pytest.mark.parametrize(
    "query", ["edge=0", "edge=99999", "edge=x", "window=1", "window=1,0,LINEAR", "window=nan,1,LINEAR", "window=1,2,X"]
)
async def test_what_cannot_be_asked_for_is_refused(
    client: Client, link: Link, enter: Enter, names: Names, query: str
) -> None:
    await enter(client, link)
    async with client.get(f"{link.path}/i/{names(link)[0]}/1.jpg?{query}") as answer:
        assert answer.status == 400


async def test_frames_of_a_clip_are_pictures_and_it_knows_its_speed(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names, box: Box
) -> None:
    fill([CLIP])
    link = shared()
    await enter(client, link)
    item = f"{link.path}/i/{names(link)[0]}"
    frames = [await (await client.get(f"{item}/{frame}.jpg")).read() for frame in (1, 2, 30)]
    assert len(set(frames)) == 3
    async with client.get(f"{item}/31.jpg") as answer:
        assert answer.status == 404
    assert (await (await client.get(f"{item}/about.json")).json())["rate"] == pytest.approx(30, 0.001)
    assert [one.what for one in box.sharing.openings(link.id)] == ["pictures", "opened"]


async def test_a_series_looked_through_is_one_line_of_the_log_and_a_saved_picture_another(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names, box: Box
) -> None:
    fill(knee()[:4] + knee()[-2:])
    link = shared()
    await enter(client, link)
    for name in names(link):
        for kind in ("small.jpg", "1.jpg", "1.jpg?edge=2560"):
            async with client.get(f"{link.path}/i/{name}/{kind}") as answer:
                assert answer.status == 200
    async with client.get(f"{link.path}/i/{names(link)[1]}/1.jpg?save") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="image-1-2.jpg"'
    log = [(one.what, one.detail) for one in reversed(box.sharing.openings(link.id))]
    assert log == [
        ("opened", ""),
        ("pictures", "series 1 (MR)"),
        ("pictures", "series 2 (MR)"),
        ("saved", "series 1 (MR), image 2"),
    ]


async def test_a_file_without_picture_is_a_line_about_the_download(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names
) -> None:
    fill([PLAN])
    link = shared()
    await enter(client, link)
    assert "1 file for doctors’ software" in await (await client.get(link.path)).text()
    async with client.get(f"{link.path}/i/{names(link)[0]}/1.jpg") as answer:
        assert answer.status == 404


async def test_a_damaged_picture_costs_itself_alone(
    client: Client, link: Link, enter: Enter, names: Names, box: Box
) -> None:
    await enter(client, link)
    instance = box.storage.studies.instances(link.new.share.study_instance_uid)[0]
    path = box.blobs.path(instance.blob_key)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:400].ljust(instance.size, b"\xff"))
    async with client.get(f"{link.path}/i/{names(link)[0]}/1.jpg") as answer:
        assert answer.status == 404
    path.unlink()
    async with client.get(f"{link.path}/i/{names(link)[0]}/small.jpg") as answer:
        assert answer.status == 500
    async with client.get(link.path) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "file", [pytest.param(path, id=path.stem[:40]) for path in sorted(shared_file("transfer-syntaxes").glob("*.dcm"))]
)
async def test_every_transfer_syntax_and_colour_model_becomes_a_picture(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names, file: Path
) -> None:
    fill([file])
    link = shared()
    await enter(client, link)
    async with client.get(f"{link.path}/i/{names(link)[0]}/1.jpg") as answer:
        if file.stem == "no-pixel-data":
            assert answer.status == 404
            return
        assert answer.status == 200
        assert np.asarray(Image.open(BytesIO(await answer.read()))).std() > 5
