"""The promise of `contract.Staff`, for every backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import AlreadyExistsError
from appliance.storage.contract import Storage
from appliance.storage.rows import Person


def add(storage: Storage, name: str) -> Person:
    with storage.transaction():
        return storage.staff.add(name, "hash", ("query",))


def test_somebody_comes_back_as_they_were(storage: Storage) -> None:
    person = add(storage, "Anna Berg")
    assert storage.staff.get(person.id) == storage.staff.by_name("Anna Berg") == person
    assert person.created.endswith("+00:00")
    assert not person.disabled


@pytest.mark.parametrize(("name", "same"), [("Änne", "äNNE"), ("ΣΟΦΙΑ", "σοφια"), ("Straße", "STRASSE"), ("A", "a")])
def test_names_are_found_and_taken_in_any_case_of_any_script(storage: Storage, name: str, same: str) -> None:
    person = add(storage, name)
    assert storage.staff.by_name(same) == person
    with pytest.raises(AlreadyExistsError):
        add(storage, same)
    assert storage.staff.all() == [person]


def test_what_is_new_is_kept_of_the_one_and_no_other(storage: Storage) -> None:
    first, second = add(storage, "A"), add(storage, "B")
    changed = replace(first, password_hash="other", may=("query", "store"), disabled="now", session_epoch=3)
    with storage.transaction():
        assert storage.staff.change(changed)
        assert not storage.staff.change(replace(first, id=99))
    assert storage.staff.all() == [changed, second]


def test_a_number_is_never_given_again(storage: Storage) -> None:
    person = add(storage, "A")
    with storage.transaction():
        assert storage.staff.remove(person.id)
        assert not storage.staff.remove(person.id)
    assert storage.staff.get(person.id) is None
    assert add(storage, "A").id > person.id
