"""docs/dicomweb.md names tests that exist, and every path."""

from __future__ import annotations

import re

import pytest

from tests.support.files import ROOT

DOCUMENT = (ROOT / "docs" / "dicomweb.md").read_text("utf-8")
NAMED = re.findall(r"(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)", DOCUMENT)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_test_that_holds_a_point_exists(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)


def test_there_is_a_test_for_each_row() -> None:
    table = DOCUMENT.partition("each with its test")[2]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(NAMED) > 20
