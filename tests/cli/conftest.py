"""Commands, run as staff run them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from appliance.box import Box
from appliance.cli.main import cli

Pacsbox = Callable[..., Result]


@pytest.fixture
def pacsbox(box: Box) -> Pacsbox:
    """Runs a command on `box`."""

    def run(*words: str, typed: str = "") -> Result:
        environment = {"PACSBOX_DATA_DIR": str(box.config.data_dir)}
        return CliRunner().invoke(cli, words, typed, env=environment, catch_exceptions=False)

    return run
