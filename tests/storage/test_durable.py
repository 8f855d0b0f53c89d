"""What the file system under a folder promises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.storage import durable
from tests.support import disks

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 254:16 / /data rw,relatime shared:1 - xfs /dev/vdb rw
24 23 0:45 /sub /data/deep rw - btrfs /dev/vdc rw
25 22 0:46 / /database rw - nfs4 server:/x rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/", "ext4"), ("/srv", "ext4"), ("/data/spool", "xfs"), ("/data/deep/er", "btrfs"), ("/database", "nfs4")],
)
def test_the_innermost_mount_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(durable, "_MOUNTS", mounts)
    assert durable.file_system(Path(folder)) == kind


def test_nothing_is_known_where_there_is_no_such_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_MOUNTS", tmp_path / "absent")
    assert durable.file_system(tmp_path) == ""
    with (tmp_path / "file").open("w+b") as file:
        file.truncate(1 << 20)
        assert not durable.Place(tmp_path).lacks_blocks(file.fileno())


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_blocks_that_were_never_written_are_told_from_those_that_were(tmp_path: Path, kind: str) -> None:
    disks.needed()
    image = disks.make(kind, tmp_path / "image")
    with disks.mounted(image, kind, tmp_path / "mount") as mount:
        place = durable.Place(mount)
        for number, size in enumerate((0, 1, 4095, 4096, 300_000, 5_000_000)):
            with (mount / str(number)).open("wb", buffering=0) as file:
                file.write(bytes(size))
                os.fsync(file.fileno())
                assert not place.lacks_blocks(file.fileno()), f"{size} bytes of a whole file"
        for name in ("looked at", "read before"):
            with (mount / name).open("w+b", buffering=0) as file:
                for at in (0, 200_000):
                    os.pwrite(file.fileno(), os.urandom(100_000), at)
                os.posix_fallocate(file.fileno(), 0, 300_000)
                os.fsync(file.fileno())
                if name == "read before":
                    file.read()
                assert place.lacks_blocks(file.fileno()), name
