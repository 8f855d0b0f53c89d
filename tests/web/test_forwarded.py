"""What proxies tell of the client, whom of them we believe, and that nothing they are sent confuses the door."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from appliance.config.table import Web
from web.forwarded import Hop, Seen, address, told

PROXY, INNER, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.7"
HOST = "box.example:8042"
NOTHING = Seen("http", HOST, "", PROXY)

Said = list[tuple[str, str]]


def seen(
    *said: tuple[str, str], peer: str = PROXY, host: str = HOST, scheme: str = "http", header: str | None = None
) -> Seen:
    """`header` tells of addresses; unless given, the usual one of those that are there."""
    if header is None:
        header = "Forwarded" if "Forwarded" in dict(said) else "X-Forwarded-For"
    options = Web(trusted_proxies=(PROXY, INNER, "2001:db8::1"), address_header=header)
    return told(Hop(peer, scheme, host), CIMultiDictProxy(CIMultiDict(said)), options)


@pytest.mark.parametrize(
    ("said", "scheme", "host", "client"),
    [
        ([("Forwarded", f"for={CLIENT};proto=https;host=images.example")], "https", "images.example", CLIENT),
        ([("Forwarded", f'For="{CLIENT}:4711";Host="images.example:444"')], "http", "images.example:444", CLIENT),
        ([("Forwarded", 'for="[2001:DB8::7]:_port";PROTO=HTTPS')], "https", HOST, "2001:db8::7"),
        ([("Forwarded", "for=[2001:db8::7]:1;host=box.example:80")], "http", "box.example", "2001:db8::7"),
        ([("Forwarded", 'for="[::ffff:203.0.113.7]"')], "http", HOST, CLIENT),
        ([("Forwarded", r'for="203\.0.113.7" ; by=_us ; ;secret="a\";b"')], "http", HOST, CLIENT),
        ([("Forwarded", "for=192.0.2.1"), ("Forwarded", f"for={CLIENT}")], "http", HOST, CLIENT),
        ([("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https")], "https", HOST, CLIENT),
        (
            [("X-Forwarded-For", f"{CLIENT}:4711"), ("X-Forwarded-Host", "Images.Example")],
            "http",
            "images.example",
            CLIENT,
        ),
        ([("X-Forwarded-For", "2001:db8::7")], "http", HOST, "2001:db8::7"),
        ([("X-Forwarded-Host", "images.example:8443")], "http", "images.example:8443", PROXY),
        ([("X-Forwarded-Host", "[2001:DB8::7]:8443")], "http", "[2001:db8::7]:8443", PROXY),
        (
            [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "images.example:443")],
            "https",
            "images.example",
            PROXY,
        ),
        ([("X-Forwarded-Host", "images.example"), ("X-Forwarded-Port", "8443")], "http", "images.example:8443", PROXY),
        ([("X-Forwarded-Host", "images.example:1"), ("X-Forwarded-Port", "2")], "http", "images.example:1", PROXY),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443")], "https", HOST, PROXY),
    ],
)
def test_a_proxy_of_ours_is_believed(said: Said, scheme: str, host: str, client: str) -> None:
    assert seen(*said) == Seen(scheme, host, "", client)


def test_a_port_goes_with_a_host_that_came_without() -> None:
    said = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443")]
    assert seen(*said, host="images.example").root == "https://images.example:8443"
    assert seen(("X-Forwarded-Port", "80"), host="images.example").root == "http://images.example"


@pytest.mark.parametrize("peer", [CLIENT, "127.0.0.1", "", "10.0.0.11"])
def test_nobody_else_is(peer: str) -> None:
    forwarded = ("Forwarded", "for=192.0.2.1;proto=https;host=evil.example")
    ways = (("For", PROXY), ("Proto", "https"), ("Host", "evil.example"), ("Port", "1"), ("Prefix", "/evil"))
    said = [forwarded, *((f"X-Forwarded-{name}", value) for name, value in ways), ("X-Real-IP", "192.0.2.1")]
    for header in ("", "Forwarded", "X-Real-IP"):
        assert seen(*said, peer=peer, header=header) == Seen("http", HOST, "", peer)


@pytest.mark.parametrize(
    ("way", "client"),
    [
        ([CLIENT, INNER], CLIENT),
        (["192.0.2.1", CLIENT, INNER], CLIENT),
        ([PROXY, CLIENT], CLIENT),
        ([CLIENT, "unknown", INNER], INNER),
        ([CLIENT, "_hidden"], PROXY),
        ([CLIENT, "nonsense", INNER], INNER),
        ([CLIENT, "", INNER], INNER),
        ([INNER, PROXY], INNER),
        ([CLIENT, "2001:db8:0::1"], CLIENT),
    ],
)
def test_of_several_the_last_that_is_none_of_ours_is_the_client(way: list[str], client: str) -> None:
    quoted = ", ".join(f'for="[{one}]"' if ":" in one else f"for={one or '_'}" for one in way)
    assert seen(("X-Forwarded-For", ", ".join(way))).address == client
    assert seen(("Forwarded", quoted)).address == client
    assert seen(("X-Real-IP", ",".join(way)), header="X-Real-IP").address == client


def test_the_outermost_of_our_proxies_tells_scheme_and_host() -> None:
    elements = "for=1.1.1.1;host=evil.example, for=203.0.113.7;host=outer.example;proto=https, for=10.0.0.2;host=inner"
    assert seen(("Forwarded", elements)) == Seen("https", "outer.example", "", CLIENT)
    assert seen(("Forwarded", elements.replace("host=outer.example;", ""))).host == "inner"
    ways = [("X-Forwarded-For", f"1.1.1.1, {CLIENT}, {INNER}"), ("X-Forwarded-Proto", "http, https, http")]
    assert seen(*ways, ("X-Forwarded-Host", "evil.example, outer.example, inner")) == Seen(
        "https", "outer.example", "", CLIENT
    )
    assert seen(*ways, ("X-Forwarded-Host", "evil.example, rewritten")).host == "rewritten"


def test_what_a_client_sent_along_does_not_count_beside_what_the_proxy_wrote() -> None:
    theirs = ("Forwarded", "for=192.0.2.1;host=evil.example;proto=https")
    assert seen(theirs, ("X-Forwarded-For", CLIENT), header="X-Forwarded-For") == Seen("http", HOST, "", CLIENT)
    ours = [("Forwarded", f"for={CLIENT}"), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Host", "evil.example")]
    assert seen(*ours, header="Forwarded") == Seen("http", HOST, "", CLIENT)
    named = [("CF-Connecting-IP", CLIENT), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")]
    assert seen(*named, header="cf-connecting-ip") == Seen("https", HOST, "", CLIENT)
    assert seen(("X-Forwarded-For", "192.0.2.1"), header="CF-Connecting-IP").address == PROXY


def test_an_address_counts_only_where_it_is_said_which_header_tells_it() -> None:
    """Many proxies tell the scheme, and hand on whatever a client says of its address."""
    for told_by in (("X-Forwarded-For", CLIENT), ("Forwarded", f"for={CLIENT}")):
        assert seen(told_by, header="").address == PROXY
    assert seen(("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https"), header="") == Seen(
        "https", HOST, "", PROXY
    )


@pytest.mark.parametrize("own", ['for=a"b', 'for="a, b"', 'x="'])
def test_behind_what_cannot_be_read_nothing_is(own: str) -> None:
    assert seen(("Forwarded", f'for={CLIENT};x=", {own}')) == NOTHING


@pytest.mark.parametrize("open_quote", ['for="', 'for=a;host="', 'x="\\', '"', ";;=", 'for="a', 'for=1.1.1.1;x="'])
def test_a_quote_left_open_hides_nothing_that_follows(open_quote: str) -> None:
    for own in (f"for={CLIENT};proto=https", f'for="{CLIENT}:1";proto="https"'):
        assert seen(("Forwarded", f"{open_quote}, {own}")) == Seen("https", HOST, "", CLIENT)
        assert seen(("Forwarded", open_quote), ("Forwarded", own)) == Seen("https", HOST, "", CLIENT)


@pytest.mark.parametrize(
    "said",
    [
        ("Forwarded", "for=203.0.113.7 host=x"),
        ("Forwarded", 'for="203.0.113.7'),
        ("Forwarded", "for=2001:db8"),
        ("Forwarded", "proto=gopher;host=a/b"),
        ("Forwarded", 'host="a b";for="[203.0.113.7"'),
        ("X-Forwarded-For", "203.0.113.7.1, <script>"),
        ("X-Forwarded-For", "fe80::1%<script>"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Host", "user@evil.example"),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", "evil.example:x"),
        ("X-Forwarded-Host", "a" * 300),
        ("X-Forwarded-Port", "-1"),
        ("X-Forwarded-Prefix", "//evil.example"),
        ("Forwarded", ""),
        ("X-Forwarded-For", ""),
    ],
)
def test_what_is_malformed_says_nothing(said: tuple[str, str]) -> None:
    assert seen(said) == NOTHING


TEXT = st.text(st.sampled_from('for=";,\\ 12.[]:_host proto%\t/é'), max_size=80) | st.text(max_size=40)
NAMES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP")


@given(st.lists(st.tuples(st.sampled_from(NAMES), TEXT), max_size=6), st.sampled_from(["", "Forwarded", "X-Real-IP"]))
def test_whatever_is_said_there_is_an_answer_that_is_safe_to_show(said: Said, header: str) -> None:
    found = seen(*said, header=header)
    assert found.scheme in ("http", "https")
    assert set(found.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-[]:")
    assert found.address == address(found.address) != ""


def test_long_headers_are_read_from_their_end_and_at_once() -> None:
    started = time.process_time()
    for filling in ('a="', ", ", ";", 'a=",', "; ", "for=10.0.0.2,", '\\"', "10.0.0.2,"):
        for name, own in (("Forwarded", f"for={CLIENT}"), ("X-Forwarded-For", CLIENT)):
            assert seen((name, f"{filling * 20_000}, {own}")).address == CLIENT
            seen((name, filling * 20_000))
    assert time.process_time() - started < 1


def test_a_host_that_is_none_is_no_address() -> None:
    assert seen(host="a b").root == seen(host="").root == ""
    assert seen(("X-Forwarded-Host", "a b"), host="Box.Example").root == "http://box.example"


def test_over_https_its_own_port_goes_without_saying() -> None:
    assert seen(host="box.example:443", scheme="https", peer=CLIENT).root == "https://box.example"
