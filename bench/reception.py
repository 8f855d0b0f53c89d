"""Reception side by side: this box, Orthanc, dcmtk storescp and stock pynetdicom, with the same files and sender.

    python -m bench.reception [--rounds 5] [--work ct-1 small-4 ...] [--only pacsbox Orthanc] [--flushes] [--slow 10]

Each round starts each receiver anew on an empty folder, lets it take a few images that don't count, and sends
with dcmtk's storescu (TCP_NODELAY=1), whose own start counts too. Printed are medians of the rounds, and of the
ratios to Orthanc and to the floor in the same round. "indexed" counts until the last image is in the index; where
there is no index, until the last answer.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from operator import truediv
from pathlib import Path

from bench import floor, images, memory, receivers
from bench.receivers import Orthanc, Pacsbox, Receiver

_MEMORY = 2
"""Times the bytes of the files: what a receiver may fill with them, and the senders' own."""


@dataclass(frozen=True)
class Work:
    """Files, and over how many associations they are sent."""

    make: Callable[[Path, int], list[Path]]
    count: int
    associations: int
    options: tuple[str, ...] = ()


WORK = {
    "ct-1": Work(images.ct, 1200, 1),
    "ct-4": Work(images.ct, 1200, 4),
    "small-1": Work(images.small, 2500, 1),
    "small-4": Work(images.small, 2500, 4),
    "j2k-1": Work(images.jpeg2000, 800, 1, ("-xv",)),
    "multiframe-4": Work(images.multiframe, 12, 4),
    "burst": Work(images.small, 10_000, 4),
}
FLOOR = "floor, storescu"
USUAL = [name for name in WORK if name != "burst"]


@dataclass
class Result:
    """One receiver, one work, one round; or the medians of several."""

    rate: float
    """Images a second until the last answer."""
    indexed: float
    """Images a second until all are in the index."""
    first: float
    """Seconds until the first image was seen in the index; 0 where there is none."""
    late: float
    """Seconds from the last answer until all are in the index."""
    cpu: float
    """CPU seconds a GB, of all processes of the receiver."""
    receiving: float
    """The same of what receives alone, where the index has a process of its own."""
    memory: float
    """Peak MB of what receives."""
    written: float
    """Bytes to the disk for each byte sent."""


class Files:
    """The files of each kind, made once."""

    def __init__(self, folder: Path, share: float) -> None:
        self._folder = folder
        self._share = share
        self._made: dict[tuple[str, int], list[Path]] = {}
        self.warmup = images.warmup(folder / "warmup")

    def of(self, work: Work) -> list[Path]:
        count = max(4, int(work.count * self._share))
        what = work.make.__name__, count
        if what not in self._made:
            self._made[what] = work.make(self._folder / f"{what[0]}-{count}", count)
        return self._made[what]


def measure(kind: type[Receiver], folder: Path, work: Work, files: list[Path], warmup: list[Path]) -> Result:
    """Start it, send, wait for the index, look what it took."""
    size = sum(path.stat().st_size for path in files)
    with receivers.running(kind, folder) as receiver:
        send(receiver.port, warmup, WORK["small-1"], kind.name)
        _Watch(receiver, len(warmup)).run()
        before = receiver.use()
        watch = _Watch(receiver, len(files), len(warmup))
        memory.touch(_MEMORY * size)
        began = time.perf_counter()
        watch.start()
        send(receiver.port, files, work, kind.name)
        answered = time.perf_counter()
        watch.join()
        complete = max(watch.complete, answered)
        after = receiver.use()
    return Result(
        rate=len(files) / (answered - began),
        indexed=len(files) / (complete - began),
        first=watch.first - began if watch.first else 0.0,
        late=complete - answered,
        cpu=(after.cpu - before.cpu) / size * 1e9,
        receiving=(after.receiving.cpu - before.receiving.cpu) / size * 1e9,
        memory=after.receiving.memory,
        written=(after.written - before.written) / size * 1e6,
    )


def send(port: int, files: list[Path], work: Work, to: str = "the receiver") -> None:
    """Send all `to` who is at `port`; each association is a storescu of its own."""
    senders = [
        subprocess.Popen(
            ["storescu", *work.options, "-aec", "PACSBOX", "127.0.0.1", str(port)]
            + [str(path) for path in files[n :: work.associations]],
            env=os.environ | {"TCP_NODELAY": "1"},
        )
        for n in range(work.associations)
    ]
    codes = [sender.wait() for sender in senders]
    assert not any(codes), f"{to} did not take every image: storescu ended with {codes}"


class _Watch(threading.Thread):
    """Looks at the index while images come."""

    def __init__(self, receiver: Receiver, count: int, before: int = 0) -> None:
        super().__init__(daemon=True)
        self._receiver = receiver
        self._count = count
        self._before = before
        self.first = self.complete = 0.0

    def run(self) -> None:
        end = time.monotonic() + 600
        while time.monotonic() < end:
            found = self._receiver.indexed()
            now = time.perf_counter()
            if found is None:
                return
            found -= self._before
            if found and not self.first:
                self.first = now
            if found >= self._count:
                self.complete = now
                self._receiver.close()
                return
            # Often enough for what is asked, seldom enough to cost nothing.
            time.sleep(0.02)
        raise AssertionError(f"{self._receiver.name} has indexed {found} of {self._count}")


