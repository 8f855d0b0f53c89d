"""What a caller may do, by title, address and certificate."""

from __future__ import annotations

import pytest

from appliance.access.rights import EVERYTHING, Call, Known, Policy, Why, checked_rights, in_short, networks, within

LAN = networks(["10.0.0.0/8", "fe80::/10"])
PINNED = "ab" * 32
POLICY = Policy(
    titles=("PACSBOX", "BOX"),
    lan=LAN,
    peers=(
        Known("Clinic B", "CB", networks(["192.0.2.7"]), ("echo", "query"), calls_us="STORE_SCP"),
        Known("Ward", "WARD", networks(["10.0.0.9", "10.1.0.0/16"]), EVERYTHING),
        Known("Safe", "SAFE", networks(["10.0.0.5"]), ("query",), fingerprint=PINNED),
        Known("Nobody", "NONE", networks(["10.0.0.6"]), ()),
    ),
)


@pytest.mark.parametrize(
    ("call", "rights", "why", "peer"),
    [
        (Call("CT1", "PACSBOX", "10.0.0.1"), {"echo", "store"}, Why.UNKNOWN, ""),
        (Call("CT1", "BOX", "10.0.0.1"), {"echo", "store"}, Why.UNKNOWN, ""),
        (Call("CT1", "OTHER", "10.0.0.1"), set(), Why.CALLED, ""),
        (Call("CT1", "STORE_SCP", "10.0.0.1"), set(), Why.CALLED, ""),
        (Call("CT1", "pacsbox", "10.0.0.1"), set(), Why.CALLED, ""),
        (Call("", "PACSBOX", "fe80::1%eth0"), {"echo", "store"}, Why.UNKNOWN, ""),
        (Call("CT1", "PACSBOX", "::ffff:10.0.0.1"), {"echo", "store"}, Why.UNKNOWN, ""),
        (Call("CT1", "PACSBOX", "203.0.113.4"), set(), Why.OUTSIDE, ""),
        (Call("CB", "STORE_SCP", "192.0.2.7"), {"echo", "query"}, Why.RIGHT, "Clinic B"),
        (Call("CB", "PACSBOX", "192.0.2.7"), {"echo", "query"}, Why.RIGHT, "Clinic B"),
        (Call("CB", "PACSBOX", "192.0.2.8"), set(), Why.ADDRESS, "Clinic B"),
        (Call("CB", "PACSBOX", "10.0.0.2"), {"echo", "store"}, Why.ADDRESS, "Clinic B"),
        (Call("cb", "PACSBOX", "192.0.2.7"), set(), Why.OUTSIDE, ""),
        (Call("WARD", "PACSBOX", "10.1.2.3"), set(EVERYTHING), Why.RIGHT, "Ward"),
        (Call("SAFE", "PACSBOX", "10.0.0.5"), {"echo", "store"}, Why.CERTIFICATE, "Safe"),
        (Call("SAFE", "PACSBOX", "10.0.0.5", "cd" * 32), {"echo", "store"}, Why.CERTIFICATE, "Safe"),
        (Call("SAFE", "PACSBOX", "203.0.113.4", PINNED), {"query"}, Why.RIGHT, "Safe"),
        (Call("NONE", "PACSBOX", "10.0.0.6"), set(), Why.RIGHT, "Nobody"),
    ],
)
def test_a_call_is_judged(call: Call, rights: set[str], why: Why, peer: str) -> None:
    verdict = POLICY.judge(call)
    assert (verdict.rights, verdict.why, verdict.peer) == (rights, why, peer)
    assert verdict.accepted == bool(rights)


def test_any_called_title_is_taken_where_it_is_not_checked() -> None:
    policy = Policy(check_called=False, lan=LAN)
    assert policy.judge(Call("CT1", "ANYTHING", "10.0.0.1")).accepted


def test_without_a_lan_no_stranger_is_let_in() -> None:
    assert not Policy().judge(Call("CT1", "PACSBOX", "10.0.0.1")).accepted


def test_two_peers_may_share_a_title() -> None:
    peers = tuple(
        Known(n, "CT", networks([a]), (r,)) for n, a, r in [("A", "10.0.0.1", "echo"), ("B", "10.0.0.2", "mpps")]
    )
    policy = Policy(lan=LAN, peers=peers)
    assert policy.judge(Call("CT", "PACSBOX", "10.0.0.2")).rights == {"mpps"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (["query", "Store "], ("store", "query")),
        (["everything"], EVERYTHING),
        (["nothing"], ()),
        ([], ()),
        (["echo", "echo"], ("echo",)),
    ],
)
def test_rights_are_read_as_people_write_them(said: list[str], meant: tuple[str, ...]) -> None:
    assert checked_rights(said) == meant
    assert checked_rights(in_short(meant).removeprefix("do ").split(", ")) == meant


def test_what_is_no_right_is_named() -> None:
    with pytest.raises(ValueError, match="'delete' is none of these"):
        checked_rights(["query", "delete"])
    with pytest.raises(ValueError, match=r"not '10\.0\.0'"):
        networks(["10.0.0"])


def test_nonsense_is_within_nothing() -> None:
    assert not within("somewhere", LAN)
