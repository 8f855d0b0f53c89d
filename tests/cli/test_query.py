"""`pacsbox query` and `fetch`, of a box that another box asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from appliance.box import Box
from appliance.cli.main import cli
from tests.support.files import brainix
from tests.support.programs import free_port
from tests.support.querying import open_box, serving, take_in

BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"


@pytest.fixture
def clinic(box: Box, tmp_path: Path) -> Iterator[Box]:
    made = open_box(tmp_path / "clinic", PACSBOX_DICOM_AE_TITLE="CLINIC-B")
    take_in(made, brainix()[:3])
    with serving(made) as port:
        box.peers.add("CLINIC-B", "CLINIC-B", "127.0.0.1", port)
        box.close()
        yield made
    made.close()


def run(box: Box, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"PACSBOX_DATA_DIR": str(box.data_dir)})


def test_what_a_peer_has_is_listed(box: Box, clinic: Box) -> None:
    done = run(box, "query", "CLINIC-B", "--name", "brain", "--modality", "mr", "--date", "20060101-")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{BRAINIX}  BRAINIX  5Yp0E  19490301  20061201  MR  ")
    assert "3 images" in done.output
    assert run(box, "query", "clinic-b", "--id", "nobody").output == "CLINIC-B has no such study.\n"
    (found,) = orjson.loads(run(box, "query", "CLINIC-B", "--born", "19490301", "--json").stdout_bytes)
    assert (found["study_instance_uid"], found["images"]) == (BRAINIX, 3)


def test_a_study_is_fetched_and_its_patients_others_are_found(box: Box, clinic: Box) -> None:
    done = run(box, "fetch", "CLINIC-B", BRAINIX)
    assert done.exit_code == 0, done.output
    assert "3 images came from CLINIC-B." in done.output
    assert "The indexer of this box is not running" in done.output
    box.indexer().drain_batch()
    assert "3 images  3 here" in run(box, "query", "CLINIC-B", "--like", BRAINIX).output


def test_what_goes_wrong_is_said_in_words(box: Box, clinic: Box) -> None:
    box.peers.add("GONE", "GONE", "127.0.0.1", free_port())
    box.close()
    for arguments in (["query", "GONE", "--name", "x"], ["fetch", "GONE", BRAINIX]):
        done = run(box, *arguments)
        assert done.exit_code == 1
        assert "nothing listens on port" in done.output
    assert "CLINIC-B has no such study" in str(run(box, "fetch", "CLINIC-B", "1.2.3").exception)
    assert "say what to look for" in str(run(box, "query", "CLINIC-B").exception)
