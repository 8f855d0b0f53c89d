"""`pacsbox refusals`, as staff use it."""

from __future__ import annotations

import orjson
import pytest

from appliance.access.refusals import Refusal
from appliance.access.rights import Why
from appliance.box import Box
from appliance.storage.rows import EVERYTHING
from tests.cli.conftest import Pacsbox


def note(box: Box, *refusals: Refusal) -> None:
    book = box.refusals
    for refusal in refusals:
        book.note(refusal)
    book.flush()


def refused(address: str = "10.0.0.7", *rights: str, why: Why = Why.UNKNOWN, peer: str = "") -> Refusal:
    return Refusal("WARD", address, "PACSBOX", why, "it may not", rights, peer)


def test_refusals_are_listed_and_let_in(pacsbox: Pacsbox, box: Box) -> None:
    assert pacsbox("refusals").stdout == "Nobody was turned away lately.\n"
    note(box, refused("10.0.0.7", "query"), refused("10.0.0.7", "worklist"), refused("10.0.0.7", "query"))
    told = pacsbox("refusals").stdout
    assert "WARD" in told and "2 times" in told and "pacsbox refusals allow" in told
    assert {row["count"] for row in orjson.loads(pacsbox("refusals", "--json").stdout)} == {1, 2}
    done = pacsbox("refusals", "allow", "WARD")
    assert done.stdout == "WARD (WARD) at 10.0.0.7 may echo, store, query, worklist here.\n"
    assert box.peers.get("WARD").host == "10.0.0.7"
    assert box.refusals.all() == []


def test_which_of_two_must_be_said(pacsbox: Pacsbox, box: Box) -> None:
    note(box, refused("10.0.0.7", "query"), refused("10.0.0.8", "query"))
    with pytest.raises(ValueError, match=r"10\.0\.0\.7, 10\.0\.0\.8"):
        pacsbox("refusals", "allow", "WARD")
    pacsbox("refusals", "allow", "WARD", "10.0.0.8")
    assert [each.address for each in box.refusals.all()] == ["10.0.0.7"]
    pacsbox("refusals", "forget")
    assert box.refusals.all() == []
    with pytest.raises(ValueError, match="nobody of the AE title 'OTHER'"):
        pacsbox("refusals", "allow", "OTHER")


def test_a_known_peer_gets_more_and_keeps_what_it_has(pacsbox: Pacsbox, box: Box) -> None:
    box.peers.add("Ward 3", "WARD", "ward.example", 11112, rights=("mpps",))
    note(box, refused("10.0.0.9", "query", why=Why.ADDRESS, peer="Ward 3"))
    pacsbox("refusals", "allow", "WARD")
    (peer,) = box.peers.all()
    assert (peer.rights, peer.calls_from, peer.port) == (("query", "mpps"), ("10.0.0.9/32",), 11112)


def test_a_name_that_is_taken_gets_a_number(pacsbox: Pacsbox, box: Box) -> None:
    for name in ("ward", "WARD-2"):
        box.peers.add(name, "OTHER", "10.0.0.1", 104, rights=EVERYTHING)
    note(box, refused("10.0.0.7", "query"))
    assert pacsbox("refusals", "allow", "WARD").stdout.startswith("WARD-3 (WARD)")


@pytest.mark.parametrize(
    ("why", "said"), [(Why.CROWDED, "would not help"), (Why.CERTIFICATE, "pinned to a certificate")]
)
def test_what_a_peer_would_not_cure_is_said(pacsbox: Pacsbox, box: Box, why: Why, said: str) -> None:
    box.peers.add("Ward", "WARD", "10.0.0.7", 104, fingerprint="ab" * 32)
    note(box, refused("10.0.0.7", why=why, peer="Ward"))
    with pytest.raises(ValueError, match=said):
        pacsbox("refusals", "allow", "WARD")
