"""The link: what opens it, what does not, and what each refusal tells."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from appliance import events
from appliance.box import Box
from tests.conftest import Fill
from tests.web.conftest import stand_still
from tests.web.portal.conftest import CT, Client, Enter, Link, Names, Shared
from web.guards import LIMITER

PATIENT = "CompressedSamples"
"""The family name in the CT."""


async def test_get_and_head_show_a_page_and_change_nothing(client: Client, link: Link, box: Box) -> None:
    before = box.storage.shares.get(link.id)
    for method in ("GET", "HEAD"):
        async with client.request(method, link.path, params={"pin": link.pin}) as answer:
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers
    assert box.storage.shares.get(link.id) == before
    assert box.sharing.openings(link.id) == []


async def test_before_the_pin_nothing_tells_whose_study_it_is(client: Client, link: Link) -> None:
    page = await (await client.get(link.path)).text()
    assert "Please type the PIN" in page
    for private in (PATIENT, "CT", "2004", "1CT1", "e+1"):
        assert private not in page


async def test_the_pin_opens_the_images(client: Client, link: Link, box: Box) -> None:
    async with client.post(link.path, data={"pin": link.pin}) as answer:
        assert answer.status == 200
        page = await answer.text()
    assert PATIENT in page
    assert "19 January 2004" in page
    assert "1 image" in page
    assert [one.what for one in box.sharing.openings(link.id)] == ["opened"]


async def test_a_pin_typed_with_spaces_is_the_same_pin(client: Client, link: Link) -> None:
    async with client.post(link.path, data={"pin": f" {link.pin[:3]} {link.pin[3:]} "}) as answer:
        assert PATIENT in await answer.text()


async def test_a_wrong_pin_says_how_often_one_may_still_try(client: Client, link: Link, box: Box) -> None:
    async with client.post(link.path, data={"pin": link.wrong_pin}) as answer:
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers
        page = await answer.text()
    assert "You can try 9 more times." in page
    assert link.wrong_pin not in page
    assert [one.what for one in box.sharing.openings(link.id)] == ["wrong pin"]


async def test_twenty_wrong_pins_at_once_use_up_ten_attempts_and_lock(client: Client, link: Link, box: Box) -> None:
    async def attempt() -> int:
        async with client.post(link.path, data={"pin": link.wrong_pin}) as answer:
            return answer.status

    stand_still(client.server.app[LIMITER])
    statuses = await asyncio.gather(*(attempt() for _ in range(20)))
    assert sorted(statuses) == [401] * 9 + [423] * 11
    assert box.sharing.get(link.id).failed_attempts == 10
    async with client.post(link.path, data={"pin": link.pin}) as answer:
        assert answer.status == 429, "beyond the twenty of a minute, the address has to wait"


async def test_a_locked_link_stays_locked_for_the_right_pin_until_it_is_rearmed(
    client: Client, link: Link, box: Box
) -> None:
    for _ in range(10):
        await client.post(link.path, data={"pin": link.wrong_pin})
    async with client.post(link.path, data={"pin": link.pin}) as answer:
        assert answer.status == 423
    async with client.get(link.path) as answer:
        assert answer.status == 423
        assert "This link is locked" in await answer.text()
    pin = box.sharing.rearm(link.id)
    async with client.post(link.path, data={"pin": pin}) as answer:
        assert PATIENT in await answer.text()


async def test_a_session_goes_on_while_strangers_lock_the_link(client: Client, link: Link, enter: Enter) -> None:
    await enter(client, link)
    for _ in range(10):
        await client.post(link.path, data={"pin": link.wrong_pin})
    async with client.get(link.path) as answer:
        assert answer.status == 200
        assert PATIENT in await answer.text()


async def test_a_new_pin_ends_the_sessions_of_the_old_one(client: Client, link: Link, enter: Enter, box: Box) -> None:
    await enter(client, link)
    box.sharing.rearm(link.id)
    async with client.get(link.path) as answer:
        assert "Please type the PIN" in await answer.text()
    async with client.get(f"{link.path}/images.zip") as answer:
        assert answer.status == 401


@pytest.mark.parametrize("what", ["page", "picture", "thumbnail", "about", "zip"])
async def test_revoking_ends_an_open_visit_at_once(
    client: Client, link: Link, enter: Enter, box: Box, names: Names, what: str
) -> None:
    item = f"{link.path}/i/{names(link)[0]}"
    paths = {
        "page": link.path,
        "picture": f"{item}/1.jpg",
        "thumbnail": f"{item}/small.jpg",
        "about": f"{item}/about.json",
        "zip": f"{link.path}/images.zip",
    }
    await enter(client, link)
    async with client.get(paths[what]) as answer:
        assert answer.status == 200
    box.sharing.revoke(link.id)
    async with client.get(paths[what]) as answer:
        assert answer.status == 410
        page = await answer.text()
    assert "switched off" in page
    assert PATIENT not in page


async def test_an_expired_link_tells_so_even_in_an_open_visit(
    client: Client, link: Link, enter: Enter, box: Box
) -> None:
    await enter(client, link)
    past = events.stamp(datetime.now(UTC) - timedelta(seconds=1))
    with box.storage.transaction():
        box.storage._db.conn.execute("UPDATE share SET expires = ?", (past,))  # type: ignore[attr-defined]
    for method in ("GET", "POST"):
        async with client.request(method, link.path, data={"pin": link.pin} if method == "POST" else None) as answer:
            assert answer.status == 410
            assert "has run out" in await answer.text()


async def test_a_link_to_a_deleted_study_says_that_the_images_are_gone(client: Client, link: Link, box: Box) -> None:
    with box.storage.transaction():
        box.storage.studies.remove_study(link.new.share.study_instance_uid)
    async with client.get(link.path) as answer:
        assert answer.status == 410
        assert "not here any more" in await answer.text()


async def test_an_unknown_link_and_a_malformed_one_are_not_found(client: Client) -> None:
    for code in ("A" * 22, "short", "x" * 23, "..%2f..%2fetc", "%00" * 8, "A" * 21 + "é"):
        async with client.get(f"/s/{code}") as answer:
            assert answer.status == 404
            assert "This link does not lead anywhere" in await answer.text()


async def test_a_link_without_pin_opens_by_a_press_and_not_by_looking(
    client: Client, fill: Fill, shared: Shared, box: Box
) -> None:
    fill([CT])
    study = box.storage.studies.search("", 1)[0]
    with box.storage.transaction():
        expires = events.stamp(datetime.now(UTC) + timedelta(days=1))
        box.storage.shares.add(study.study_instance_uid, _hash_of("N" * 22), "", expires)
    page = await (await client.get("/s/" + "N" * 22)).text()
    assert "Show my images" in page
    assert "<input" not in page
    assert PATIENT not in page
    async with client.post("/s/" + "N" * 22) as answer:
        assert PATIENT in await answer.text()


async def test_closing_the_images_takes_the_session_back(client: Client, link: Link, enter: Enter) -> None:
    await enter(client, link)
    kept = client.session.cookie_jar.filter_cookies(client.make_url(link.path))["share"].value
    async with client.post(f"{link.path}/leave") as answer:
        assert "Please type the PIN" in await answer.text()
    for cookies in ({}, {"share": kept}):
        async with client.get(f"{link.path}/images.zip", cookies=cookies) as answer:
            assert answer.status == 401


async def test_a_slash_at_the_end_leads_to_the_link(client: Client, link: Link) -> None:
    async with client.get(f"{link.path}/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (308, link.path)


@pytest.mark.parametrize(("trusted", "root"), [(("127.0.0.1",), "/clinic"), ((), "")])
async def test_a_path_that_a_proxy_adds_goes_before_every_address_if_the_proxy_is_ours(
    client: Client, link: Link, box: Box, trusted: tuple[str, ...], root: str
) -> None:
    options = box.config.web.model_copy(update={"trusted_proxies": trusted})
    box.config = box.config.model_copy(update={"web": options})
    told, pages = {"X-Forwarded-Prefix": "/clinic"}, []
    for pin in (link.wrong_pin, link.pin):
        async with client.post(link.path, data={"pin": pin}, headers=told, allow_redirects=False) as answer:
            pages.append(await answer.text())
    assert answer.headers["Location"] == root + link.path
    assert f"Path={root}{link.path};" in answer.headers["Set-Cookie"] + ";"
    cookies = {"share": answer.cookies["share"].value}
    for path in (link.path, "/", "/nothing", f"{link.path}/i/0/film"):
        async with client.get(path, headers=told, cookies=cookies) as answer:
            pages.append(await answer.text())
    found = [re.findall(r'(?:src|href|action)="([^"]+)"', page) for page in (pages[0], *pages[2:])]
    assert all(found)
    assert {address.startswith("/clinic/") for addresses in found for address in addresses} == {bool(root)}
    assert f'"path": "{root}{link.path}"' in pages[2]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 200),
        ({"Origin": "http://127.0.0.1:0"}, 200),
        ({}, 200),
    ],
)
async def test_a_form_from_another_site_is_refused_before_the_pin_is_looked_at(
    client: Client, link: Link, box: Box, headers: dict[str, str], status: int
) -> None:
    async with client.post(link.path, data={"pin": link.pin}, headers=headers) as answer:
        assert answer.status == status
    assert bool(box.sharing.openings(link.id)) is (status == 200)


@pytest.mark.parametrize(
    ("options", "said", "taken"),
    [
        ({}, "203.0.113.7", "127.0.0.1"),
        ({"address_header": "CF-Connecting-IP"}, "203.0.113.7", "203.0.113.7"),
        ({"address_header": "CF-Connecting-IP"}, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ({"address_header": "CF-Connecting-IP"}, "<script>", "127.0.0.1"),
        ({"address_header": "X-Real-IP"}, "203.0.113.7", "127.0.0.1"),
        ({"address_header": "CF-Connecting-IP", "trusted_proxies": ()}, "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_the_address_of_the_tunnel_counts_only_from_the_tunnel_and_in_its_header(
    client: Client, link: Link, box: Box, options: dict[str, object], said: str, taken: str
) -> None:
    box.config = box.config.model_copy(update={"web": box.config.web.model_copy(update=options)})
    await client.post(link.path, data={"pin": link.pin}, headers={"CF-Connecting-IP": said})
    assert [one.address for one in box.sharing.openings(link.id)] == [taken]


@pytest.mark.parametrize(("trusted", "status"), [(("127.0.0.1",), 200), ((), 403)])
async def test_a_form_is_ours_under_the_name_that_our_proxy_has(
    client: Client, link: Link, box: Box, trusted: tuple[str, ...], status: int
) -> None:
    options = {"trusted_proxies": trusted, "address_header": "X-Forwarded-For"}
    box.config = box.config.model_copy(update={"web": box.config.web.model_copy(update=options)})
    headers = {"Origin": "https://images.example", "X-Forwarded-Host": "images.example", "X-Forwarded-For": "192.0.2.7"}
    async with client.post(link.path, data={"pin": link.pin}, headers=headers) as answer:
        assert answer.status == status
    assert [one.address for one in box.sharing.openings(link.id)] == ["192.0.2.7"] * (status == 200)


async def test_who_guesses_at_one_link_does_not_keep_others_of_his_address_from_theirs(
    client: Client, fill: Fill, link: Link, shared: Shared
) -> None:
    theirs = shared()
    stand_still(client.server.app[LIMITER])
    for _ in range(21):
        await client.post(link.path, data={"pin": link.wrong_pin})
    async with client.post(link.path, data={"pin": link.pin}) as answer:
        assert answer.status == 429
    async with client.post(theirs.path, data={"pin": theirs.pin}) as answer:
        assert answer.status == 200


async def test_large_forms_and_other_methods_are_refused_with_a_page(client: Client, link: Link) -> None:
    async with client.post(link.path, data={"pin": "1" * 10_000}) as answer:
        assert answer.status == 413
    async with client.put(link.path) as answer:
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}
        assert "text/html" in answer.headers["Content-Type"]


async def test_markup_in_dicom_text_stays_text(client: Client, link: Link, box: Box, enter: Enter) -> None:
    evil = "</script><script>alert(1)</script>"
    with box.storage.transaction():
        conn = box.storage._db.conn  # type: ignore[attr-defined]
        conn.execute("UPDATE study SET patient_name = ?, study_description = ?", (evil, evil))
        conn.execute("UPDATE series SET series_description = ?, modality = ?, body_part_examined = ?", (evil,) * 3)
    await enter(client, link)
    page = await (await client.get(link.path)).text()
    assert evil not in page
    assert page.count("<script") == 2, "ours and the data of the page"
    assert re.search(r"&lt;/script&gt;&lt;script&gt;alert\(1\)", page)


def _hash_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
