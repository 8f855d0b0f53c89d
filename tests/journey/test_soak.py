"""The soak in short: what `make soak` does in ten minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journey.soak import Soak
from tests.support.programs import program


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_grows_while_everything_goes_wrong(tmp_path: Path) -> None:
    program("storescp")
    soak = Soak(tmp_path)
    soak.run(storm=8, steady=6)
    print("\n".join(soak.report))
    assert soak.faults == []