def flushes(kind: type[Receiver], folder: Path, work: Work, files: list[Path]) -> float:
    """Flushes an image, counted by strace over a hundred images."""
    few = files[:100]
    with receivers.running(kind, folder) as receiver:
        counts = [_Strace(process.pid) for process in receiver.processes.values()]
        send(receiver.port, few, work)
        while receiver.indexed() not in (None, len(few)):
            time.sleep(0.05)
        return sum(count.stop() for count in counts) / len(few)


class _Strace:
    def __init__(self, pid: int) -> None:
        command = ["strace", "-f", "-e", "trace=fsync,fdatasync,syncfs,sync,sync_file_range,msync", "-p", str(pid)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        self._process.stderr.readline()

    def stop(self) -> int:
        self._process.terminate()
        told = self._process.communicate()[1]
        return len(re.findall(r"\b(?:fsync|fdatasync|syncfs|sync|msync)\(", told))


def report(name: str, work: Work, size: float, found: dict[str, list[Result]]) -> None:
    """Medians as a table, with ratios to those that took part, each to what the same round brought."""
    rounds = max(len(results) for results in found.values())
    print(f"\n### {name}: {size / 1e3:.0f} KB an image, {work.associations} at a time, {rounds} rounds\n")
    columns = ["receiver", "images/s", ": Orthanc", "of floor", "indexed/s", ": Orthanc"]
    columns += ["first row", "all rows", "CPU s/GB", "receiving", "peak MB", "written"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    base, floor_of = found.get(Orthanc.name), found.get(FLOOR)
    for kind, results in found.items():
        row = _median(results)
        rates, indexed = [each.rate for each in results], [each.indexed for each in results]
        print(
            f"| {kind} | {row.rate:.0f} | {_ratio(rates, base and [each.rate for each in base])} "
            f"| {_ratio(rates, floor_of and [each.rate for each in floor_of])} "
            f"| {row.indexed:.0f} | {_ratio(indexed, base and [each.indexed for each in base])} "
            f"| {row.first:.2f} s | +{row.late:.2f} s "
            f"| {row.cpu:.1f} | {row.receiving:.1f} | {row.memory:.0f} | {row.written:.2f} |",
            flush=True,
        )


def _median(results: list[Result]) -> Result:
    return Result(*(statistics.median(values) for values in zip(*map(astuple, results), strict=True)))


def _ratio(values: list[float], bases: list[float] | None) -> str:
    """How fast the machine is changes from minute to minute: only what one round brought is compared."""
    return f"{statistics.median(map(truediv, values, bases)):.2f}" if bases else ""


def main() -> None:
    kinds = {kind.name: kind for kind in receivers.ALL}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", nargs="+", choices=WORK, default=USUAL)
    options.add_argument("--only", nargs="+", choices=kinds, default=list(kinds), help="receivers that take part")
    options.add_argument("--share", type=float, default=1.0, help="of the files, for a quick look")
    options.add_argument("--folder", type=Path, help="on the disk that is measured; made and removed")
    options.add_argument("--no-floor", action="store_true", help="leave out bare sockets and files")
    options.add_argument("--flushes", action="store_true", help="count flushes an image by strace instead")
    options.add_argument("--slow", type=float, default=0.0, help="milliseconds that each flush takes longer (strace)")
    options.add_argument(
        "--set", nargs="+", default=[], metavar="OPTION=VALUE", help="of this box, e.g. dicom.processes=2"
    )
    chosen = options.parse_args()
    Receiver.slow = chosen.slow
    for setting in chosen.set:
        key, value = setting.split("=", 1)
        Pacsbox.options["PACSBOX_" + key.replace(".", "_").upper()] = value
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        receivers.settled(Path(folder))
        files = Files(Path(folder) / "files", chosen.share)
        for name in chosen.work:
            _compare(chosen, Path(folder), name, files, [kinds[each] for each in chosen.only])


def _compare(
    chosen: argparse.Namespace, folder: Path, name: str, all_files: Files, kinds: list[type[Receiver]]
) -> None:
    work = WORK[name]
    files, warmup = all_files.of(work), all_files.warmup
    size = sum(path.stat().st_size for path in files)
    if chosen.flushes:
        for kind in kinds:
            print(
                f"{name}: {kind.name} flushes {flushes(kind, folder, work, files):.2f} times an image",
                flush=True,
            )
        return
    found: dict[str, list[Result]] = {kind.name: [] for kind in kinds}
    if not chosen.no_floor:
        found |= {label: [] for label, _ in _floors(work, files)}
    for _ in range(chosen.rounds):
        for kind in kinds:
            found[kind.name].append(measure(kind, folder, work, files, warmup))
        if not chosen.no_floor:
            for label, rate in _floors(work, files):
                place = Path(tempfile.mkdtemp(dir=folder))
                memory.touch(_MEMORY * size)
                found[label].append(Result(*[rate(place)] * 2, 0, 0, 0, 0, 0, 0))
                receivers.empty(place)
        os.sync()
    report(name, work, size / len(files), found)


def _floors(work: Work, files: list[Path]) -> list[tuple[str, Callable[[Path], float]]]:
    """What gives the rates of the floors, with the folder that they fill."""

    def by_storescu(folder: Path) -> float:
        return floor.rate_of_storescu(files, folder, work.associations, lambda port: send(port, files, work))

    return [
        (FLOOR, by_storescu),
        ("floor", lambda folder: floor.rate(files, folder, work.associations, flush=True)),
        ("floor, no flush", lambda folder: floor.rate(files, folder, work.associations, flush=False)),
    ]


if __name__ == "__main__":
    main()
