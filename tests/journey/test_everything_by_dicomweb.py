"""Every DICOM file that we have goes in by STOW-RS or is refused with a reason, and what is in comes back by WADO-RS.

Byte for byte, and as the picture that `tests/dicom/pixels` holds against pydicom's own pixels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from appliance.box import Box
from appliance.dicom import part10
from appliance.dicom.pixels import NothingToShowError, thumbnail
from appliance.errors import UnreadableInstanceError
from tests.support.clinic import ROOT, one_study, opened
from tests.support.files import every_file
from tests.support.indexing import indexing

_REASONS = {0xA700, 0xA900, 0xC000, 0x0111, 0x0110, 0x0122, 0x0124}
_STORED = {"Accept": "application/dicom; transfer-syntax=*"}
_SIDE = 16383


@pytest.fixture
def root(box: Box) -> Iterator[str]:
    """DICOMweb's root, the indexer running."""
    with indexing(box), opened(box) as doors:
        yield doors.clinic + ROOT


def data_set(file: bytes) -> bytes:
    """Without the header, which is the box's own."""
    stream = BytesIO(file)
    part10.read(stream)
    return stream.read()


def refused(answer: requests.Response) -> str:
    """Which reason a refusal gives; each must give one."""
    assert answer.status_code == 409, answer.text
    (failure,) = answer.json()["00081198"]["Value"]
    (reason,) = failure["00081197"]["Value"]
    assert reason in _REASONS
    return f"refused {reason:04X}"


def shown(session: requests.Session, url: str, path: Path) -> str:
    """Whether the picture is the core's, or refused as the core does."""
    answer = session.get(f"{url}/rendered?viewport={_SIDE},{_SIDE}", headers={"Accept": "image/png"}, timeout=120)
    try:
        expected = thumbnail(path, viewport=None, edge=_SIDE, media_type="image/png")
    except NothingToShowError:
        if answer.status_code == 406:  # a report, which is words
            page = session.get(f"{url}/rendered", headers={"Accept": "text/html"}, timeout=120)
            assert page.headers["Content-Type"].startswith("text/html"), path.name
            return "not a picture"
        assert answer.status_code in (200, 404), path.name  # 200: a document or a film, as it is
        if answer.status_code == 404:
            assert re.fullmatch(r"[A-Z][^\n]*\.\n", answer.text), path.name
        return "not a picture"
    assert answer.status_code == 200, (path.name, answer.text)
    assert np.array_equal(pixels(answer.content), pixels(expected)), path.name
    return "shown"


def pixels(file: bytes) -> Any:
    with Image.open(BytesIO(file)) as image:
        return np.asarray(image)


@pytest.mark.timeout(400)
@pytest.mark.timeout(600)
def test_every_file_comes_back_as_it_went_in(root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    session = requests.Session()
    for path in [*every_file(), *one_study(tmp_path)]:  # the latter: one image in every transfer syntax
        body = path.read_bytes()
        answer = session.post(f"{root}/studies", data=body, headers={"Content-Type": "application/dicom"}, timeout=120)
        if answer.status_code != 200:
            counts[refused(answer)] += 1
            continue
        (stored,) = answer.json()["00081199"]["Value"]
        url = root.removesuffix(ROOT) + stored["00081190"]["Value"][0]
        if url in seen:
            counts["known already"] += 1
            continue
        seen.add(url)
        back = session.get(url, headers=_STORED, timeout=120)
        assert back.status_code == 200, path.name
        assert data_set(back.content) == data_set(body), path.name
        counts[shown(session, url, path)] += 1
    with capsys.disabled():
        print(f"\n{sum(counts.values())} files: {', '.join(f'{count} {what}' for what, count in counts.items())}")
    assert counts["shown"] > 100
    assert sum(counts[what] for what in ("shown", "not a picture")) > 200


def test_a_file_without_a_header_is_refused_in_words() -> None:
    with pytest.raises(UnreadableInstanceError):
        data_set(b"\0" * 200)
