"""Orthanc, with nothing in it, as a peer; driven by its REST interface."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.storage.rows import Peer
from tests.support.programs import free_port, program
from tests.support.waiting import wait_for


@dataclass(frozen=True)
class Orthanc:
    """One that runs on loopback."""

    peer: Peer
    http_port: int

    def get(self, path: str) -> Any:
        """What a GET answers. Raises `urllib.error.HTTPError`."""
        return self._ask("GET", path)

    def post(self, path: str, body: object) -> Any:
        """What a POST answers; bytes go as they are, all else as JSON."""
        return self._ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self._ask("DELETE", path)

    def instances(self) -> dict[str, str]:
        """Orthanc's ID of each instance, by SOP Instance UID."""
        found = self.get("/instances?expand")
        return {instance["MainDicomTags"]["SOPInstanceUID"]: instance["ID"] for instance in found}

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.get("/system"))
        except (urllib.error.URLError, ConnectionError):
            return False


@contextmanager
def orthanc(folder: Path, modalities: Mapping[str, Peer], **options: object) -> Iterator[Orthanc]:
    """Orthanc with its data in `folder`, which knows these `modalities` by name."""
    folder.mkdir(parents=True, exist_ok=True)
    dicom_port, http_port = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder / "data"),
        "IndexDirectory": str(folder / "data"),
        "DicomAet": "ORTHANC",
        "DicomPort": dicom_port,
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
        "DicomModalities": {name: [peer.ae_title, peer.host, peer.port] for name, peer in modalities.items()},
        **options,
    }
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("Orthanc"), str(configuration)], stdout=subprocess.DEVNULL, stderr=log)
    found = Orthanc(Peer("CLINIC-B", "ORTHANC", "127.0.0.1", dicom_port), http_port)
    try:
        wait_for(found.is_up, 60, "Orthanc")
        yield found
    finally:
        process.terminate()
        process.wait(30)
