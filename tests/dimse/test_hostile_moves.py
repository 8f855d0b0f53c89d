"""C-MOVE where it makes no sense: to ourselves, and by two boxes that move the same study to each other at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance.box import Box
from tests.support.files import brainix
from tests.support.querying import BRAINIX, movescu, open_box, serving, take_in
from tests.support.scp import uids

KEYS = ("0008,0052=STUDY", f"0020,000d={BRAINIX}")
FILES = 6


@contextmanager
def serving_box(folder: Path) -> Iterator[tuple[Box, int]]:
    """A box that has a study."""
    box = open_box(folder, PACSBOX_DICOM_OTHER_TITLES="OTHER")
    take_in(box, brainix()[:FILES])
    with serving(box) as port:
        yield box, port
    box.close()


def indexed(box: Box) -> int:
    """Images of the study once all that came is indexed; nothing contradicts what was there."""
    indexer = box.indexer()
    while indexer.drain_batch():
        pass
    spool = box.spool("tests")
    assert not spool.set_aside(spool.rejected)
    assert not spool.set_aside(spool.conflicts)
    (study,) = box.storage.studies.studies([BRAINIX])
    return study.number_of_study_related_instances


def test_a_move_to_ourselves_changes_nothing(tmp_path: Path) -> None:
    with serving_box(tmp_path / "box") as (box, port):
        box.peers.add("OURSELVES", "PACSBOX", "127.0.0.1", port)
        assert "Success" in movescu(port, "PACSBOX", *KEYS)
        came = {uids(entry.path)[1] for entry in box.spool("tests").waiting()}
        assert came == {uids(path)[1] for path in brainix()[:FILES]}
        assert indexed(box) == FILES


def test_two_boxes_move_the_same_study_to_each_other_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(4) as callers:
        here, there = (stack.enter_context(serving_box(tmp_path / name)) for name in ("here", "there"))
        for (box, _), (_, port) in ((here, there), (there, here)):
            box.peers.add("OTHER", "OTHER", "127.0.0.1", port)
        moves = [callers.submit(movescu, port, "OTHER", *KEYS) for _, port in (here, there) * 2]
        for move in moves:
            assert "Success" in move.result(60)
        assert [indexed(box) for box, _ in (here, there)] == [FILES, FILES]
