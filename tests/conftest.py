"""What all tests start from: a box in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from appliance.box import Box
from appliance.config import Config, load
from tests.support.indexing import stock

Fill = Callable[[Iterable[Path]], None]

# Hypothesis measures by the clock on the wall, which says nothing on a busy machine.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration whose data folder is the test's own, on loopback and ports that the system chooses."""
    environment = {
        "PACSBOX_DATA_DIR": str(tmp_path / "box"),
        "PACSBOX_DICOM_BIND": "127.0.0.1",
        "PACSBOX_DICOM_PORT": "0",
        "PACSBOX_DICOM_TLS_PORT": "0",
        "PACSBOX_WEB_PUBLIC_PORT": "0",
        "PACSBOX_WEB_CLINIC_PORT": "0",
    }
    return load(environment=environment)[0]


@pytest.fixture
def box(config: Config) -> Iterator[Box]:
    """An empty box."""
    made = Box(config)
    yield made
    made.close()


@pytest.fixture
def fill(box: Box) -> Fill:
    """Brings DICOM files into `box` through the spool, as a modality's would come."""

    return lambda paths: stock(box, *paths)
