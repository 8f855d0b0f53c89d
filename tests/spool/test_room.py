"""A gigabyte or 5 % of the disk stay free, whichever is more."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.config import load
from appliance.errors import StorageFullError
from appliance.spool.spool import Spool

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("disk", "free", "is_taken"),
    [
        (10 * GB, 1.1 * GB, True),
        (10 * GB, 1.0 * GB, False),  # 1,024 MB are more than 5 %
        (1000 * GB, 51 * GB, True),
        (1000 * GB, 49 * GB, False),
    ],
)
def test_by_default(disk: float, free: float, is_taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(
        f_blocks=int(disk) // 4096, f_frsize=4096, f_bavail=int(free) // 4096, f_files=1_000_000, f_favail=900_000
    )
    monkeypatch.setattr(os, "statvfs", lambda _path: told)
    reserve_mb = load(environment={"PACSBOX_DATA_DIR": str(tmp_path)})[0].storage.reserve_mb
    spool = Spool(tmp_path / "spool", "receiver", reserve_mb)
    if is_taken:
        spool.begin(b"").discard()
    else:
        with pytest.raises(StorageFullError, match="nearly full"):
            spool.begin(b"")
