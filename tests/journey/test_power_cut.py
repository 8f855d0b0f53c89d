"""The power is cut while four modalities send: what was answered with success is there, and the box starts by itself.

Real services on a real file system, whose every write and flush is recorded; then, for one moment after another, the
disk is put together as a cut would have left it, mounted, and looked through. See docs/durability.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.spool import keeping
from appliance.storage.durable import Place
from tests.support import disks, recorded_disk
from tests.support.boxes import RunningBox
from tests.support.power_cut import SECTORS, Cut, Replay
from tests.support.receiving import instance
from tests.support.recorded_disk import Flush, Write
from tests.support.scu import EXPLICIT, Scu
from tests.support.steady_traffic import CT, Traffic, send, wait_until_indexed

CUTS = int(os.environ.get("POWER_CUTS", "100"))
SEED = int(os.environ.get("POWER_CUTS_SEED", "1"))
IMAGES = 30
"""Of each modality."""
NOT_THERE = "answered, but not in the index"
HALF = "set aside"
pytestmark = pytest.mark.timeout(300 + 10 * CUTS)
OPTIONS = {"PACSBOX_STORAGE_RESERVE_MB": "1", "PACSBOX_DICOM_PROCESSES": "2"}


@dataclass
class Recording:
    """What happened on a disk, and what was answered meanwhile."""

    kind: str
    blank: Path
    """The disk as it was before."""
    log: list[Write | Flush]
    traffic: Traffic

    def cuts(self, count: int, seed: int = SEED) -> list[Cut]:
        """Half of them at the instant of an answer, the others when the disk had done something; in order of time."""
        chance = Random(seed)
        answers = self.traffic.answers()
        steps = [entry.answered for entry in self.log]
        times = [chance.choice(answers if chance.random() < 0.5 else steps) for _ in range(count)]
        return [Cut(at, chance.getrandbits(32)) for at in sorted(times)]


@dataclass
class Findings:
    """What many cuts had left."""

    wrong: dict[Cut, list[str]] = field(default_factory=dict)
    """Sentences, where something was."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often the cut came at what could have been one of the hard moments."""


