"""Small pictures of new studies, made before anyone asks, so that a phone has them at once.

A cache: its size is bounded, and nothing is lost with it. A folder a study, so that it goes with its study.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.dicom.drawn import DRAWN

EDGE = 264
"""Pixels of the longer side: 88 on the page, at three device pixels each."""
QUALITY = 75
_MOST = 256 << 20
"""Bytes in all: the newest forty thousand."""
_ENOUGH = 0.9
"""Of `_MOST`, what is left when the oldest were removed."""
_SUFFIX = f".{DRAWN}.jpg"
"""What was drawn otherwise is not found any more, and goes as the oldest do."""
_START, _END = b"\xff\xd8", b"\xff\xd9"
"""Markers of a whole JPEG: files of a cache aren't flushed, and a power cut may leave anything."""


class Previews:
    """The folder of small pictures."""

    def __init__(self, folder: Path, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most

    def place(self, study_instance_uid: str, digest: str) -> Path:
        """Where the picture of an instance is, or would be; `digest` is the instance's."""
        return self._of(study_instance_uid) / f"{digest}{_SUFFIX}"

    def get(self, study_instance_uid: str, digest: str) -> bytes | None:
        """The picture as a JPEG, if it was made and is still here."""
        try:
            picture = self.place(study_instance_uid, digest).read_bytes()
        except OSError:
            return None
        return picture if picture.startswith(_START) and picture.endswith(_END) else None

    def made(self, study_instance_uid: str) -> set[str]:
        """The digests of the study's instances that have one."""
        try:
            names = [path.name for path in self._of(study_instance_uid).iterdir()]
        except OSError:
            return set()
        return {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}

    def forget(self, study_instance_uid: str) -> None:
        """The study is deleted: so are its pictures."""
        shutil.rmtree(self._of(study_instance_uid), ignore_errors=True)

    def prune(self) -> None:
        """Remove the oldest where all together take too much."""
        found = sorted(self._files())
        excess = sum(size for _, size, _ in found) - self._most
        if excess <= 0:
            return
        excess += int(self._most * (1 - _ENOUGH))
        for _, size, path in found:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    def _of(self, study_instance_uid: str) -> Path:
        return self._folder / hashlib.sha256(study_instance_uid.encode()).hexdigest()[:32]

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Time, size and path of each."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = Path(folder, name)
                try:
                    told = path.stat()
                except FileNotFoundError:
                    continue
                yield told.st_mtime, told.st_size, path
