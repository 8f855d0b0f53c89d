"""The line at the foot: disk, services, transfers, what needs a person."""

from __future__ import annotations

from dataclasses import replace

from appliance.service import SERVICES, only_one
from tui.pulse import Pulse, parts, take

WELL = Pulse(41_000_000_000, 40_000_000_000, (), 0, 0)


def said(pulse: Pulse) -> str:
    return " | ".join(text for text, _ in parts(pulse))


def test_all_is_well():
    assert said(WELL) == "Disk 41 GB free | All services up"


def test_a_full_disk_is_bad():
    assert dict(parts(replace(WELL, spare=-1)))["Disk 41 GB free, full for new images"] == "bad"


def test_services_that_are_down_are_named():
    assert "receiver down" in said(replace(WELL, down=("receiver",)))
    assert "2 services down" in said(replace(WELL, down=("indexer", "sender")))
    assert "All services down" in said(replace(WELL, down=SERVICES))


def test_what_needs_a_person_is_counted():
    assert "1 needs attention (F5)" in said(replace(WELL, set_aside=1))
    assert "3 need attention (F5)" in said(replace(WELL, set_aside=1, down=("web", "sender")))


def test_it_fits_80_columns_at_its_worst():
    assert len(said(Pulse(999_000_000_000, 1, SERVICES[:3], 99, 999))) < 78


def test_is_taken_without_an_index_and_makes_none(box):
    with only_one(box.run_dir, "web"):
        pulse = take(box)
    assert pulse.down == ("receiver", "indexer", "sender")
    assert pulse.free > 0
    assert not box.index_path.exists()
