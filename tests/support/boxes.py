"""A whole box as real processes, each of which a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from appliance.box import Box
from appliance.config import load
from appliance.service import SERVICES, sign
from tests.support.files import ROOT
from tests.support.programs import free_port, listens
from tests.support.waiting import wait_for


class RunningBox:
    """The services of a box in `folder`, on loopback and ports of its own."""

    program: tuple[str, ...] = ("-m", "appliance.cli.main")
    """What Python runs; another may be put in its place before `start`."""

    def __init__(self, folder: Path, ae_title: str = "PACSBOX", **environment: str) -> None:
        self.dicom_port, self.public_port, self.clinic_port = free_port(), free_port(), free_port()
        self.answers_at = self.dicom_port
        """The port by which the receiver is seen to be up."""
        self.environment = {
            "PACSBOX_DATA_DIR": str(folder),
            "PACSBOX_DICOM_AE_TITLE": ae_title,
            "PACSBOX_DICOM_BIND": "127.0.0.1",
            "PACSBOX_DICOM_PORT": str(self.dicom_port),
            "PACSBOX_DICOM_TLS": "off",
            "PACSBOX_WEB_PUBLIC_PORT": str(self.public_port),
            "PACSBOX_WEB_CLINIC_PORT": str(self.clinic_port),
            **environment,
        }
        self.box = Box(load(environment=self.environment)[0])
        self.log = (folder / "services.log").open("ab")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> RunningBox:
        """Start these services, or all of them, and wait until each is up."""
        for name in names or SERVICES:
            self._running[name] = subprocess.Popen(
                [sys.executable, *self.program, name],
                env=os.environ | self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
            )
        for name in names or SERVICES:
            wait_for(lambda name=name: self._is_up(name), 60, f"the {name}")
        return self

    def _is_up(self, name: str) -> bool:
        assert self._running[name].poll() is None, f"the {name} ended: {self.logged()[-2000:]}"
        return sign(self.box.run_dir, name).up and (name != "receiver" or listens(self.answers_at))

    def kill(self, name: str) -> None:
        """kill -9, as fate does."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def restart(self, name: str) -> None:
        """As an update does: it must end cleanly, and is started again."""
        process = self._running.pop(name)
        process.terminate()
        assert process.wait(60) == 0, f"the {name} did not end cleanly"
        self.start(name)

    def pid(self, name: str) -> int:
        """Of what runs."""
        return self._running[name].pid

    def stop(self) -> None:
        """End what runs; each must end cleanly."""
        for process in self._running.values():
            process.terminate()
        try:
            statuses = {name: process.wait(60) for name, process in self._running.items()}
        finally:
            for name in tuple(self._running):
                self.kill(name)
            self.box.close()
            self.log.close()
        assert set(statuses.values()) <= {0}, statuses

    def logged(self) -> str:
        """What the services have logged."""
        return Path(self.log.name).read_text("utf-8", "replace")

    def is_drained(self) -> bool:
        """Whether everything received has been indexed."""
        return not self.box.spool("tests").waiting()
