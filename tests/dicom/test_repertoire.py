"""Text in a character set that somebody asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dicom.repertoire import ANY, repertoire

NAMES = {
    b"ISO_IR 100": "Buc^Jérôme",
    b"ISO_IR 101": "Wałęsa",
    b"ISO_IR 126": "Διονυσιος",
    b"ISO_IR 127": "قباني^لنزار",
    b"ISO_IR 138": "שרון^דבורה",
    b"ISO_IR 144": "Люкceмбypг",
    b"ISO_IR 166": "นามสกุล",
    b"ISO_IR 192": "Wang^XiaoDong=王^小東",
    b"GB18030": "Wang^XiaoDong=王^小东",
    b"\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    b"ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    b"\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.decode())
def test_a_set_carries_the_names_of_its_script(name: bytes) -> None:
    found = repertoire(name)
    encoded = found.encode(NAMES[name], "PN")
    assert encoded is not None
    assert found.decode(encoded) == NAMES[name]


@pytest.mark.parametrize("name", [b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 144", b"no such set"])
def test_what_a_set_cannot_carry_it_does_not_claim_to(name: bytes) -> None:
    assert repertoire(name).encode("山田^太郎", "PN") is None
    assert repertoire(name).encode("Doe^John", "PN") == b"Doe^John"


@pytest.mark.parametrize("raw", ["Müller".encode(), "Müller".encode("latin-1")])
def test_who_names_no_set_is_read_with_the_benefit_of_the_doubt(raw: bytes) -> None:
    assert repertoire(b"").decode(raw) == "Müller"


@given(st.text(max_size=20), st.sampled_from(sorted(NAMES)))
def test_whatever_is_carried_comes_back(text: str, name: bytes) -> None:
    found = repertoire(name)
    encoded = found.encode(text)
    assert encoded is None or text.isascii() or name == b"ISO_IR 192" or found.decode(encoded) == text
    assert ANY.encode("é") == "é".encode()
