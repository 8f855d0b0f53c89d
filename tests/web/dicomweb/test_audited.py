"""Every read and write of DICOMweb is a row of the audit, refusals too."""

from __future__ import annotations

import socket
from io import BytesIO
from urllib.parse import urlsplit

import pydicom
import pytest
import requests

from appliance.access.scope import Permission
from appliance.box import Box
from appliance.storage.rows import AuditRow
from tests.support.clinic import ROOT, filled, named, opened
from tests.support.files import brainix, knee
from tests.support.indexing import indexing, stock
from tests.support.waiting import wait_for
from web.dicomweb.routes import ROUTES

STOW = 'multipart/related; type="application/dicom"; boundary=x'


def rows(box: Box) -> list[AuditRow]:
    return box.storage.audit.rows(limit=1000)


def parts(*files: bytes) -> bytes:
    return b"".join(b"--x\r\n\r\n" + file + b"\r\n" for file in files)


def test_every_route_is_noted_with_what_how_many_and_of_which_study(box: Box) -> None:
    stock(box, *brainix()[:3])
    instance = box.storage.studies.instances(next(box.storage.studies.study_uids()))[0]
    uids = (instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    with opened(box) as doors:
        for path, permission, _ in ROUTES:
            with requests.get(doors.clinic + ROOT + filled(path, *uids), timeout=20) as answer:
                assert answer.ok, path
            assert permission in (Permission.QUERY, Permission.RETRIEVE)
    noted = rows(box)
    assert {row.who for row in noted} == {"this machine"}
    assert {row.address for row in noted} == {"127.0.0.1"}
    assert sum(row.requests for row in noted) == len(ROUTES)
    named = {(row.action, row.resource) for row in noted if row.study_instance_uid == uids[0]}
    assert named >= {("query", "series"), ("retrieve", "metadata"), ("retrieve", "files"), ("retrieve", "frames")}
    assert sum(row.items for row in noted if row.resource == "files") == 3 + 3 + 1


def test_storing_is_noted_with_how_many(box: Box) -> None:
    indexer = box.indexer()
    with opened(box) as doors:
        headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
        url = f"{doors.clinic}{ROOT}/studies"
        answer = requests.post(url, data=brainix()[0].read_bytes(), headers=headers, timeout=30)
        assert answer.status_code == 202  # no indexer runs
        assert requests.post(url, data=b"nothing", headers=headers, timeout=30).status_code == 409
    indexer.drain_batch()
    stored, refused = sorted(rows(box), key=lambda row: row.outcome, reverse=True)
    assert (stored.action, stored.items, stored.outcome) == ("store", 1, "ok")
    assert stored.study_instance_uid == next(box.storage.studies.study_uids())
    assert (refused.items, refused.outcome) == (0, "409")


def test_storing_of_several_studies_is_noted_for_each(box: Box) -> None:
    files = [path.read_bytes() for path in (*brainix()[:2], *knee()[:3])]
    body = parts(*files) + b"--x--"
    with indexing(box), opened(box) as doors:
        answer = requests.post(f"{doors.clinic}{ROOT}/studies", data=body, headers={"Content-Type": STOW}, timeout=30)
        assert answer.status_code == 200
    noted = {row.study_instance_uid: (row.action, row.items, row.outcome) for row in rows(box)}
    assert noted == {named(box, "BRAINIX"): ("store", 2, "ok"), named(box, "KNEE"): ("store", 3, "ok")}


def test_who_leaves_midway_is_noted_with_what_was_whole_of_each_study(box: Box) -> None:
    whole = [path.read_bytes() for path in (*brainix()[:2], *knee()[:1])]
    body = parts(*whole) + b"--x\r\n\r\n" + brainix()[2].read_bytes()[:-1000]
    head = f"POST {ROOT}/studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nContent-Type: {STOW}\r\n"
    with indexing(box), opened(box) as doors:
        place = urlsplit(doors.clinic)
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(f"{head}\r\n".encode() + body)
            wait_for(lambda: box.storage.studies.count() == (2, 3), what="what is whole")
    noted = sorted((row.study_instance_uid, row.action, row.items, row.outcome) for row in rows(box))
    assert noted == sorted([(named(box, "BRAINIX"), "store", 2, "ok"), (named(box, "KNEE"), "store", 1, "ok")])


def test_a_body_that_ends_too_soon_is_a_refusal_beside_what_was_stored(box: Box) -> None:
    body = parts(brainix()[0].read_bytes(), brainix()[1].read_bytes()) + b"--x\r\n\r\n" + brainix()[2].read_bytes()
    with indexing(box), opened(box) as doors:
        answer = requests.post(f"{doors.clinic}{ROOT}/studies", data=body, headers={"Content-Type": STOW}, timeout=30)
        assert answer.status_code == 400
        wait_for(lambda: box.storage.studies.count() == (1, 2), what="what is whole")
    noted = {(row.study_instance_uid, row.items, row.outcome) for row in rows(box)}
    assert noted == {(named(box, "BRAINIX"), 2, "ok"), ("", 0, "400")}


def test_what_the_indexer_does_not_take_is_not_noted_as_stored(box: Box) -> None:
    dataset = pydicom.dcmread(brainix()[0])
    dataset.PatientID = "SOMEBODY ELSE"
    other = BytesIO()
    dataset.save_as(other)
    stock(box, brainix()[0])
    body = parts(other.getvalue(), brainix()[1].read_bytes()) + b"--x--"
    with indexing(box), opened(box) as doors:
        answer = requests.post(f"{doors.clinic}{ROOT}/studies", data=body, headers={"Content-Type": STOW}, timeout=30)
        assert answer.status_code == 202
    assert [(row.items, row.outcome) for row in rows(box)] == [(1, "ok")]


@pytest.mark.parametrize(("token", "who", "outcome"), [("nonsense", "unknown", "401"), ("", "token A", "403")])
def test_who_is_refused_is_noted_too(box: Box, token: str, who: str, outcome: str) -> None:
    text = token or box.tokens.create("A", ["store"]).text
    with opened(box) as doors:
        headers = {"Authorization": f"Bearer {text}"}
        assert requests.get(f"{doors.clinic}{ROOT}/studies", headers=headers, timeout=20).status_code == int(outcome)
    (row,) = (each for each in rows(box) if each.who != "staff")
    assert (row.who, row.outcome, row.items) == (who, outcome, 0)


@pytest.mark.parametrize("trusted", [("127.0.0.1", "10.0.0.2"), ("192.0.2.1",)])
def test_the_address_is_the_client_s_where_our_proxies_tell_it(box: Box, trusted: tuple[str, ...]) -> None:
    headers = {"Authorization": f"Bearer {box.tokens.create('A', ['query']).text}"}
    headers |= {"X-Forwarded-For": "1.1.1.1, 192.0.2.7, 10.0.0.2", "Forwarded": 'for="[2001:db8::7]:1", for=10.0.0.2'}
    for header in ("X-Forwarded-For", "Forwarded", ""):
        options = box.config.web.model_copy(update={"trusted_proxies": trusted, "address_header": header})
        box.config = box.config.model_copy(update={"web": options})
        with opened(box) as doors:
            requests.get(f"{doors.clinic}{ROOT}/studies", headers=headers, timeout=20)
    told = ["192.0.2.7", "2001:db8::7", "127.0.0.1"] if "127.0.0.1" in trusted else ["127.0.0.1"] * 3
    assert sorted(row.address for row in rows(box) if row.action == "query") == sorted(told)


def test_a_search_for_one_study_is_noted_as_of_that_study(box: Box) -> None:
    with opened(box) as doors:
        requests.get(f"{doors.clinic}{ROOT}/studies?StudyInstanceUID=1.2.3", timeout=20)
        requests.get(f"{doors.clinic}{ROOT}/studies?StudyInstanceUID=1.2.3,1.2.4", timeout=20)
    assert {row.study_instance_uid for row in rows(box)} == {"1.2.3", ""}
