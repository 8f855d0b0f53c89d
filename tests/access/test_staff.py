"""Staff: added, changed, shut out; what their sessions may do."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.access.scope import Permission
from appliance.access.staff import LoginRefusedError
from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError

PASSWORD = "correct horse battery"


def test_somebody_may_look_unless_more_is_said(box: Box) -> None:
    person = box.staff.add("  Anna   Berg ", PASSWORD)
    scope = box.staff.scope(person.id, person.session_epoch)
    assert scope.who == "staff Anna Berg"
    assert scope.may == {Permission.QUERY, Permission.RETRIEVE}
    assert scope.sees("1.2.3")
    assert Permission.STORE in box.staff.scope(box.staff.add("B", PASSWORD, ["query", "store"]).id, 0).may


def test_the_password_opens_and_nothing_else_does(box: Box) -> None:
    person = box.staff.add("Anna Berg", PASSWORD)
    assert box.staff.log_in(" anna  BERG", PASSWORD) == person
    told = set()
    for name, password in (("Anna Berg", "wrong"), ("Anna Berg", ""), ("Nobody", PASSWORD), ("", "")):
        with pytest.raises(LoginRefusedError) as refused:
            box.staff.log_in(name, password)
        told.add(str(refused.value))
    assert len(told) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\x00b"])
def test_a_name_that_cannot_be_is_refused(box: Box, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        box.staff.add(name, PASSWORD)


def test_a_weak_password_or_an_odd_permission_adds_nobody(box: Box) -> None:
    with pytest.raises(ValueError, match="password"):
        box.staff.add("A", "short")
    with pytest.raises(ValueError, match="delete"):
        box.staff.add("A", PASSWORD, ["delete"])
    assert box.staff.all() == []


def test_a_name_is_taken_once(box: Box) -> None:
    box.staff.add("Anna Berg", PASSWORD)
    with pytest.raises(AlreadyExistsError):
        box.staff.add("ANNA BERG", PASSWORD)


@pytest.mark.parametrize("deed", ["disable", "remove", "password"])
def test_who_is_shut_out_is_out_at_once(box: Box, deed: str) -> None:
    person = box.staff.add("Anna Berg", PASSWORD)
    if deed == "password":
        box.staff.set_password("anna berg", "another long one")
    else:
        getattr(box.staff, deed)("anna berg")
    with pytest.raises(LoginRefusedError):
        box.staff.scope(person.id, person.session_epoch)
    with pytest.raises(LoginRefusedError):
        box.staff.log_in("Anna Berg", PASSWORD)


def test_who_is_let_in_again_starts_a_new_session(box: Box) -> None:
    before = box.staff.add("Anna Berg", PASSWORD)
    box.staff.disable("Anna Berg")
    box.staff.enable("Anna Berg")
    person = box.staff.log_in("Anna Berg", PASSWORD)
    assert box.staff.scope(person.id, person.session_epoch)
    with pytest.raises(LoginRefusedError):
        box.staff.scope(before.id, before.session_epoch)


def test_a_changed_permission_counts_in_the_open_session(box: Box) -> None:
    person = box.staff.add("Anna Berg", PASSWORD)
    box.staff.allow("Anna Berg", ["store"])
    assert box.staff.scope(person.id, person.session_epoch).may == {Permission.STORE}


def test_nobody_cannot_be_changed(box: Box) -> None:
    for change in (box.staff.disable, box.staff.enable, box.staff.remove):
        with pytest.raises(NotFoundError, match="Carl"):
            change("Carl")


def test_every_change_is_audited_and_told_without_the_password(box: Box) -> None:
    box.staff.add("Anna Berg", PASSWORD)
    box.staff.set_password("Anna Berg", "another long one")
    box.staff.allow("Anna Berg", ["query"])
    box.staff.disable("Anna Berg")
    box.staff.enable("Anna Berg")
    box.staff.remove("Anna Berg")
    deeds = ["create", "password", "allow", "disable", "enable", "remove"]
    rows = box.storage.audit.rows()[::-1]
    assert [row.action for row in rows] == deeds
    assert {row.resource for row in rows} == {"staff Anna Berg"}
    news = [event for event in box.storage.events.since(0) if event.kind == events.STAFF_CHANGED]
    assert [event.detail["what"] for event in news] == deeds


def test_the_password_is_not_kept(box: Box) -> None:
    box.staff.add("Anna Berg", PASSWORD)
    kept = b"".join(path.read_bytes() for path in box.index_path.parent.iterdir())
    assert b"Anna Berg" in kept
    assert PASSWORD.encode() not in kept
