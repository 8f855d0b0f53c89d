"""Names made comparable, and written as people write them."""

from __future__ import annotations

import pytest

from appliance.dicom.names import display, fold


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Müller^Jürgen", "muller jurgen"),
        ("Łukasz^Wójcik", "lukasz wojcik"),
        ("Øystein^Åse", "oystein ase"),
        ("STRAßE", "strasse"),
        ("Διονυσιος", "διονυσιοσ"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "hong gildong 洪 吉洞 홍 길동"),
        ("  Doe^^Jane  ", "doe jane"),
        ("", ""),
    ],
)
def test_fold_takes_away_case_diacritics_and_separators(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Mary^Dr^PhD", "Doe, Jane Mary (Dr, PhD)"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou 山田 太郎"),
        ("=山田^太郎", "山田 太郎"),
        ("Διονυσιος^Α", "Διονυσιος, Α"),
        ("^^^^", ""),
        ("", ""),
    ],
)
def test_display_writes_a_name_as_people_do(name: str, shown: str) -> None:
    assert display(name) == shown
