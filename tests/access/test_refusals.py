"""The file of recent refusals: merged, bounded, written by several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.access import refusals
from appliance.access.refusals import Refusal, Refusals, merged
from tests.support.files import ROOT


def refusal(title: str = "CT1", address: str = "10.0.0.1", *rights: str, **others: object) -> Refusal:
    return Refusal(title, address, "PACSBOX", "not a peer", "It is not a peer.", rights, **others)  # type: ignore[arg-type]


@pytest.fixture
def book(tmp_path: Path) -> Refusals:
    return Refusals(tmp_path / "refusals.json")


def test_the_same_refusal_is_counted_with_its_first_and_last_time(book: Refusals) -> None:
    assert [book.note(refusal()) for _ in range(3)] == [True, False, False]
    book.flush()
    book.note(refusal())
    book.note(refusal("CT2"))
    book.flush()
    second, first = book.all()
    assert (first.title, first.count, second.title, second.count) == ("CT1", 4, "CT2", 1) or (
        first.title,
        second.title,
    ) == ("CT2", "CT1")
    assert all(each.first <= each.last for each in (first, second))
    assert sum(each.count for each in (first, second)) == 5


def test_what_was_asked_for_makes_a_difference(book: Refusals) -> None:
    for each in (refusal(), refusal("CT1", "10.0.0.1", "query"), refusal("CT1", "10.0.0.1", "query", "retrieve")):
        book.note(each)
    book.flush()
    assert sorted(each.rights for each in book.all()) == [(), ("query",), ("query", "retrieve")]


def test_forgotten_ones_are_gone_and_others_stay(book: Refusals) -> None:
    book.note(refusal("A"))
    book.note(refusal("B"))
    book.flush()
    book.forget(*(each for each in book.all() if each.title == "A"))
    assert [each.title for each in book.all()] == ["B"]


def test_there_are_never_more_than_fit_nor_one_address_that_crowds_out_others() -> None:
    flood = [refusal(f"X{n}", "10.9.9.9", last=f"2026-01-02T00:00:{n:04}") for n in range(500)]
    others = [refusal("CT", f"10.0.{n // 250}.{n % 250}", last=f"2026-01-01T00:{n:04}") for n in range(300)]
    kept = merged([*others, *flood])
    assert len(kept) == refusals.MOST
    assert sum(each.address == "10.9.9.9" for each in kept) == 20
    assert kept[0].title == "X499"


def test_a_spoiled_file_tells_nothing_and_is_written_anew(book: Refusals, tmp_path: Path) -> None:
    (tmp_path / "refusals.json").write_text('[{"title": 1')
    assert book.all() == []
    book.note(refusal())
    book.flush()
    assert len(book.all()) == 1


def test_what_a_full_disk_does_not_take_is_there_later(book: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    book.note(refusal())
    with monkeypatch.context() as patch:
        patch.setattr(refusals, "write_file", full)
        with pytest.raises(OSError, match="No space"):
            book.flush()
    book.note(refusal())
    book.flush()
    assert [each.count for each in book.all()] == [2]


def test_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from appliance.access.refusals import Refusal, Refusals\n"
        "book = Refusals(Path(sys.argv[1]))\n"
        "for n in range(40):\n"
        "    book.note(Refusal('CT', '10.0.0.1', 'X', 'why', 'Why.'))\n"
        "    book.flush()\n"
    )
    path = tmp_path / "refusals.json"
    running = [subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert [each.count for each in Refusals(path).all()] == [120]
