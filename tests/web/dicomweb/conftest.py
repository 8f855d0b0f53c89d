"""A stocked box with its doors open in a thread, for clients that know nothing of asyncio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dicomweb_client.api import DICOMwebClient

from appliance.box import Box
from appliance.config import load
from tests.support.clinic import ROOT, one_study, opened
from tests.support.files import PYDICOM, brainix, knee, shared
from tests.support.indexing import indexing, stock


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with real studies; nobody changes it."""
    folder = tmp_path_factory.mktemp("stocked")
    environment = {"PACSBOX_DATA_DIR": str(folder / "box")}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    box = Box(load(environment=environment)[0])
    odd = (
        "examples_ybr_color.dcm",
        "examples_palette.dcm",
        "CT_small.dcm",
        "SC_rgb_rle_2frame.dcm",
        "rtdose.dcm",
        "rtplan.dcm",
    )
    stock(box, *brainix(), *knee()[:4], *knee()[-4:], *one_study(folder))
    stock(box, shared("odd", "sample-pdf.dcm"))
    stock(box, *(path for name in odd for path in PYDICOM.rglob(name)), *(PYDICOM / "charset_files").glob("*.dcm"))
    yield box
    box.close()


@pytest.fixture(scope="session")
def clinic(stocked: Box) -> Iterator[str]:
    """DICOMweb's root at the clinic door of `stocked`."""
    with opened(stocked) as doors:
        yield doors.clinic + ROOT


@pytest.fixture(scope="session")
def client(clinic: str) -> DICOMwebClient:
    """Python's DICOMweb client there."""
    return DICOMwebClient(clinic)


@pytest.fixture
def root(box: Box) -> Iterator[str]:
    """DICOMweb's root at the clinic door of `box`, with the indexer at work so that it takes instances in."""
    with indexing(box), opened(box) as doors:
        yield doors.clinic + ROOT
