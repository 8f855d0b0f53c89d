"""How long the index takes over a header: the lean reader, pydicom, and BLAKE3 alone, on the same files.

    python -m bench.header FILE_OR_FOLDER...

Medians of several rounds, in milliseconds a file; each round reads every file once by each way, so that what is
remembered from one image of a series to the next counts as it does in the indexer.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from appliance.dicom import elements, header, part10, tolerant, values
from appliance.dicom.content import Content
from appliance.dicom.kinds import Unsure
from appliance.errors import UnreadableInstanceError

ROUNDS = 9


def main(arguments: list[str]) -> None:
    """Print one line a folder, and one for each file that is named."""
    print(f"{'':32} files   KB  elements  lean  pydicom   BLAKE3  read()  uids   lean : pydicom  read() : old way")
    for argument in arguments:
        path = Path(argument)
        files = sorted(path.glob("*.dcm")) if path.is_dir() else [path]
        report(path.name, [file for file in files if readable(file)])


def readable(path: Path) -> bool:
    """Whether it can be indexed, and by the lean reader."""
    try:
        header.read(path)
        lean(path)
    except (UnreadableInstanceError, Unsure):
        return False
    return True


def report(name: str, files: list[Path]) -> None:
    """Time each way over all files."""
    ways: dict[str, Callable[[Path], object]] = {
        "lean": lean,
        "pydicom": by_pydicom,
        "digest": digest,
        "read": header.read,
        "uids": header.read_uids,
    }
    values.member_again.cache_clear()
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            start = time.perf_counter()
            for file in files:
                run(file)
            taken[way].append((time.perf_counter() - start) * 1000 / len(files))
    median = {way: statistics.median(times) for way, times in taken.items()}
    size = sum(file.stat().st_size for file in files) // len(files) // 1024
    count = sum(len(lean(file).members) for file in files) // len(files)
    print(
        f"{name[:32]:32} {len(files):5} {size:4} {count:9} {median['lean']:5.2f} {median['pydicom']:8.2f}"
        f" {median['digest']:8.2f} {median['read']:7.2f} {median['uids']:5.2f}"
        f"   {median['pydicom'] / median['lean']:8.1f} : 1"
        f" {(median['pydicom'] + median['digest']) / median['read']:10.1f} : 1"
    )


def lean(path: Path) -> Content:
    """Header and elements by the lean reader."""
    with path.open("rb") as file:
        meta = part10.read(file)
        return elements.read(file.read(), 0, meta.transfer_syntax_uid)


def by_pydicom(path: Path) -> Content:
    """The same by pydicom."""
    with path.open("rb") as file:
        part10.read(file)
        return tolerant.read(file)


def digest(path: Path) -> str:
    """The digest alone."""
    return header.digest(path)


if __name__ == "__main__":
    main(sys.argv[1:])
