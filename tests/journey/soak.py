"""A day of a busy clinic in minutes: fifty callers of all kinds, processes that die, a peer that comes and goes.

    python -m tests.journey.soak [--minutes 10] [--folder FOLDER]      (or `make soak`)

```
storm:  callers, web requests, transfers; each process killed and restarted in turn; the peer vanishes --> rest
steady: the same callers, but nothing is killed: what the processes hold is compared ------------------> rest --> counts
```
Faults are printed, and the exit status is 1, when: an image that was answered with success is not in archive and
index exactly once with its bytes; anything else is there that nobody sent as a whole; something is left in the
spool; a transfer did not bring all; a process holds more at the end than at the beginning; the doctor complains.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from operator import attrgetter
from pathlib import Path

import psutil

from appliance.dicom import part10
from appliance.errors import NotFoundError
from appliance.service import SERVICES
from appliance.storage.rows import Transfer, TransferState
from tests.support.boxes import RunningBox
from tests.support.files import ROOT
from tests.support.growth import Held, Watch, at_rest, mean
from tests.support.modalities import Book, Modalities
from tests.support.programs import free_port, listens
from tests.support.scp import data_sets, storescp
from tests.support.waiting import wait_for

CALLERS = 50
RATE = 40.0
"""Images a second: ten minutes are to fit on a disk."""
MORE_DESCRIPTORS = 3
MORE_THREADS = 2
MORE_MEMORY = 12.0
"""MB by which a process may have grown from the first third to the last, beside a tenth of what it had."""
MORE_SHARED = 0.5
PEER = "CLINIC-B"
_PAGES = ("/dicom-web/studies?limit=20", "/s/nothing", "/")


class Soak:
    """One run; `faults` is what was wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._book = Book()
        self._chance = random.Random(7)
        self._end = threading.Event()
        self._peer_port = free_port()
        self._due_at_peer: set[str] = set()
        self._transfers: list[int] = []
        self.faults: list[str] = []
        self.report: list[str] = []
        self._box = RunningBox(
            folder / "box",
            PACSBOX_DICOM_PROCESSES="2",
            PACSBOX_DICOM_IDLE_TIMEOUT="5",
            PACSBOX_DICOM_DIMSE_TIMEOUT="5",
            PACSBOX_DICOM_MAX_ASSOCIATIONS="60",
            PACSBOX_DICOM_MAX_PER_PEER="60",
        )

    def run(self, storm: float, steady: float) -> None:
        """So many seconds of each."""
        self._box.box.peers.add(PEER, "PEER", "127.0.0.1", self._peer_port)
        self._box.start()
        try:
            self._warm_up(1)
            self._storm(storm)
            self._warm_up(4)
            before = self._rest()
            began = self._lasting()
            with storescp(self._peer_folder, "+xa", port=self._peer_port):
                with self._busy(3), Watch(self._pids) as watch:
                    self._end.wait(steady)
                self._finish_transfers()
                after = self._rest()
            if began != self._lasting():
                self.faults.append(f"a process ended by itself: {began} before, {self._lasting()} after")
            self._compare(before, after, watch)
            self._count()
            self._ask_doctor()
        finally:
            self._box.stop()

    @property
    def _peer_folder(self) -> Path:
        return self._folder / "peer"

    @contextmanager
    def _busy(self, seed: int) -> Iterator[None]:
        """Callers, patients and front desk."""
        stop = threading.Event()
        with ExitStack() as stack:
            for task in (self._browse, self._forward):
                thread = threading.Thread(target=task, args=(stop,))
                thread.start()
                stack.callback(thread.join)
            stack.callback(stop.set)
            stack.enter_context(Modalities(self._box.dicom_port, self._book, callers=CALLERS, rate=RATE, seed=seed))
            yield

    def _warm_up(self, seed: int) -> None:
        """Let each process serve, so that what one that is new opens for the first caller is no growth."""
        enough = len(self._book.safe) + 100
        with self._busy(seed), storescp(self._peer_folder, "+xa", port=self._peer_port):
            wait_for(lambda: len(self._book.safe) > enough, 60, "the first images")
            self._visit()

    def _browse(self, stop: threading.Event) -> None:
        """Web requests to both doors, some given up on before their answer."""
        chance = random.Random(9)
        while not stop.wait(0.1):
            port = chance.choice((self._box.public_port, self._box.clinic_port))
            with suppress(OSError, http.client.HTTPException):
                _get(port, chance.choice(_PAGES), patient=chance.random() < 0.8)

    def _visit(self) -> None:
        """Ask for every page once."""
        for port in (self._box.public_port, self._box.clinic_port):
            for page in _PAGES:
                wait_for(lambda port=port: listens(port), what="a door")
                _get(port, page)

    def _forward(self, stop: threading.Event) -> None:
        """Studies that are complete to the peer."""
        box, taken = self._box.box, 0
        while not stop.wait(0.3):
            if len(self._book.studies) > taken:
                taken = len(self._book.studies)
                study = self._book.studies[-1]
                with suppress(NotFoundError):
                    known = box.storage.studies.instances(study)
                    self._transfers.append(box.transfers.enqueue(study, PEER).id)
                    self._due_at_peer |= {instance.sop_instance_uid for instance in known}
        box.close()

    def _storm(self, seconds: float) -> None:
        blows = [
            *((name, how) for how in ("kill", "restart") for name in SERVICES),
            ("receiver process", "kill"),
            ("peer", "vanish"),
        ]
        self._chance.shuffle(blows)
        end = time.monotonic() + seconds
        with self._busy(2), ExitStack() as peer:
            peer.enter_context(storescp(self._peer_folder, "+xa", port=self._peer_port))
            while time.monotonic() < end:
                name, how = blows[0]
                blows.append(blows.pop(0))
                self._end.wait(self._chance.uniform(0.1, min(3.0, seconds / 20)))
                self._strike(name, how, peer)
                self._book.count(f"{how} of the {name}")

    def _strike(self, name: str, how: str, peer: ExitStack) -> None:
        if how == "vanish":
            peer.close()
            self._end.wait(self._chance.uniform(0, 3))
            peer.enter_context(storescp(self._peer_folder, "+xa", port=self._peer_port))
        elif name == "receiver process":
            children = psutil.Process(self._box.pid("receiver")).children()
            if children:
                os.kill(self._chance.choice(children).pid, signal.SIGKILL)
        elif how == "kill":
            self._box.kill(name)
            self._box.start(name)
        else:
            self._box.restart(name)

    def _pids(self) -> dict[str, int]:
        """Of all processes of the box."""
        found = {}
        for name in SERVICES:
            process = psutil.Process(self._box.pid(name))
            found[name] = process.pid
            for number, child in enumerate(sorted(process.children(), key=attrgetter("pid")), 1):
                found[f"{name} {number}"] = child.pid
        return found

    def _lasting(self) -> set[int]:
        """Of those that never end by themselves; some others are made for a task."""
        return {pid for name, pid in self._pids().items() if name in SERVICES or name.startswith("receiver")}

    def _rest(self) -> dict[str, Held]:
        wait_for(self._box.is_drained, 120, "the spool to drain")
        wait_for(lambda: len(psutil.Process(self._box.pid("receiver")).children()) == 2, 30, "both receiver processes")
        return at_rest(self._pids)

    def _finish_transfers(self) -> None:
        """What was put off while the peer was away is tried at once, not in minutes."""
        queue = self._box.box.transfers
        for number in self._transfers:
            if not queue.get(number).state.is_over and queue.get(number).message:
                queue.cancel(number)
            if queue.get(number).state in (TransferState.CANCELLED, TransferState.FAILED):
                queue.retry(number)
        wait_for(lambda: all(one.state.is_over for one in self._all_transfers()), 300, "the transfers")

    def _all_transfers(self) -> list[Transfer]:
        return [self._box.box.transfers.get(number) for number in self._transfers]

    def _compare(self, before: dict[str, Held], after: dict[str, Held], watch: Watch) -> None:
        names = sorted(before.keys() & after.keys() & watch.seen.keys())
        for name in names:
            rest, (first, last) = before[name], watch.thirds(name)
            self.report += [
                f"{name}: first third {first}",
                f"{' ' * len(name)}   last third {last}",
                f"{' ' * len(name)}   rest before {rest}",
                f"{' ' * len(name)}   rest after {after[name]}",
            ]
            self._grown(name, "descriptors", rest, after[name], MORE_DESCRIPTORS)
            self._grown(name, "threads", rest, after[name], MORE_THREADS)
            self._grown(name, "shared", rest, after[name], MORE_SHARED)
            self._grown(name, "memory", first, last, MORE_MEMORY + 0.1 * first.memory)
            if not name.startswith("receiver "):
                self._grown_while_busy(name, first, last)
        # How many calls each of these has at a time is chance: what they hold together is not.
        first, last = map(
            mean, zip(*(watch.thirds(name) for name in names if name.startswith("receiver ")), strict=True)
        )
        self._grown_while_busy("a receiver process", first, last)

    def _grown_while_busy(self, name: str, first: Held, last: Held) -> None:
        self._grown(name, "descriptors", first, last, MORE_DESCRIPTORS + 0.25 * first.descriptors)
        self._grown(name, "threads", first, last, MORE_THREADS + 0.25 * first.threads)

    def _grown(self, name: str, what: str, before: Held, after: Held, allowed: float) -> None:
        one, other = getattr(before, what), getattr(after, what)
        if other > one + allowed:
            self.faults.append(f"{name}: {what} went from {one:.1f} to {other:.1f}")

    def _count(self) -> None:
        book, box = self._book, self._box.box
        rows = [row for uid in box.storage.studies.study_uids() for row in box.storage.studies.instances(uid)]
        by_uid = {row.sop_instance_uid: row for row in rows}
        self.report += [f"{book.counts[what]:6d} {what}" for what in sorted(book.counts)]
        self.report.append(
            f"{len(book.sent)} sent whole, {len(book.safe)} answered with success, {len(rows)} in the index, "
            f"{len(self._transfers)} transfers"
        )
        self._none("in the index more than once", len(rows) - len(by_uid))
        self._none("answered with success and not in the index", len(book.safe - set(by_uid)))
        self._none("in the index that nobody sent", len(set(by_uid) - set(book.sent)))
        self._none(
            "with other bytes", sum(book.sent.get(uid) != self._digest(row.blob_key) for uid, row in by_uid.items())
        )
        self._none("files without a row", len(set(box.blobs.keys()) - {row.blob_key for row in rows}))
        spool = box.spool("tests")
        self._none("in the spool", len(spool.waiting()))
        self._none("drafts", len(spool.drafts()))
        self._none("rejected", len(spool.set_aside(spool.rejected)))
        self._none("conflicts", len(spool.set_aside(spool.conflicts)))
        self._none("callers not hung up on", book.counts["NOT HUNG UP ON"])
        self._none("tracebacks in the log", self._box.logged().count("Traceback"))
        arrived = data_sets(path for path in self._peer_folder.iterdir())
        self._none("transfers not done", sum(one.state is not TransferState.DONE for one in self._all_transfers()))
        self._none("sent to the peer and not there", len(self._due_at_peer - set(arrived)))
        self._none(
            "at the peer with other bytes",
            sum(hashlib.sha256(arrived[uid]).hexdigest() != book.sent[uid] for uid in self._due_at_peer & set(arrived)),
        )

    def _none(self, what: str, number: int) -> None:
        if number:
            self.faults.append(f"{number} {what}")

    def _digest(self, key: str) -> str:
        with self._box.box.blobs.open(key) as file:
            part10.read(file)
            return hashlib.sha256(file.read()).hexdigest()

    def _ask_doctor(self) -> None:
        told = subprocess.run(
            [sys.executable, "-m", "appliance.cli.main", "doctor"],
            env=os.environ | self._box.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            self.faults.append(f"the doctor: {told.stdout}{told.stderr}")


def _get(port: int, page: str, *, patient: bool = True) -> None:
    """Ask for a page; who is not patient leaves before the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", page)
        if patient:
            connection.getresponse().read()
    finally:
        connection.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--folder", type=Path, help="on the disk that is meant; made and removed")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        soak = Soak(Path(folder))
        try:
            soak.run(chosen.minutes * 30, chosen.minutes * 30)
        finally:
            print("\n".join(soak.report))
            for fault in soak.faults:
                print("FAULT", fault)
        sys.exit(bool(soak.faults))


if __name__ == "__main__":
    main()
