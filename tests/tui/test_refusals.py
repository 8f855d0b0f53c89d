"""Who was turned away: shown with the reason, let in with one key."""

from __future__ import annotations

import secrets

from appliance.access.refusals import Refusal
from appliance.access.rights import Why
from appliance.discovery.neighbours import Announcement


def note(box, *refusals):
    for refusal in refusals:
        box.refusals.note(refusal)
        book = box.refusals
        book.note(refusal)
        book.flush()


QUERY = Refusal(
    "WARD", "10.0.0.7", "PACSBOX", Why.UNKNOWN, "it is not one of the peers, so it may not query", ("query",)
)
CALLED = Refusal("WARD", "10.0.0.7", "OTHER", Why.CALLED, "it calls us 'OTHER', but we are 'PACSBOX'")
HANDSHAKE = Refusal("", "10.0.0.9", "", Why.HANDSHAKE, "TLS: no shared cipher")


async def test_one_key_lets_a_caller_do_all_that_it_was_refused(opened, box):
    note(box, QUERY, CALLED)
    async with opened() as console:
        await console.press("f4")
        await console.sees("The box knows nobody")
        await console.press("r")
        await console.sees("WARD", "10.0.0.7", "1", "it is not one of the peers")
        await console.sees("it calls us 'OTHER'")
        await console.press("a")
        await console.sees("Nobody was turned away lately.")
        (peer,) = box.peers.all()
        assert (peer.name, peer.host, peer.calls_us) == ("WARD", "10.0.0.7", "OTHER")
        assert peer.rights == ("echo", "store", "query")
        await console.press("escape")
        await console.sees("> WARD", "10.0.0.7:104")
        await console.sees("When it calls, it may echo, store, query.")


async def test_what_cannot_be_cured_is_only_dismissed(opened, box):
    note(box, HANDSHAKE)
    async with opened() as console:
        await console.press("f4", "r")
        await console.sees("(no AE title)", "10.0.0.9", "no shared cipher")
        await console.press("a")
        await console.sees("Letting it in would not help")
        assert not box.peers.all()
        await console.press("d")
        await console.sees("Nobody was turned away lately.")


async def test_new_refusals_appear_by_themselves(opened, box):
    async with opened() as console:
        await console.press("f4", "r")
        await console.sees("Nobody was turned away lately.")
        note(box, QUERY)
        await console.sees("WARD", "10.0.0.7", seconds=20)


async def test_a_peer_gets_the_rights_that_the_form_says(opened, box):
    async with opened() as console:
        await console.press("f4", "a")
        await console.sees("Add a peer")
        await console.sees("May", "everything")
        await console.press("down", "down", "down", "down")
        await console.press(*["backspace"] * len("everything"))
        await console.type("store, fly")
        await console.press("enter")
        await console.sees("'fly' is none of these")
        await console.press(*["backspace"] * len(", fly"))
        await console.press("up", "up", "up", "up")
        await console.fill_in("CT1", "CT1", "10.0.0.8", "104")
        await console.sees("> CT1", "10.0.0.8:104")
        assert box.peers.get("CT1").rights == ("store",)


async def test_what_announces_itself_only_fills_in_the_form(opened, box):
    title = f"CT{secrets.token_hex(4).upper()}"
    announcement = Announcement(title, "127.0.0.1", [(2762, True)])
    announcement.start()
    try:
        async with opened() as console:
            await console.press("f4", "a", "f8")
            await console.sees("Devices that announce themselves", seconds=20)
            await console.sees(f"> {title}", "127.0.0.1:2762", "TLS", seconds=30)
            await console.press("enter")
            await console.sees("Add a peer, called by TLS")
            assert not box.peers.all()
            await console.press("enter")
            await console.sees(f"> {title}", "127.0.0.1:2762", seconds=20)
            assert box.peers.get(title).tls
    finally:
        announcement.stop()
