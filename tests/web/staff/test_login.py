"""Logging in at the clinic door, over real HTTP: who is let in, how far, how long, and what no other page can do."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientError, ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from appliance.access.scope import Scope
from appliance.access.staff import StaffBook
from appliance.box import Box
from appliance.storage.rows import AuditRow, Person
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.support.waiting import wait_for
from tests.web.conftest import stand_still
from tests.web.staff.conftest import BROWSER, PASSWORD, Door, configured
from web.app import clinic_app
from web.rendering import Renderer
from web.staff.entrance import SESSIONS
from web.staff.login import NAMES, TRIES

STUDIES = "/dicom-web/studies"
CT = PYDICOM / "test_files" / "CT_small.dcm"


def ours(door: Door) -> dict[str, str]:
    return {"Origin": str(door.make_url("")).rstrip("/")}


async def log_in(door: Door, name: str = "Anna Berg", password: str = PASSWORD, **fields: str) -> ClientResponse:
    form = {"name": name, "password": password, **fields}
    return await door.post("/login", data=form, headers=ours(door), allow_redirects=False)


async def test_a_browser_without_a_session_is_asked_to_log_in_where_it_stands(lan: Door) -> None:
    answer = await lan.get("/dicom-web/studies?limit=5&PatientName=X", headers=BROWSER)
    page = await answer.text()
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pacsbox"'
    assert answer.content_type == "text/html"
    assert 'value="/dicom-web/studies?limit=5&amp;PatientName=X"' in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script" not in page
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/dicom+json"},
        {"Accept": "*/*"},
        BROWSER | {"Authorization": "Bearer nonsense"},
        BROWSER | {"Sec-Fetch-Mode": "cors"},
    ],
)
async def test_a_program_without_a_token_gets_a_sentence_and_the_challenge(lan: Door, headers: dict[str, str]) -> None:
    answer = await lan.get(STUDIES, headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="pacsbox"')
    assert answer.content_type == "text/plain"


async def test_name_and_password_open_what_was_asked_for(lan: Door, anna: Person) -> None:
    answer = await log_in(lan, next="/dicom-web/studies?limit=5")
    assert answer.status == 303
    assert answer.headers["Location"] == "/dicom-web/studies?limit=5"
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"staff=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict", cookie)
    assert (await lan.get(STUDIES)).status == 200


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "javascript:x",
        "",
        "/a\r\nSet-Cookie: x=y",
        "evil.example",
        "/%0d\x7f",
    ],
)
async def test_one_goes_on_to_this_door_and_nowhere_else(lan: Door, anna: Person, onward: str) -> None:
    answer = await log_in(lan, next=onward)
    assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("name", "password"), [("Anna Berg", "wrong"), ("Nobody", PASSWORD), ("", ""), ("x" * 600, "y")]
)
async def test_whoever_is_wrong_is_told_the_same_and_gets_no_cookie(
    lan: Door, anna: Person, name: str, password: str
) -> None:
    answer = await log_in(lan, name, password, next="/ohif/")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    page = await answer.text()
    assert "The name or the password is not right." in page
    assert 'value="/ohif/"' in page
    assert (await lan.get(STUDIES)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_no_other_page_logs_anyone_in_or_out(lan: Door, anna: Person, headers: dict[str, str]) -> None:
    refused = await lan.post("/login", data={"name": "Anna Berg", "password": PASSWORD}, headers=headers)
    assert refused.status == 403
    await log_in(lan)
    assert (await lan.post("/logout", headers=headers)).status == 403
    assert (await lan.get(STUDIES)).status == 200


async def test_storing_with_a_session_needs_a_page_of_ours_and_the_right(lan: Door, anna: Person, box: Box) -> None:
    await log_in(lan)
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}
    for foreign in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        assert (await lan.post(STUDIES, data=b"--x--", headers=kind | foreign)).status in (401, 403)
    answer = await lan.post(STUDIES, data=b"--x--", headers=kind | ours(lan))
    assert (answer.status, await answer.text()) == (403, "This access does not include: store.\n")
    box.staff.allow("Anna Berg", ["query", "store"])
    assert (await lan.post(STUDIES, data=b"--x--", headers=kind | ours(lan))).status == 400
    refused = await lan.get(f"{STUDIES}/1.2/metadata")
    assert (refused.status, await refused.text()) == (403, "This access does not include: retrieve.\n")


@pytest.mark.parametrize("deed", ["disable", "remove"])
async def test_who_is_shut_out_is_out_at_the_next_request(lan: Door, anna: Person, box: Box, deed: str) -> None:
    await log_in(lan)
    assert (await lan.get(STUDIES)).status == 200
    getattr(box.staff, deed)("Anna Berg")
    assert (await lan.get(STUDIES)).status == 401
    assert (await log_in(lan)).status == 401


async def test_a_new_password_ends_the_session(lan: Door, anna: Person, box: Box) -> None:
    await log_in(lan)
    box.staff.set_password("Anna Berg", "another long one")
    assert (await lan.get(STUDIES)).status == 401
    assert (await log_in(lan, password="another long one")).status == 303
    assert (await lan.get(STUDIES)).status == 200


async def test_logging_out_ends_it_also_for_who_kept_the_cookie(lan: Door, anna: Person) -> None:
    await log_in(lan)
    kept = {cookie.key: cookie.value for cookie in lan.session.cookie_jar}
    answer = await lan.post("/logout", headers=ours(lan), allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert not [cookie for cookie in lan.session.cookie_jar if cookie.value]
    assert (await lan.get(STUDIES, cookies=kept)).status == 401


async def test_logging_in_again_ends_the_session_before(lan: Door, anna: Person) -> None:
    await log_in(lan)
    (before,) = (cookie.value for cookie in lan.session.cookie_jar)
    await log_in(lan)
    sessions = lan.server.app[SESSIONS]
    assert not sessions.is_open(before)
    assert len(sessions._open) == 1


async def test_the_cookie_counts_for_no_page_beside_ours(lan: Door, anna: Person) -> None:
    await log_in(lan)
    for site in ("cross-site", "same-site"):
        image = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert (await lan.get(STUDIES, headers=image)).status == 401
        followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert (await lan.get(STUDIES, headers=followed)).status == 200


async def test_a_link_that_was_followed_from_elsewhere_offers_to_go_on(lan: Door) -> None:
    followed = BROWSER | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = await (await lan.get("/dicom-web/studies?limit=5", headers=followed)).text()
    assert '<a href="/dicom-web/studies?limit=5">Go on</a>' in page


async def test_guessing_at_a_name_gets_slow_and_others_are_not_hindered(lan: Door, anna: Person, box: Box) -> None:
    box.staff.add("Carl", PASSWORD)
    stand_still(lan.server.app[TRIES], lan.server.app[NAMES])
    answers = [await log_in(lan, password=f"guess {number}") for number in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert (await log_in(lan, "ANNA  berg")).status == 429
    assert (await log_in(lan, "Carl")).status == 303


async def test_guessing_from_an_address_gets_slow_whatever_the_name(lan: Door, anna: Person) -> None:
    lan.server.app[TRIES]._burst = 3
    stand_still(lan.server.app[TRIES])
    answers = [await log_in(lan, f"name {number}", "x") for number in range(4)]
    assert [answer.status for answer in answers] == [401] * 3 + [429]
    assert (await log_in(lan)).status == 429


async def test_who_is_right_may_come_as_often_as_they_like(lan: Door, anna: Person) -> None:
    lan.server.app[TRIES]._burst = lan.server.app[NAMES]._burst = 2
    assert {(await log_in(lan)).status for _ in range(5)} == {303}


async def test_by_https_the_cookie_is_bound_to_it(lan: Door, anna: Person) -> None:
    for told in ({"X-Forwarded-Proto": "https"}, {"Forwarded": 'for=192.0.2.1;proto="https";by=x'}):
        form = {"name": "Anna Berg", "password": PASSWORD}
        answer = await lan.post("/login", data=form, headers=ours(lan) | told, allow_redirects=False)
        assert answer.headers["Set-Cookie"].startswith("__Host-staff=")
        assert answer.headers["Set-Cookie"].endswith("; HttpOnly; Path=/; SameSite=Strict; Secure")
        value = answer.cookies["__Host-staff"].value
        assert (await lan.get(STUDIES, cookies={"__Host-staff": value}, headers=told)).status == 200
        assert (await lan.get(STUDIES, cookies={"staff": value}, headers=told)).status == 401
        assert (await lan.get(STUDIES, cookies={"__Host-staff": value})).status == 401


async def test_only_a_proxy_of_ours_is_believed_about_https(box: Box, anna: Person, renderer: Renderer) -> None:
    there = Box(configured(box.config, web_trusted_proxies="192.0.2.1"))
    async with TestClient(TestServer(clinic_app(there, renderer))) as door:
        form = {"name": "Anna Berg", "password": PASSWORD}
        told = ours(door) | {"X-Forwarded-Proto": "https"}
        answer = await door.post("/login", data=form, headers=told, allow_redirects=False)
        assert answer.headers["Set-Cookie"].startswith("staff=")
    there.close()


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"X-Forwarded-Host": "pacs.example"}, 303),
        ({"Forwarded": "for=192.0.2.7;host=PACS.example:80"}, 303),
        ({"X-Forwarded-Host": "other.example"}, 403),
        ({"X-Forwarded-Host": "pacs.example:81"}, 403),
        ({"X-Forwarded-Host": "evil@pacs.example"}, 403),
        ({}, 403),
    ],
)
async def test_the_page_is_ours_under_the_name_that_our_proxy_has(
    lan: Door, anna: Person, box: Box, renderer: Renderer, told: dict[str, str], status: int
) -> None:
    form, origin = {"name": "Anna Berg", "password": PASSWORD}, {"Origin": "http://pacs.example"}
    assert (await lan.post("/login", data=form, headers=origin | told, allow_redirects=False)).status == status
    there = Box(configured(box.config, web_trusted_proxies="192.0.2.1"))
    async with TestClient(TestServer(clinic_app(there, renderer))) as door:
        assert (await door.post("/login", data=form, headers=origin | told, allow_redirects=False)).status == 403
    there.close()


async def test_a_page_of_nowhere_is_not_ours_though_the_host_is_none(lan: Door, anna: Person) -> None:
    form = {"name": "Anna Berg", "password": PASSWORD}
    for host in ("", "a b"):
        answer = await lan.post("/login", data=form, headers={"Host": host, "Origin": "null"}, allow_redirects=False)
        assert answer.status == 403


async def test_a_download_is_cut_when_whoever_asked_is_shut_out_meanwhile(
    lan: Door, anna: Person, box: Box, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill([CT])
    (study,) = box.storage.studies.study_uids()
    await log_in(lan)
    monkeypatch.setattr("web.shipping._ASK_AGAIN", 1)
    scope, asked = StaffBook.scope, []

    def shut_out_once_it_runs(book: StaffBook, person_id: int, epoch: int) -> Scope:
        if asked:
            box.staff.disable("Anna Berg")
        asked.append(epoch)
        return scope(book, person_id, epoch)

    monkeypatch.setattr(StaffBook, "scope", shut_out_once_it_runs)
    answer = await lan.get(f"{STUDIES}/{study}")
    assert answer.status == 200
    with pytest.raises(ClientError):
        await answer.read()
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 415),
        ("multipart/form-data; boundary=x", b"--x\r\nfoo", 415),
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded; charset=nonsense", b"name=a", 401),
        ("application/x-www-form-urlencoded", b"name=%ff%00&password=\xff&&=&a", 401),
        ("application/x-www-form-urlencoded", b"name=a&" * 20, 400),
        ("application/x-www-form-urlencoded", b"a" * 20_000, 413),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(lan: Door, kind: str, body: bytes, status: int) -> None:
    answer = await lan.post("/login", data=body, headers=ours(lan) | {"Content-Type": kind})
    assert answer.status == status


async def test_a_path_that_a_proxy_adds_is_kept(lan: Door, anna: Person) -> None:
    proxied = {"X-Forwarded-Prefix": "/pacs"}
    page = await (await lan.get("/login", headers=BROWSER | proxied)).text()
    assert 'action="/pacs/login"' in page
    style = re.search(r'stylesheet" href="/pacs(/staff/style/\w+\.css)"', page)
    assert style
    assert (await lan.get(style[1])).content_type == "text/css"
    form = {"name": "Anna Berg", "password": PASSWORD, "next": "/ohif/"}
    answer = await lan.post("/login", data=form, headers=ours(lan) | proxied, allow_redirects=False)
    assert answer.headers["Location"] == "/pacs/ohif/"


async def test_the_page_warns_where_others_could_listen(lan: Door, box: Box) -> None:
    warning = "This connection is not encrypted."
    assert warning not in await (await lan.get("/login")).text()
    there = Box(configured(box.config, web_address_header="X-Real-IP"))
    async with TestClient(TestServer(clinic_app(there))) as door:
        far = {"X-Real-IP": "192.0.2.7"}
        assert warning in await (await door.get("/login", headers=far)).text()
        assert warning not in await (await door.get("/login", headers=far | {"X-Forwarded-Proto": "https"})).text()
    there.close()


async def test_the_audit_names_the_person_for_all_they_do(
    lan: Door, anna: Person, box: Box, fill: Fill, renderer: Renderer
) -> None:
    fill([CT])
    (study,) = box.storage.studies.study_uids()
    await log_in(lan, password="wrong")
    await log_in(lan, "S3cret typed as a name")
    await log_in(lan)
    assert (await lan.get(STUDIES)).status == 200
    assert (await lan.get(f"{STUDIES}/{study}/metadata")).status == 200

    def rows() -> list[AuditRow]:
        return [row for row in box.storage.audit.rows() if row.address]

    wait_for(lambda: len(rows()) == 4, 30, "the audit")
    told = {(row.who, row.action, row.resource, row.study_instance_uid, row.outcome, row.requests) for row in rows()}
    assert told == {
        ("unknown", "log in", "clinic door", "", "401", 2),
        ("staff Anna Berg", "log in", "clinic door", "", "ok", 1),
        ("staff Anna Berg", "query", "studies", "", "ok", 1),
        ("staff Anna Berg", "retrieve", "metadata", study, "ok", 1),
    }


async def test_at_home_a_session_still_says_who_it_is(box: Box, anna: Person, renderer: Renderer) -> None:
    async with TestClient(TestServer(clinic_app(box, renderer))) as home:
        assert (await home.get(STUDIES)).status == 200
        await log_in(home)
        body = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'} | ours(home)
        assert (await home.post(STUDIES, data=b"--x--", headers=body)).status == 403
        assert urlsplit(str(home.make_url("/"))).hostname == "127.0.0.1"
