"""DICOMweb side by side: this box and Orthanc with its DICOMweb plugin, with the same data and requests, in turn.

    python -m bench.dicomweb [--images 1000] [--studies 100000] [--rounds 5] [--work metadata "one client" frames ...]

Printed are medians, the 95th percentile where one is the goal, ratios to Orthanc, and the goals. The clients are
processes of this machine: they take their share of it from both alike, and of long answers they take no more than the
length. With `--studies 0` the search is left out.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import psutil

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom import header
from appliance.dicom.model import Origin
from bench import images
from bench.receivers import free_port
from bench.taker import Taker, take

ROOT = Path(__file__).resolve().parents[1]
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_STUDY = "/dicom-web/studies/1.2.826.0.1.3680043.8.498.1"
_SERIES = f"{_STUDY}/series/1.2.826.0.1.3680043.8.498.1.1"
_JSON = {"Accept": "application/dicom+json", "Accept-Encoding": "gzip"}
_STORED = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
_FRAME = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
_PARALLEL = 25
_FRAMES = 400
_LEAST = 512 * 512 * 2
"""Bytes of a slice."""
_CHUNK = 1 << 20
_UPLOADS = 3
"""At once, of made-up studies."""
_KEPT = (0x0008, 0x0010, 0x0020, 0x0028, 0x7FE0)
"""Groups that they have."""


class Server(ABC):
    """A DICOMweb server under test, over data that it was given before."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True)

    @abstractmethod
    def fill(self, files: list[Path], studies: int) -> None:
        """Take in these files, and make that many studies up."""

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """What to run, and its environment."""

    @contextmanager
    def running(self) -> Iterator[psutil.Popen]:
        """Up, until the end of the block."""
        command, environment = self.command()
        log = (self.folder / "server.log").open("ab")
        with log, psutil.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log) as process:
            try:
                self._wait(process)
                self._warm()
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def _wait(self, process: psutil.Popen) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert process.poll() is None, f"{self.name} ended: see {self.folder}/server.log"
            with suppress(OSError, http.client.HTTPException):
                get(self.port, "/dicom-web/studies?limit=1", _JSON)
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.name} does not come up")

    def _warm(self) -> None:
        """Once everything that a server does at its first requests: threads, connections, pages of the index."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda _: get(self.port, f"{_STUDY}/series", _JSON), range(2 * _PARALLEL)))


class Pacsbox(Server):
    """This box: its clinic door."""

    name = "pacsbox"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ports = {"PACSBOX_WEB_CLINIC_PORT": str(self.port), "PACSBOX_WEB_PUBLIC_PORT": str(free_port())}
        self._settings = {"PACSBOX_DATA_DIR": str(folder / "data"), **ports}

    def fill(self, files: list[Path], studies: int) -> None:
        box = Box(load(environment=self._settings)[0])
        spool, indexer = box.spool("receiver"), box.indexer()
        for path in files:
            with path.open("rb") as file:
                spool.keep(file, Origin("C-STORE", "BENCH", "PACSBOX", "127.0.0.1", events.now()))
        while indexer.drain_batch():
            pass
        known = box.storage.studies.instances("1.2.826.0.1.3680043.8.498.1")[0]
        read = header.read(box.blobs.path(known.blob_key))
        for start in range(0, studies, 5000):
            with box.storage.transaction():
                arrivals = []
                for number in range(start, min(studies, start + 5000)):
                    made = made_up(number)
                    study = {**read.study, **made, "study_instance_uid": f"1.2.826.1.{number}"}
                    series = {**read.series, "series_instance_uid": f"1.2.826.2.{number}"}
                    instance = {**read.instance, "sop_instance_uid": f"1.2.826.3.{number}"}
                    arrivals.append((replace(read, study=study, series=series, instance=instance), f"x/{number}"))
                box.storage.studies.add(arrivals)
        box.close()

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-m", "appliance.cli.main", "web"], self._settings


class Orthanc(Server):
    """Orthanc as Debian ships it, with SQLite and the DICOMweb plugin."""

    name = "Orthanc"

    def fill(self, files: list[Path], studies: int) -> None:
        with self.running():
            self._upload(path.read_bytes() for path in files)
            parts = [range(start, studies, _UPLOADS) for start in range(_UPLOADS)]
            with ThreadPoolExecutor(_UPLOADS) as pool:
                list(pool.map(lambda numbers: self._upload(_studies(files[0], numbers)), parts))

    def _upload(self, bodies: Iterable[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for body in bodies:
            connection.request("POST", "/instances", body, {"Content-Type": "application/dicom"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()

    def command(self) -> tuple[list[str], dict[str, str]]:
        program = shutil.which("Orthanc")
        assert program, "Orthanc is not installed"
        assert _PLUGIN.exists(), "orthanc-dicomweb is not installed"
        settings = {
            "Name": "bench",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "index"),
            "DicomServerEnabled": False,
            "HttpPort": self.port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "SyncStorageArea": False,  # only reading is measured here, and filling takes long enough
            "Plugins": [str(_PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        configuration = self.folder / "orthanc.json"
        configuration.write_text(json.dumps(settings))
        return [program, str(configuration)], {}


_FAMILIES = "Smith Jones Müller García Rossi Novak Ivanova Kim Nguyen Silva Dubois Jansen Berg Costa Yilmaz".split()
_GIVEN = "Anna Ben Carla David Eva Franz Gina Hugo Ines Jonas Kira Leo Mara Noah Olga Paul".split()


def made_up(number: int) -> dict[str, str]:
    """The study's attributes of number `number`; nobody's."""
    family = f"{_FAMILIES[number % len(_FAMILIES)]}{number // 977}"
    return {
        "patient_name": f"{family}^{_GIVEN[number % len(_GIVEN)]}",
        "patient_id": f"MADE{number:07}",
        "study_date": f"{2010 + number % 16}{1 + number % 12:02}{1 + number % 28:02}",
        "accession_number": f"A{number:08}",
    }


def _studies(like: Path, numbers: Iterable[int]) -> Iterator[bytes]:
    """Small files of made-up studies, one image each."""
    from pydicom import dcmread, dcmwrite

    dataset = dcmread(like)
    for element in list(dataset):
        if element.tag.group not in _KEPT:
            del dataset[element.tag]
    dataset.Rows = dataset.Columns = 8
    dataset.PixelData = bytes(128)
    for number in numbers:
        made = made_up(number)
        dataset.PatientName, dataset.PatientID = made["patient_name"], made["patient_id"]
        dataset.StudyDate, dataset.AccessionNumber = made["study_date"], made["accession_number"]
        dataset.StudyInstanceUID = f"1.2.826.1.{number}"
        dataset.SeriesInstanceUID = f"1.2.826.2.{number}"
        dataset.SOPInstanceUID = f"1.2.826.3.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        file = BytesIO()
        dcmwrite(file, dataset)
        yield file.getvalue()


def get(port: int, target: str, headers: dict[str, str]) -> tuple[float, float, int]:
    """Seconds until the first byte of the body, and until the last; bytes of the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        return ask(connection, target, headers)
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> tuple[float, float, int]:
    """The same over a connection that stays."""
    began = time.perf_counter()
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    size = len(answer.read(1))
    first = time.perf_counter() - began
    buffer = bytearray(_CHUNK)
    while taken := answer.readinto(buffer):
        size += taken
    assert answer.status == 200, f"{target}: {answer.status}"
    return first, time.perf_counter() - began, size


