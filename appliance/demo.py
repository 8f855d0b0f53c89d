"""A box to try things on: a throw-away folder, sample studies, and a second box to send to."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pydicom.data
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from appliance import supervise
from appliance.box import Box
from appliance.config import Dicom, load
from appliance.errors import PacsboxError
from appliance.service import stop_on_signals
from appliance.worklist import demo

log = logging.getLogger(__name__)

PEER = "CLINIC-B"
_PORTS = {
    "PACSBOX_DICOM_PORT": 11112,
    "PACSBOX_DICOM_TLS_PORT": 2762,
    "PACSBOX_WEB_PUBLIC_PORT": 8080,
    "PACSBOX_WEB_CLINIC_PORT": 8042,
}
_LEAVING = "This ends the demo and deletes its studies."
_START = 30.0
"""Seconds that the receiver has to come up."""


@dataclass(frozen=True)
class Sample:
    """A made-up patient, and the test images of pydicom that stand for hers."""

    name: str
    birth_date: str
    sex: str
    description: str
    files: tuple[str, ...]


SAMPLES = (
    Sample("Ferreira^Ana", "19840312", "F", "Head CT", ("693_J2KI.dcm",)),
    Sample("Okafor^Chidi", "19710925", "M", "Chest CT", ("CT_small.dcm",)),
    Sample("Müller^Jürgen", "19590107", "M", "Abdomen MRI", ("examples_overlay.dcm",)),
    Sample("Wójcik^Łukasz", "19930618", "M", "Brain MRI", ("MR_small.dcm", "MR_small_RLE.dcm")),
    Sample("Nguyen^Thi Lan", "20010430", "F", "Echocardiogram", ("examples_ybr_color.dcm",)),
    Sample("Smith^Olivia", "19770802", "F", "Ultrasound thyroid", ("examples_rgb_color.dcm", "examples_palette.dcm")),
    Sample("Haddad^Layla", "19661119", "F", "Whole body bone scan", ("JPEG2000.dcm", "JPEG-lossy.dcm")),
    Sample("Yamada^Tarou=山田^太郎=やまだ^たろう", "19480215", "M", "Spine X-ray", (
        "dicomdirtests/77654033/CR1/6154", "dicomdirtests/77654033/CR2/6247", "dicomdirtests/77654033/CR3/6278",
    )),
)  # fmt: skip


def run(*, console: bool) -> None:
    """Start both boxes, send the samples, and stay until a signal comes or the console is left."""
    stop = stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="pacsbox-demo-") as folder:
        _set_environment(Path(folder))
        box = Box(load()[0])
        with _both(box, Path(folder)) as (children, peer_children):
            _wait_for(box.config.dicom.port)
            _send_samples(box.config.dicom)
            log.info("%d sample studies are in PACSBOX_DATA_DIR=%s; the peer is %s", len(SAMPLES), box.data_dir, PEER)
            if console:
                supervise.with_console(stop, None, _LEAVING, children, peer_children)
            else:
                supervise.stay(stop, children, peer_children)
        box.close()


@contextmanager
def _both(box: Box, folder: Path) -> Iterator[tuple[supervise.Children, supervise.Children]]:
    """The box and its peer, running; both ended in any case."""
    peer_port = _free_port(0)
    box.peers.add(PEER, PEER, "127.0.0.1", peer_port)
    box.orders.add_all(demo.samples(datetime.now().astimezone().date()), "demo")
    peer = os.environ | {
        "PACSBOX_DATA_DIR": str(folder / "clinic-b"),
        "PACSBOX_DICOM_AE_TITLE": PEER,
        "PACSBOX_DICOM_PORT": str(peer_port),
        "PACSBOX_DICOM_TLS": "off",
        "PACSBOX_DICOM_STRANGERS_MAY": "echo,store,query,retrieve",
    }
    with (folder / "services.log").open("ab") as output:
        quiet = output if os.isatty(1) else None
        with supervise.children(None, output=quiet) as ours:
            theirs = supervise.children(None, ("receiver", "indexer"), environment=peer, output=output)
            with theirs as peer_children:
                yield ours, peer_children


def _set_environment(folder: Path) -> None:
    """Nothing of the machine's own configuration but ports that it names; else the default ones where they are free."""
    named = {variable: os.environ[variable] for variable in _PORTS if variable in os.environ}
    for variable in [name for name in os.environ if name.startswith("PACSBOX_")]:
        del os.environ[variable]
    os.environ["PACSBOX_DATA_DIR"] = str(folder / "box")
    os.environ["PACSBOX_DICOM_BIND"] = "127.0.0.1"
    for variable, port in _PORTS.items():
        os.environ[variable] = named.get(variable) or str(_free_port(port))


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            return free
    raise PacsboxError("This machine has no free TCP port.")


def _send_samples(config: Dicom) -> None:
    """Over real C-STORE, a study an association, as a modality does."""
    for sample in SAMPLES:
        datasets = list(_datasets(sample))
        association = _associated(config, datasets)
        try:
            for dataset in datasets:
                status = association.send_c_store(dataset).get("Status")
                if status != 0x0000:
                    raise PacsboxError(f"The box did not take a sample (status {status}).")
        finally:
            association.release()


def _datasets(sample: Sample) -> Iterator[Dataset]:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    study, today = generate_uid(), time.strftime("%Y%m%d")
    series: dict[str, str] = {}
    for number, file in enumerate(sample.files, 1):
        dataset = dcmread(folder / file)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.PatientBirthDate = sample.name, sample.birth_date
        dataset.PatientSex, dataset.PatientAge = sample.sex, ""
        dataset.PatientID = f"DEMO-{sample.birth_date[2:]}"
        dataset.StudyInstanceUID, dataset.StudyDescription, dataset.StudyDate = study, sample.description, today
        dataset.SeriesInstanceUID = series.setdefault(str(dataset.SeriesInstanceUID), generate_uid())
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = number
        yield dataset


def _associated(config: Dicom, datasets: list[Dataset]) -> Association:
    entity = AE(ae_title="DEMO-MODALITY")
    pairs = sorted({(d.SOPClassUID, d.file_meta.TransferSyntaxUID) for d in datasets})
    entity.requested_contexts = [build_context(*pair) for pair in pairs]
    association = entity.associate("127.0.0.1", config.port, ae_title=config.ae_title)
    if not association.is_established:
        raise PacsboxError("The box did not take the association with the samples.")
    return association


def _wait_for(port: int) -> None:
    """Until the receiver answers."""
    pause, end = threading.Event(), time.monotonic() + _START
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            pause.wait(0.1)
    raise PacsboxError(f"The receiver does not answer on port {port}.")
