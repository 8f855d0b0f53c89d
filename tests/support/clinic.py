"""A box's doors open in a thread, its archive stocked with real files."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom

from appliance.box import Box
from tests.support.files import shared
from web.serve import Doors, run

ROOT = "/dicom-web"


def one_study(folder: Path) -> list[Path]:
    """The same image in every transfer syntax, as instances of one study; the shared files are all one instance."""
    copies = []
    for number, path in enumerate(sorted(shared("transfer-syntaxes").glob("*_1.2.840*.dcm"))):
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.999", "1.2.999.1"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.999.1.{number}"
        dataset.InstanceNumber = number
        copies.append(folder / f"{number}.dcm")
        dataset.save_as(copies[-1])
    return copies


@contextmanager
def opened(box: Box) -> Iterator[Doors]:
    """Both doors of `box`, listening."""
    found: list[Doors] = []
    ready, stop = threading.Event(), threading.Event()

    def tell(doors: Doors) -> None:
        found.append(doors)
        ready.set()

    thread = threading.Thread(target=run, args=(box, stop, tell))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0]
    finally:
        stop.set()
        thread.join(30)


def named(box: Box, patient_name: str) -> str:
    """The UID of that patient's study."""
    return next(each.study_instance_uid for each in box.storage.studies.search(patient_name, 1))


def filled(path: str, study: str, series: str, instance: str, rest: str = "") -> str:
    """A route's path with values for what stands in braces; `rest` for whatever is no UID, else what exists."""
    known = {"study": study, "series": series, "instance": instance}
    if path == "/wado":
        return f"{path}?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
    known |= {"frames": rest or "1", "element": rest or "7FE00010"}
    return re.sub(r"\{(\w+)[^}]*\}", lambda match: known[match[1]], path)
