"""The receivers that are compared: each as it comes, on an empty folder, as processes of its own."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path

import psutil

from appliance.box import Box
from appliance.config import load

ROOT = Path(__file__).resolve().parents[1]
_SETTLING = 360
"""Seconds; ext4 remembers for five minutes what was removed."""
_PROBES = 200
_QUICK = 0.00005
"""Seconds in which a file is made."""


@dataclass
class Use:
    """What processes took of the machine."""

    cpu: float = 0.0
    """Seconds."""
    memory: float = 0.0
    """Peak MB, summed."""
    written: float = 0.0
    """MB to the disk."""


@dataclass
class AllUse(Use):
    """What a receiver took with all its processes."""

    receiving: Use = field(default_factory=Use)
    """The first of its processes, which receives, with its children."""


class Receiver(ABC):
    """A DICOM receiver under test."""

    name = ""
    slow = 0.0
    """Milliseconds by which each flush is made slower; 0 leaves them alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.other_port = free_port(), free_port()
        self.processes: dict[str, psutil.Popen] = {}

    @abstractmethod
    def commands(self) -> dict[str, list[str]]:
        """What to run, by name."""

    def environment(self) -> dict[str, str]:
        return {"TCP_NODELAY": "1"}

    def indexed(self) -> int | None:
        """How many images its index has; None where there is no index."""
        return None

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Forget what `indexed` held open."""

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        for name, command in self.commands().items():
            self.processes[name] = psutil.Popen(
                [*self._slowed(), *command],
                cwd=ROOT,
                env=os.environ | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self.folder / f"{name}.log").open("wb"),
            )
        self._wait_until_up()

    def use(self) -> AllUse:
        uses = [_use(process) for process in self.processes.values()]
        total = (sum(values) for values in zip(*map(astuple, uses), strict=True))
        return AllUse(*total, receiving=uses[0])

    def stop(self) -> None:
        self.close()
        for process in self.processes.values():
            # strace lets no signal through, and ends with what it watches.
            (process.children()[0] if self.slow else process).terminate()
        for process in self.processes.values():
            process.wait(30)

    def _slowed(self) -> list[str]:
        if not self.slow:
            return []
        flushes = f"fsync,fdatasync,syncfs,sync,msync:delay_exit={self.slow * 1000:.0f}"
        return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"inject={flushes}"]

    def _wait_until_up(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                if self.indexed() in (None, 0):
                    return
            except OSError:
                pass
            assert all(process.poll() is None for process in self.processes.values()), f"{self.name} ended"
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not come up")


class Pacsbox(Receiver):
    """This box: receiver and indexer."""

    name = "pacsbox"
    options: dict[str, str] = {}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._settings = {
            "PACSBOX_DATA_DIR": str(folder),
            "PACSBOX_DICOM_BIND": "127.0.0.1",
            "PACSBOX_DICOM_PORT": str(self.port),
            "PACSBOX_DICOM_TLS": "off",
            "PACSBOX_LOG_LEVEL": "info",
            **self.options,
        }
        self._box: Box | None = None

    def commands(self) -> dict[str, list[str]]:
        return {name: [sys.executable, "-m", "appliance.cli.main", name] for name in ("receiver", "indexer")}

    def environment(self) -> dict[str, str]:
        return self._settings

    def indexed(self) -> int | None:
        self._box = self._box or Box(load(environment=self._settings)[0])
        return self._box.storage.studies.count()[1]

    def close(self) -> None:
        if self._box is not None:
            self._box.close()
            self._box = None


class Orthanc(Receiver):
    """Orthanc as Debian ships it, with SQLite."""

    name = "Orthanc"

    def commands(self) -> dict[str, list[str]]:
        configuration = self.folder / "orthanc.json"
        settings = {
            "Name": "bench",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "index"),
            "DicomAet": "PACSBOX",
            "DicomPort": self.port,
            "HttpPort": self.other_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [],
        }
        configuration.write_text(json.dumps(settings))
        return {"Orthanc": [_program("Orthanc"), str(configuration)]}

    def indexed(self) -> int | None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.other_port}/statistics", timeout=5) as answer:
            return int(json.load(answer)["CountInstances"])


class Storescp(Receiver):
    """dcmtk's, which flushes nothing and has no index."""

    name = "dcmtk storescp"

    def commands(self) -> dict[str, list[str]]:
        # --fork: without it, it serves one association after the other.
        options = ["--fork", "--bit-preserving", "+xa", "--output-directory", str(self.folder)]
        return {"storescp": [_program("storescp"), *options, str(self.port)]}


class Stock(Receiver):
    """pynetdicom with a handler of five lines that writes files and flushes nothing."""

    name = "stock pynetdicom"

    def commands(self) -> dict[str, list[str]]:
        return {"pynetdicom": [sys.executable, "-m", "bench.stock", str(self.port), str(self.folder)]}


ALL: list[type[Receiver]] = [Pacsbox, Orthanc, Storescp, Stock]


@contextmanager
def running(kind: type[Receiver], folder: Path) -> Iterator[Receiver]:
    """A receiver on an empty folder, whose files stay, empty.

    For some minutes ext4 gives out no inode that was freed, and looks at all of them for each new file: to
    remove thousands of files would be paid for by whoever is measured next.
    """
    receiver = kind(Path(tempfile.mkdtemp(dir=folder)) / "data")
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        empty(receiver.folder)


def settled(folder: Path) -> None:
    """Wait until ext4 makes files quickly again, after whoever removed thousands of them some minutes ago."""
    end = time.monotonic() + _SETTLING
    for number in itertools.count():
        # In a folder of its own, for those of a folder lie together, and each receiver has others.
        place = folder / f"probe-{number}"
        place.mkdir()
        began = time.perf_counter()
        for each in range(_PROBES):
            (place / str(each)).touch()
        if time.perf_counter() - began < _PROBES * _QUICK or time.monotonic() > end:
            return
        time.sleep(5)


def empty(folder: Path) -> None:
    """Give back the room of all files in it, which stay."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.truncate(path, 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not installed"
    return path


def _use(process: psutil.Popen) -> Use:
    """Of a process with its children; what those took that have ended is counted with their parent."""
    found = Use(sum(process.cpu_times()[:4]))
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            found.written += each.io_counters().write_bytes / 1e6
            found.memory += _peak(each.pid)
            found.cpu += sum(each.cpu_times()[:2]) if each is not process else 0.0
    return found


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1000
    except (OSError, IndexError):
        return 0.0
