"""Commands, run as staff run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.box import Box
from appliance.cli.context import Context
from appliance.cli.main import cli
from appliance.config import load

Pacsbox = Callable[..., Result]


@pytest.fixture
def pacsbox(box: Box) -> Pacsbox:
    """Runs a command on `box`."""

    def run(*words: str, typed: str = "") -> Result:
        environment = {"PACSBOX_DATA_DIR": str(box.config.data_dir)}
        return CliRunner().invoke(cli, words, typed, env=environment, catch_exceptions=False)

    return run


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """What one command gets that is run by itself, with a box that is new."""
    made = Context(None)
    made.__dict__["_loaded"] = load(environment={"PACSBOX_DATA_DIR": str(tmp_path / "box")})
    yield made
    made.box.close()
