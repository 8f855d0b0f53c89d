"""Character sets that clients ask for: text is UTF-8, and who takes others alone is told so (PS3.18 8.3.3.2, 8.8)."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import named
from web.dicomweb.accept import weighted

JSON = "application/dicom+json"
XML = 'multipart/related; type="application/dicom+xml"'
SAID = "Text is told in the character set UTF-8 alone\n"


@pytest.fixture(scope="session")
def mr(stocked: Box) -> Instance:
    return stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]


def url(clinic: str, of: Instance) -> str:
    return f"{clinic}/studies/{of.study_instance_uid}/series/{of.series_instance_uid}/instances/{of.sop_instance_uid}"


def got(target: str, accept: str = JSON, charset: str | None = None) -> tuple[int, str]:
    headers = {"Accept": accept} | ({} if charset is None else {"Accept-Charset": charset})
    answer = requests.get(target, headers=headers, timeout=20)
    return answer.status_code, answer.text if answer.status_code >= 400 else ""


@pytest.mark.parametrize(
    "taken",
    [
        "utf-8",
        "UTF8",
        "*",
        "iso-8859-1, utf-8;q=0.1",
        "iso-8859-1, *;q=0.5",
        '"ISO_IR 192"',
        "*;q=0, UTF-8",
        "",
        ", ;",
    ],
)
def test_who_takes_utf_8_gets_it(clinic: str, mr: Instance, taken: str) -> None:
    for target in (f"{clinic}/studies", f"{url(clinic, mr)}/metadata"):
        assert got(target, charset=taken) == (200, "")


@pytest.mark.parametrize("taken", ["iso-8859-1", "utf-16, us-ascii", "utf-8;q=0", "*, utf-8;q=0.0", "*;q=0"])
@pytest.mark.parametrize("accept", [JSON, XML, "*/*"])
def test_who_does_not_is_told_that_there_is_no_other(clinic: str, mr: Instance, taken: str, accept: str) -> None:
    for target in (f"{clinic}/studies", f"{url(clinic, mr)}/metadata"):
        assert got(target, accept, taken) == (406, SAID)


def test_so_is_who_stores(root: str) -> None:
    headers = {"Accept-Charset": "iso-8859-1", "Content-Type": "application/dicom"}
    answer = requests.post(f"{root}/studies", data=b"", headers=headers, timeout=20)
    assert (answer.status_code, answer.text) == (406, SAID)


def test_the_media_type_counts_first_then_the_query_then_the_header(clinic: str, mr: Instance) -> None:
    target, other = f"{url(clinic, mr)}/metadata", "iso-8859-1"
    assert got(target, f"{JSON}; charset=utf-8") == (200, "")
    assert got(target, f'{JSON}; charset="UTF-8"', other) == (200, "")
    assert got(f"{target}?charset=utf-8", charset=other) == (200, "")
    assert got(target, f"{JSON}; charset={other}") == (200, "")
    assert got(target, f"{JSON}; charset={other}", other) == (406, SAID)


@pytest.mark.parametrize("asked", ["iso-8859-1", "nonsense", "utf-8;q=0", "%22ISO_IR%20100%22", "*"])
@pytest.mark.parametrize("tail", ["/metadata", "/rendered", "/frames/1", ""])
def test_a_query_for_others_only_is_refused_on_every_path(clinic: str, mr: Instance, tail: str, asked: str) -> None:
    assert got(f"{url(clinic, mr)}{tail}?charset={asked}", "*/*") == (400, SAID)
    assert got(f"{clinic}/studies?charset={asked}") == (400, SAID)


def test_one_of_several_will_do(clinic: str) -> None:
    for asked in ("iso-8859-1,utf-8;q=0.3", "%22ISO_IR%20192%22", "ISO_IR%20192", "iso-8859-1&charset=UTF-8", ""):
        assert got(f"{clinic}/studies?charset={asked}") == (200, "")


def test_what_is_no_text_comes_whatever_is_taken(clinic: str, mr: Instance) -> None:
    """A file keeps its own, and WADO-URI asks for what it likes (9.1.2)."""
    for accept, tail in (("application/dicom", ""), ("image/jpeg", "/rendered"), ("*/*", "/bulkdata/7FE00010")):
        assert got(url(clinic, mr) + tail, accept, "iso-8859-1") == (200, "")
    uids = f"studyUID={mr.study_instance_uid}&seriesUID={mr.series_instance_uid}&objectUID={mr.sop_instance_uid}"
    assert got(f"{clinic}/wado?requestType=WADO&{uids}&charset=iso-8859-1", "*/*") == (200, "")


def test_the_door_says_which_it_has(clinic: str) -> None:
    assert requests.options(clinic, headers={"Accept": "application/json"}, timeout=20).json()["charsets"] == ["UTF-8"]
    wadl = ElementTree.fromstring(requests.options(clinic, timeout=20).content)
    assert [each.text for each in wadl.iter("{http://wadl.dev.java.net/2009/02}doc")] == ["UTF-8"]


@given(st.text(max_size=60) | st.text(st.sampled_from('utf-8;q=0.1*,"\\ '), max_size=40))
def test_no_list_is_too_odd(text: str) -> None:
    assert all(0 <= weight <= 1 for weight in weighted(text).values())
