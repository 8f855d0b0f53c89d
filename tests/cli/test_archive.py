"""`studies` and `reindex`."""

from __future__ import annotations

import orjson
from click.testing import CliRunner

from appliance.box import Box
from appliance.cli.archive import rebuild, studies
from appliance.cli.context import Context
from tests.conftest import Fill
from tests.support.files import brainix, knee


class Given(Context):
    """A context over the test's own box."""

    def __init__(self, box: Box) -> None:
        super().__init__(None)
        self.__dict__["box"] = box


def test_studies_are_listed_by_any_words(box: Box, fill: Fill) -> None:
    fill([knee()[0], brainix()[0]])
    done = CliRunner().invoke(studies, ["kne"], obj=Given(box))
    assert "KNEE" in done.output
    assert done.output.count("\n") == 1
    assert len(orjson.loads(CliRunner().invoke(studies, ["--json"], obj=Given(box)).output)) == 2


def test_reindex_tells_what_it_entered_and_what_it_could_not(box: Box, fill: Fill) -> None:
    fill(knee()[:3])
    assert "1 studies with 3 images" in CliRunner().invoke(rebuild, [], obj=Given(box)).output
    box.blobs.path(next(iter(box.blobs.keys()))).write_bytes(b"rotten")
    done = CliRunner().invoke(rebuild, [], obj=Given(box))
    assert done.exit_code == 1
    assert "not entered" in done.output