T = TypeVar("T")
Record = Callable[..., Recording]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where images are kept, fast."""
    disks.needed()
    with disks.fast_folder(tmp_path_factory.mktemp("disks")) as made:
        yield made


@pytest.fixture(scope="module")
def recording_of(folder: Path) -> Record:
    """Makes a recording, or gives the one that was made before."""
    made: dict[tuple[str, bool], Recording] = {}

    def get(kind: str, hasty: bool) -> Recording:
        if (kind, hasty) not in made:
            made[kind, hasty] = record(kind, folder / f"{kind}-{hasty}", IMAGES, hasty=hasty)
        return made[kind, hasty]

    return get


def record(kind: str, folder: Path, each: int, *, hasty: bool = False, program: Path | None = None) -> Recording:
    """Run a box on a new file system, from its very first start, while modalities send `each` images."""
    folder.mkdir()
    blank = disks.make(kind, folder / "blank")
    disks.copy(blank, folder / "disk")
    with disks.recorded(folder / "disk", folder) as device, disks.mounted(device, kind, folder / "mount") as mount:
        (mount / "box").mkdir()
        running = RunningBox(mount / "box", **OPTIONS)
        if program is not None:
            running.program = (str(program),)
        running.start("receiver", "indexer")
        try:
            traffic = send(running, each, hasty=hasty)
            wait_until_indexed(running)
        finally:
            running.stop()
    (folder / "disk").unlink()
    return Recording(kind, blank, recorded_disk.read(folder / "log"), traffic)


def after_each(recording: Recording, cuts: list[Cut], folder: Path) -> Iterator[tuple[Cut, Path, int]]:
    """Each cut, the data folder that it left, mounted, and how many writes it left to chance."""
    start = folder / "start"
    disks.copy(recording.blank, start)
    # Of half of its superblock btrfs makes nothing, without somebody's help: it counts on sectors that hold one.
    replay = Replay(start, recording.log, (4096,) if recording.kind == "btrfs" else SECTORS)
    for number, cut in enumerate(cuts):
        # Another file each time: `mount` takes a loop device again that is not quite gone, with what it has cached.
        left = folder / f"left-{number}"
        loose = replay.after(cut, left)
        with disks.mounted(left, recording.kind, folder / "after") as mount:
            yield cut, mount / "box", loose
        left.unlink()
    start.unlink()


def examine(
    recording: Recording, cuts: list[Cut], folder: Path, enough: str = "", findings: Findings | None = None
) -> Findings:
    """Start a box after each cut, let it work off what waited, and look through it.

    No further than until something is wrong that is called `enough`. What is found comes to `findings`.
    """
    findings = findings or Findings()
    for cut, data_dir, loose in after_each(recording, cuts, folder):
        box = Box(load(environment={"PACSBOX_DATA_DIR": str(data_dir), **OPTIONS})[0])
        try:
            spool = box.spool("tests")
            drafts = spool.drafts()
            findings.seen["with writes left to chance"] += bool(loose)
            findings.seen["with entries"] += bool(spool.waiting())
            spool.sweep()
            findings.seen["with whole drafts"] += any(draft.exists() for draft in drafts)
            findings.seen["with cut drafts"] += not all(draft.exists() for draft in drafts)
            while box.indexer().drain_batch():
                pass
            found = what_is_wrong(box, recording.traffic, cut.at)
        finally:
            box.close()
        if found:
            findings.wrong[cut] = found
        if enough and any(enough in sentence for sentence in found):
            break
    return findings


def what_is_wrong(box: Box, traffic: Traffic, at: int) -> list[str]:
    """Sentences about a box that has worked off its spool, after a cut at this time."""
    storage, spool = box.storage, box.spool("tests")
    studies = storage.studies.search("", 100)
    rows = [row for study in studies for row in storage.studies.instances(study.study_instance_uid)]
    files = {row.sop_instance_uid: box.blobs.path(row.blob_key) for row in rows}
    told = (event.detail["instances"] for event in storage.events.since(0) if event.kind == events.STUDY_RECEIVED)
    checks = {
        NOT_THERE: answered(traffic.stored, at) - set(files),
        "twice in the index": len(rows) - len(files),
        "other bytes than were sent": {uid for uid, path in files.items() if instance(path)[1] != traffic.sent[uid]},
        "a file without a row, or a row without its file": set(box.blobs.keys()) ^ {row.blob_key for row in rows},
        HALF: spool.set_aside(spool.rejected) + spool.set_aside(spool.conflicts),
        "left in the spool": list(spool.new.iterdir()),
        "events tell of more or fewer": sum(told) - len(rows),
        "the index is damaged": storage.check(),
        "peers are lost": answered(traffic.peers, at) - {peer.name for peer in box.peers.all()},
        "shares are lost": answered(traffic.shares, at) - {share.id for share in box.sharing.all()},
    }
    return [f"{what}: {found}" for what, found in checks.items() if found]


def answered(times: dict[T, int], at: int) -> set[T]:
    """What was answered before this time."""
    return {what for what, when in times.items() if when <= at}


@pytest.mark.parametrize(
    ("kind", "hasty", "share"), [("ext4", False, 1), ("ext4", True, 1), ("xfs", True, 0.2), ("btrfs", True, 0.2)]
)
def test_nothing_is_lost(recording_of: Record, folder: Path, kind: str, hasty: bool, share: float) -> None:
    recording = recording_of(kind, hasty)
    assert len(recording.traffic.stored) == len(recording.traffic.sent)
    findings = examine(recording, recording.cuts(int(CUTS * share)), folder)
    for seed in range(SEED + 1, SEED + 6):
        if findings.seen["with cut drafts"] or (kind, hasty) != ("ext4", True):
            break
        # They are few, and on a busy machine fewer: a hundred cuts may miss them all.
        examine(recording, recording.cuts(CUTS, seed), folder, findings=findings)
    print(f"{kind}: {len(recording.traffic.stored)} images, {len(recording.log)} writes and flushes, {findings.seen}")
    assert findings.wrong == {}
    assert all(findings.seen[what] for what in ("with writes left to chance", "with entries", "with whole drafts"))
    assert findings.seen["with cut drafts"] or (kind, hasty) != ("ext4", True)


def test_the_services_start_by_themselves(recording_of: Record, folder: Path) -> None:
    recording = recording_of("ext4", True)
    for cut, data_dir, _ in after_each(recording, recording.cuts(CUTS)[CUTS // 3 :: CUTS // 2], folder):
        running = RunningBox(data_dir, **OPTIONS).start()
        try:
            wait_until_indexed(running)
            assert what_is_wrong(running.box, recording.traffic, cut.at) == []
            with Scu(running.dicom_port).associate([(CT, [EXPLICIT])]) as scu:
                uid, data = next(iter(recording.traffic.sent.items()))
                assert scu.store(1, CT, uid, data).status == 0
        finally:
            running.stop()


def test_a_spool_that_answers_before_it_has_flushed_is_found_out(folder: Path) -> None:
    program = Path(__file__).with_name("unflushed_spool.py")
    recording = record("ext4", folder / "unflushed", 12, program=program)
    cuts = [Cut(at, seed) for seed, at in enumerate(recording.traffic.answers()[:20])]
    assert examine(recording, cuts, folder, NOT_THERE).wrong


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (lambda place, descriptor: True, HALF),
        (lambda place, descriptor: False, NOT_THERE),
    ],
    ids=["believes", "forgets"],
)
def test_a_start_that_believes_or_forgets_every_draft_is_found_out(
    recording_of: Record,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    judge: Callable[[Place, int], bool],
    said: str,
) -> None:
    monkeypatch.setattr(keeping, "_is_complete", judge)
    recording = recording_of("ext4", True)
    # Most often one of the first twenty shows it; of a busy machine's record, much later.
    assert examine(recording, recording.cuts(5 * CUTS), folder, said).wrong
