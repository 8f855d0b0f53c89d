"""Sending side by side: this box's sender, dcmtk's storescu and dcmsend, with the same files to the same peer.

    python -m bench.sending [--rounds 5] [--work mr ct ...] [--peers storescp Orthanc] [--associations 1 2 4]

Each round starts each peer anew on an empty folder. The box is timed as its users see it: from putting the study
into the queue until the transfer is done in the index, by `pacsbox sender`, which runs already, as a service does.
The others' time is the program's, whose own start takes the milliseconds that are printed first. All have
TCP_NODELAY=1. Printed are medians of the rounds, and ratios to storescu.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import Origin
from appliance.errors import NotFoundError
from appliance.service import sign
from bench import images, receivers
from bench.receivers import ROOT, Orthanc, Receiver, Storescp

SHARED = ROOT.parent / "shared" / "data"
ENVIRONMENT = os.environ | {"TCP_NODELAY": "1"}


def brainix(folder: Path, count: int) -> list[Path]:
    """The MR study of the shared data, as it is."""
    return sorted((SHARED / "brainix-mr").glob("*.dcm"))[:count]


WORK: dict[str, tuple[Callable[[Path, int], list[Path]], int]] = {
    "mr": (brainix, 44),
    "ct": (images.ct, 200),
    "small": (images.small, 2000),
    "multiframe": (images.multiframe, 1),
}
PEERS: dict[str, type[Receiver]] = {"storescp": Storescp, "Orthanc": Orthanc}


@dataclass(frozen=True)
class Result:
    """One sender, one round."""

    seconds: float
    cpu: float
    """Seconds, of the sender's own processes."""


class Pacsbox:
    """A box that has the files of one work, and its sender, running."""

    def __init__(self, folder: Path, files: list[Path], associations: int) -> None:
        self.name = f"pacsbox, {associations} at most" if associations else "pacsbox"
        self._environment = {"PACSBOX_DATA_DIR": str(folder), "PACSBOX_LOG_LEVEL": "error"}
        if associations:
            self._environment["PACSBOX_TRANSFERS_ASSOCIATIONS"] = str(associations)
        self._box = Box(load(environment=self._environment)[0])
        self._fill(files)
        (self._study,) = self._box.storage.studies.study_uids()
        self._process = psutil.Popen(
            [sys.executable, "-m", "appliance.cli.main", "sender"], cwd=ROOT, env=ENVIRONMENT | self._environment
        )
        while not sign(self._box.run_dir, "sender").up:
            time.sleep(0.05)

    def _fill(self, files: list[Path]) -> None:
        spool, indexer = self._box.spool("receiver"), self._box.indexer()
        for path in files:
            with path.open("rb") as file:
                spool.keep(file, Origin("C-STORE", "BENCH", "PACSBOX", "127.0.0.1", events.now()))
        while indexer.drain_batch():
            pass

    def send(self, port: int) -> Result:
        """Queue the study, and wait until it is done."""
        with suppress(NotFoundError):
            self._box.peers.remove("PEER")
        self._box.peers.add("PEER", "PACSBOX", "127.0.0.1", port)
        before, began = self._cpu(), time.perf_counter()
        transfer = self._box.transfers.enqueue(self._study, "PEER")
        while not (now := self._box.transfers.get(transfer.id)).state.is_over:
            time.sleep(0.002)
        seconds = time.perf_counter() - began
        assert now.state == "done", now.message
        return Result(seconds, self._cpu() - before)

    def _cpu(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._box.close()


class Dcmtk:
    """One of dcmtk's senders."""

    def __init__(self, name: str, files: list[Path]) -> None:
        self.name = name
        self._files = [str(path) for path in files]

    def send(self, port: int) -> Result:
        before = _children()
        began = time.perf_counter()
        subprocess.run(
            [self.name, "-aec", "PACSBOX", "127.0.0.1", str(port), *self._files], env=ENVIRONMENT, check=True
        )
        return Result(time.perf_counter() - began, _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def senders(folder: Path, files: list[Path], associations: list[int]) -> Iterator[list[Pacsbox | Dcmtk]]:
    """All that are compared."""
    boxes = [Pacsbox(folder / f"box{number}", files, number) for number in associations]
    try:
        yield [*boxes, Dcmtk("storescu", files), Dcmtk("dcmsend", files)]
    finally:
        for box in boxes:
            box.stop()


def own_start() -> float:
    """Milliseconds that one of dcmtk's programs takes to call nobody."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        subprocess.run(["echoscu", "127.0.0.1", str(receivers.free_port())], capture_output=True, check=False)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def report(work: str, peer: str, files: list[Path], found: dict[str, list[Result]]) -> None:
    """Medians as a table, with ratios to storescu."""
    size = sum(path.stat().st_size for path in files)
    rounds = len(next(iter(found.values())))
    print(f"\n### {work} to {peer}: {len(files)} of {size / len(files) / 1e3:.0f} KB, {rounds} rounds\n")
    print("| sender | seconds | images/s | MB/s | : storescu | CPU s/GB |\n|---|---|---|---|---|---|")
    base = statistics.median(each.seconds for each in found["storescu"])
    for name, results in found.items():
        seconds = statistics.median(each.seconds for each in results)
        cpu = statistics.median(each.cpu for each in results)
        print(
            f"| {name} | {seconds:.3f} | {len(files) / seconds:.0f} | {size / seconds / 1e6:.0f} "
            f"| {base / seconds:.2f} | {cpu / size * 1e9:.2f} |",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    options.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    options.add_argument("--associations", nargs="+", type=int, default=[0], help="of this box; 0: as it comes")
    options.add_argument("--folder", type=Path, help="on the disk that is measured; made and removed")
    chosen = options.parse_args()
    print(f"dcmtk's programs take {own_start():.0f} ms to start.")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        for work in chosen.work:
            make, count = WORK[work]
            folder = Path(name) / work
            folder.mkdir()
            files = make(folder / "files", count)
            with senders(folder, files, chosen.associations) as all_senders:
                for peer in chosen.peers:
                    found: dict[str, list[Result]] = {sender.name: [] for sender in all_senders}
                    for _ in range(chosen.rounds):
                        for sender in all_senders:
                            with receivers.running(PEERS[peer], folder) as receiver:
                                found[sender.name].append(sender.send(receiver.port))
                    report(work, peer, files, found)


if __name__ == "__main__":
    main()