@dataclass(frozen=True)
class Asked:
    """What a work needs to know."""

    port: int
    images: int
    process: psutil.Popen
    fresh: int
    """How many times it was asked for before: each time, frames and pictures are others."""


Results = dict[str, float]
"""By what is measured."""


def search(asked: Asked) -> Results:
    """Studies by a part of the name, 50 at most."""
    with_parts = ["*mith7*", "*oss*", "*ov*", "Garc*", "*berg1*", "*ia1*", "Ki*", "*ng*"]
    connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=300)
    times = []
    for part in with_parts * 3:
        times.append(ask(connection, f"/dicom-web/studies?PatientName={part}&limit=50", _JSON)[1] * 1000)
    connection.close()
    return {"ms": statistics.median(times), "p95 ms": sorted(times)[int(len(times) * 0.95)]}


def metadata(asked: Asked) -> Results:
    """Of a whole study."""
    first, whole, _ = get(asked.port, f"{_STUDY}/metadata", _JSON)
    return {"first byte ms": first * 1000, "ms": whole * 1000}


def one_client(asked: Asked) -> Results:
    """The whole study by WADO-RS, as stored."""
    first, whole, size = take(asked.port, _STUDY, _STORED)
    assert size > asked.images * _LEAST, "a study that is not whole"
    return {"MB/s": size / whole / 1e6, "first byte ms": first * 1000, "peak MB": _peak(asked.process)}


