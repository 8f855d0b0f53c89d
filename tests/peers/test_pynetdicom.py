"""pynetdicom's own programs ask the box: `python -m pynetdicom echoscu`, and so on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance.box import Box
from tests.support.files import brainix
from tests.support.querying import open_box, serving, take_in
from tests.support.receiving import instance
from tests.support.scp import acceptor, uids

BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """It holds three images."""
    made = open_box(tmp_path_factory.mktemp("box"))
    take_in(made, brainix()[:3])
    yield made
    made.close()


@pytest.fixture
def run(box: Box, tmp_path: Path) -> Iterator[Run]:
    """Runs one of the programs in a folder of its own; what it says."""
    with serving(box) as port:

        def run_one(name: str, *arguments: str, after: tuple[str, ...] = ()) -> str:
            command = [sys.executable, "-m", "pynetdicom", name, "-v", "-aec", "PACSBOX", *arguments]
            done = subprocess.run(
                [*command, "127.0.0.1", str(port), *after],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout + done.stderr

        yield run_one


def test_echoscu(run: Run) -> None:
    assert "0x0000" in run("echoscu")


def test_storescu_keeps_the_bytes(box: Box, run: Run) -> None:
    assert "0x0000" in run("storescu", "-cx", after=(str(brainix()[5]),))
    (entry,) = box.spool("tests").waiting()
    assert instance(entry.path)[1] == instance(brainix()[5])[1]


@pytest.mark.parametrize(("key", "count"), [("PatientName=brain*", 1), ("PatientName=nobody", 0)])
def test_findscu(run: Run, tmp_path: Path, key: str, count: int) -> None:
    run("findscu", "-S", "-w", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=", "-k", key)
    found = [dcmread(path, force=True).StudyInstanceUID for path in tmp_path.glob("rsp*.dcm")]
    assert found == [BRAINIX] * count


def test_getscu(run: Run, tmp_path: Path) -> None:
    run("getscu", "-S", "-od", "got", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={BRAINIX}")
    got = {uids(path)[1] for path in (tmp_path / "got").iterdir()}
    assert got == {uids(path)[1] for path in brainix()[:3]}


def test_movescu(box: Box, run: Run) -> None:
    with acceptor() as destination:
        box.peers.add("THERE", destination.peer.ae_title, destination.peer.host, destination.peer.port)
        to, keys = destination.peer.ae_title, ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={BRAINIX}")
        run("movescu", "-S", "-aem", to, *keys)
        assert sorted(destination.received) == sorted(uids(path)[1] for path in brainix()[:3])
