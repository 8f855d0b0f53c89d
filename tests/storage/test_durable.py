"""What the file system under a folder promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.storage import durable

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
    assert not durable.Place(tmp_path).holes_tell
