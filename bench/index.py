"""How fast the indexer is, what it costs, and whether it stays so: images made on the fly, straight into the spool.

    python -m bench.index [--count 1000000] [--per-study 200] [--bytes 0] [--folder FOLDER] [--profile]

Printed are, for each tenth of the run, images a second and CPU seconds per 1,000 images while the spool is drained
(making the images doesn't count), and the bytes that an image takes in the database and its log. `--bytes` adds
pixels: 524288 makes CT slices. `--alone` says what the digest and the header reader cost on the same images.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import os
import pstats
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom import header as headers
from appliance.dicom import part10
from appliance.dicom.model import Origin

_ROOT = "1.2.826.0.1.3680043.8.498"
_FIRST = 1_000_000_000
"""Numbers of UIDs begin here, so that all have as many digits and can be exchanged in the encoded bytes."""
_SLICE = 6_000_000_000
_AT_A_TIME = 5_000
_SERIES = 2
"""Series of a study."""


class Maker:
    """Images with the header of a real CT, each of its own UIDs."""

    def __init__(self, per_study: int, pixels: int) -> None:
        self._per_study = per_study
        dataset = dcmread(get_testdata_file("CT_small.dcm"))
        self._class = str(dataset.SOPClassUID)
        dataset.pop(0xFFFCFFFC, None)
        dataset.StudyInstanceUID = self._uid(7, _FIRST)
        dataset.SeriesInstanceUID = self._uid(8, _FIRST)
        dataset.SOPInstanceUID = self._uid(9, _FIRST)
        dataset.InstanceNumber = _FIRST
        dataset.SliceLocation = dataset.AcquisitionNumber = str(_SLICE)
        dataset.PatientID = f"BENCH{_FIRST}"
        dataset.Rows, dataset.Columns = 8, 8
        dataset.PixelData = os.urandom(max(pixels, 128))
        plain = BytesIO()
        dataset.save_as(plain)
        plain.seek(0)
        part10.read(plain)
        self._template = plain.read()

    def _uid(self, kind: int, number: int) -> str:
        return f"{_ROOT}.{kind}.{number}"

    def image(self, number: int) -> tuple[bytes, bytes]:
        """The Part 10 header and the data set of image `number`."""
        study = _scattered(number // self._per_study)
        series = _scattered(number // self._per_study) + number % _SERIES
        instance = _scattered(number // self._per_study) + number % self._per_study
        data = self._template
        for kind, of in ((7, study), (8, series), (9, instance)):
            data = data.replace(self._uid(kind, _FIRST).encode(), self._uid(kind, of).encode())
        data = data.replace(b"BENCH%d" % _FIRST, b"BENCH%d" % study)
        data = data.replace(b"%d" % _SLICE, b"%d" % (_SLICE + number))
        origin = Origin("C-STORE", "BENCH", "PACSBOX", "127.0.0.1", events.now())
        head = part10.encode(self._class, self._uid(9, instance), ExplicitVRLittleEndian, origin)
        return part10.sealed(head, len(data)), data


def _scattered(study: int) -> int:
    """Studies come from many machines: their UIDs are in no order."""
    return _FIRST + study * 48_271 % 99_991 * 10_000


def put(maker: Maker, folder: Path, numbers: range) -> None:
    """Entries as the receiver leaves them, but for its flushes."""
    for number in numbers:
        path = folder / f"{time.time_ns():020d}-{os.urandom(4).hex()}.dcm"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        os.writev(descriptor, maker.image(number))
        os.close(descriptor)


def tenths(count: int) -> Iterator[range]:
    """The numbers of each tenth."""
    bounds = [count * n // 10 for n in range(11)]
    return itertools.starmap(range, itertools.pairwise(bounds))


def index_all(box: Box, maker: Maker, numbers: range) -> tuple[float, float]:
    """Seconds and CPU seconds that draining them takes."""
    indexer = box.indexer()
    seconds = cpu = 0.0
    for start in range(numbers.start, numbers.stop, _AT_A_TIME):
        put(maker, box.spool("bench").new, range(start, min(start + _AT_A_TIME, numbers.stop)))
        began, used = time.perf_counter(), time.process_time()
        while indexer.drain_batch():
            pass
        seconds += time.perf_counter() - began
        cpu += time.process_time() - used
    return seconds, cpu


def alone(maker: Maker, folder: Path, count: int) -> None:
    """What reading the headers costs, and the digest in them."""
    put(maker, folder, range(count))
    paths = sorted(folder.iterdir())
    used = time.process_time()
    for path in paths:
        headers.digest(path)
    hashed = time.process_time()
    for path in paths:
        headers.read(path)
    read = time.process_time()
    for path in paths:
        path.unlink()
    digest, whole = (hashed - used) / count * 1e3, (read - hashed) / count * 1e3
    print(f"CPU s per 1,000: the digest {digest:.2f}, header.read in all {whole:.2f}")


def main() -> None:
    """Print a line each tenth."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--per-study", type=int, default=200, help="images of a study")
    options.add_argument("--bytes", type=int, default=0, help="of pixels in each image")
    options.add_argument("--folder", type=Path, help="on the disk that is measured; what is made there is removed")
    options.add_argument("--alone", action="store_true", help="also the digest and the header reader alone")
    options.add_argument("--profile", action="store_true", help="where the time goes")
    chosen = options.parse_args()
    maker = Maker(chosen.per_study, chosen.bytes)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        if chosen.alone:
            (Path(folder) / "alone").mkdir()
            alone(maker, Path(folder) / "alone", min(chosen.count, 1000))
        box = Box(load(environment={"PACSBOX_DATA_DIR": f"{folder}/box", "PACSBOX_STORAGE_RESERVE_MB": "0"})[0])
        profile = cProfile.Profile() if chosen.profile else None
        with profile or nullcontext():
            run(box, maker, chosen.count)
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def run(box: Box, maker: Maker, count: int) -> None:
    """Index `count` images; the rates by tenth, the size at the end."""
    rates, costs = [], []
    for numbers in tenths(count):
        seconds, cpu = index_all(box, maker, numbers)
        rates.append(len(numbers) / seconds)
        costs.append(cpu / len(numbers))
        print(
            f"{numbers.stop:9} images: {rates[-1]:6.0f} a second, {cpu / len(numbers) * 1e3:.3f} CPU s per 1,000",
            flush=True,
        )
    found = box.storage.studies.count()[1]
    box.close()
    assert found == count, f"{found} of {count} images are in the index"
    size = sum(path.stat().st_size for path in box.index_path.parent.iterdir())
    print(
        f"at the end the rate is {rates[-1] / rates[0]:.0%} of that at the start, and CPU seconds an image are"
        f" {costs[-1] / costs[0]:.0%}; {size / count:.0f} bytes an image"
    )


if __name__ == "__main__":
    main()
