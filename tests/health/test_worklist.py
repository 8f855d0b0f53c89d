"""What the doctor says of the worklist folder."""

from __future__ import annotations

from pathlib import Path

from appliance.box import Box
from appliance.config import Config, load
from appliance.health.worklist import check
from appliance.worklist.folder import follow
from tests.support.worklist_files import PATIENTS, worklist_file


def watching(config: Config, folder: Path) -> Box:
    environment = {"PACSBOX_DATA_DIR": str(config.data_dir), "PACSBOX_WORKLIST_FOLDER": str(folder)}
    return Box(load(environment=environment)[0])


def test_a_box_without_a_folder_has_nothing_to_say(box: Box) -> None:
    assert list(check(box)) == []


def test_a_folder_that_is_missing_is_told(config: Config, tmp_path: Path) -> None:
    (finding,) = check(watching(config, tmp_path / "absent"))
    assert "There is no folder" in finding.says


def test_files_that_hold_no_order_are_counted(config: Config, tmp_path: Path) -> None:
    box = watching(config, tmp_path)
    worklist_file(tmp_path / "1.wl", PATIENTS[0], 1)
    follow(box.storage, tmp_path)
    assert list(check(box)) == []
    (tmp_path / "2.wl").write_text("hello")
    follow(box.storage, tmp_path)
    (finding,) = check(box)
    assert finding.says.startswith("1 of 2 worklist files cannot be read; one because it has no Scheduled")
    box.close()