def four_clients(asked: Asked) -> Results:
    """The same four times at once; each client is a process."""
    with multiprocessing.get_context("fork").Pool(4) as pool:
        began = time.perf_counter()
        sizes = [size for _, _, size in pool.starmap(take, [(asked.port, _STUDY, _STORED)] * 4, chunksize=1)]
        whole = time.perf_counter() - began
    assert min(sizes) > asked.images * _LEAST, "a study that is not whole"
    return {"MB/s": sum(sizes) / whole / 1e6, "peak MB": _peak(asked.process)}


def frames(asked: Asked) -> Results:
    """Single frames as they are, 25 in parallel."""
    local, first = threading.local(), asked.fresh * _FRAMES

    def one(number: int) -> None:
        if not hasattr(local, "taker"):
            local.taker = Taker(asked.port)
        size = local.taker.ask(f"{_instance(1 + (first + number) % asked.images)}/frames/1", _FRAME)[2]
        assert size > _LEAST, "a frame that is not whole"

    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(one, range(-_PARALLEL, 0)))
        began = time.perf_counter()
        list(pool.map(one, range(_FRAMES)))
        return {"frames/s": _FRAMES / (time.perf_counter() - began)}


def rendered(asked: Asked) -> Results:
    """One slice as JPEG of 512 px, the first time and again."""
    connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=300)
    firsts, agains = [], []
    for number in range(10):
        target = f"{_instance(1 + (asked.fresh * 10 + number) % asked.images)}/rendered?viewport=512,512"
        firsts.append(ask(connection, target, {"Accept": "image/jpeg"})[1] * 1000)
        agains.append(ask(connection, target, {"Accept": "image/jpeg"})[1] * 1000)
    connection.close()
    return {"first ms": statistics.median(firsts), "again ms": statistics.median(agains)}


def _instance(number: int) -> str:
    return f"{_SERIES}/instances/1.2.826.0.1.3680043.8.498.1.1.{number}"


def _peak(process: psutil.Popen) -> float:
    """MB at the most, of the server's own process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


WORK: dict[str, tuple[Callable[[Asked], Results], str]] = {
    "search": (search, "p95 at most 15 ms, at least 5 times faster"),
    "metadata": (metadata, "at least 10 times faster, under 150 ms; first byte under 30 ms"),
    "one client": (one_client, "at least 2 times the MB/s; under 150 MB"),
    "four clients": (four_clients, "at least 2 times the MB/s; under 150 MB"),
    "frames": (frames, "at least 2 times the rate"),
    "rendered": (rendered, "at least 2 times faster; again under 3 ms"),
}


def report(work: str, found: dict[str, list[Results]]) -> None:
    """Medians of the rounds, and how many times better than Orthanc."""
    print(f"\n### {work}: goal {WORK[work][1]}\n")
    medians = {
        name: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        for name, rounds in found.items()
    }
    keys = list(next(iter(medians.values())))
    print(f"| | {' | '.join(keys)} |\n|{'---|' * (len(keys) + 1)}")
    for name, row in medians.items():
        print(f"| {name} | {' | '.join(f'{row[key]:.1f}' for key in keys)} |")
    if len(medians) > 1:
        ours, theirs = medians[Pacsbox.name], medians[Orthanc.name]
        better = (ours[key] / theirs[key] if key.endswith("/s") else theirs[key] / ours[key] for key in keys)
        print(f"| times better | {' | '.join(f'{each:.1f}' for each in better)} |", flush=True)


def main() -> None:
    servers = {kind.name: kind for kind in (Pacsbox, Orthanc)}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=1000, help="CT slices of the study")
    options.add_argument("--studies", type=int, default=100_000, help="made up, to search in")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    options.add_argument("--only", nargs="+", choices=servers, default=list(servers))
    options.add_argument("--folder", type=Path, help="on the disk that is measured")
    chosen = options.parse_args()
    works = [work for work in chosen.work if chosen.studies or work != "search"]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        files = images.ct(Path(folder) / "files", chosen.images)
        taking_part = [servers[name](Path(folder) / name) for name in chosen.only]
        for server in taking_part:
            began = time.perf_counter()
            server.fill(files, chosen.studies if "search" in works else 0)
            print(f"{server.name} filled in {time.perf_counter() - began:.0f} s", flush=True)
        for work in works:
            found: dict[str, list[Results]] = {server.name: [] for server in taking_part}
            for number in range(chosen.rounds):
                for server in taking_part:
                    with server.running() as process:
                        # Once before it counts: a server that nobody has asked yet is met once a year.
                        WORK[work][0](Asked(server.port, chosen.images, process, number + 1))
                        found[server.name].append(WORK[work][0](Asked(server.port, chosen.images, process, number)))
            report(work, found)


if __name__ == "__main__":
    main()
