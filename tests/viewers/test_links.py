"""Links that open a study in a viewer: each as its vendor writes it, none with a name in it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from appliance.access.scope import EVERYTHING, NotAllowedError, Permission, Scope
from appliance.box import Box
from appliance.config import load
from appliance.errors import ConfigurationError, NotFoundError
from appliance.viewers.links import Link
from tests.conftest import Fill
from tests.support.files import PYDICOM

CONSOLE = Scope("console", EVERYTHING)
DOOR = "http://box.clinic.example:8042"


@pytest.fixture
def study(box: Box, fill: Fill) -> str:
    fill([PYDICOM / "test_files" / "CT_small.dcm"])
    (uid,) = box.storage.studies.study_uids()
    return uid


def made(box: Box, study: str, **options: str) -> dict[str, Link]:
    named = {"web_clinic_url": DOOR, "dicom_ae_title": "CLINIC A", "dicom_port": "11112", **options}
    environment = {"PACSBOX_DATA_DIR": str(box.data_dir)}
    environment |= {f"PACSBOX_{name.upper()}": value for name, value in named.items()}
    links = replace(box.viewer_links, config=load(environment=environment)[0], browser=True).of(study, CONSOLE)
    return {link.name: link for link in links}


def test_weasis_gets_a_command_with_the_pass_as_a_header(box: Box, study: str) -> None:
    link = made(box, study)["Weasis"]
    command = unquote(link.url.removeprefix("weasis://"))
    start = f'$dicom:rs --url "{DOOR}/dicom-web" -r "studyUID={study}" -H "Authorization: Bearer '
    assert command.startswith(start)
    scope = box.bearers.scope(command.removeprefix(start).rstrip('"'))
    assert (scope.study, scope.who) == (study, "console by link")
    assert link.expires is not None
    assert not set(link.url) & set(' "<>$')


def test_slicer_gets_endpoint_study_and_pass(box: Box, study: str) -> None:
    link = made(box, study)["3D Slicer"]
    parts = urlsplit(link.url)
    query = dict(parse_qsl(parts.query))
    assert (parts.scheme, parts.netloc, query["studyUID"]) == ("slicer", "viewer", study)
    assert query["dicomweb_endpoint"] == f"{DOOR}/dicom-web"
    assert box.bearers.scope(query["access_token"]).study == study


@pytest.mark.parametrize(
    ("name", "url"),
    [
        (
            "Horos",
            "horos://?methodName=retrieve&serverName=CLINIC%20A&filterKey=StudyInstanceUID&filterValue={study}"
            "&retrieveOnlyIfNeeded=yes&then=open",
        ),
        (
            "OsiriX",
            "osirix://?methodName=retrieve&serverName=CLINIC%20A&filterKey=StudyInstanceUID&filterValue={study}"
            "&retrieveOnlyIfNeeded=yes&then=open",
        ),
        ("RadiAnt", "radiant://?n=paet&v=CLINIC%20A&n=pstv&v=0020000D&v=%22{study}%22"),
        (
            "MicroDicom",
            "microdicom://?param=pacsServer&value=CLINIC%20A%3Abox.clinic.example%3A11112"
            "&param=pacsTagValue&value=0020000D&value={study}",
        ),
        ("OHIF", DOOR + "/ohif/viewer?StudyInstanceUIDs={study}"),
    ],
)
def test_the_others_are_told_which_study_of_which_box(box: Box, study: str, name: str, url: str) -> None:
    link = made(box, study)[name]
    assert link.url == url.format(study=study)
    assert link.expires is None


def test_no_link_holds_a_name_or_an_id_of_the_patient(box: Box, study: str) -> None:
    known = box.storage.studies.study(study)
    assert known is not None
    assert (known.patient_name, known.patient_id) == ("CompressedSamples^CT1", "1CT1")
    for link in made(box, study).values():
        assert not [word for word in ("CompressedSamples", "1CT1") if word in unquote(link.url)]


def test_the_configuration_says_which_are_shown_and_in_which_order(box: Box, study: str) -> None:
    links = made(
        box,
        study,
        viewers_shown="radiant,weasis",
        viewers_meddream="https://meddream.clinic.example/",
        viewers_links="Ours = https://viewer.example/?study={study}&from={dicomweb}",
    )
    assert [*links] == ["OHIF", "RadiAnt", "Weasis", "MedDream", "Ours"]
    assert links["MedDream"].url == f"https://meddream.clinic.example/?study={study}"
    endpoint = "http%3A%2F%2Fbox.clinic.example%3A8042%2Fdicom-web"
    assert links["Ours"].url == f"https://viewer.example/?study={study}&from={endpoint}"


@pytest.mark.parametrize(
    "link",
    [
        "no address",
        "= https://viewer.example/?study={study}",
        "X = viewer.example/{study}",
        "X = javascript:alert('{study}')",
        "X = https://viewer.example/",
        "X = https://viewer.example/?study={study}&name={patient}",
        "X = https://viewer.example/?study={study}&token={token}",
    ],
)
def test_a_template_that_would_not_do_is_named(link: str) -> None:
    with pytest.raises(ConfigurationError, match=r"viewers\.links"):
        load(environment={"PACSBOX_VIEWERS_LINKS": link})


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"clinic_bind": "192.0.2.7"}, "http://192.0.2.7:8042"),
        ({"clinic_bind": "2001:db8::7", "clinic_tls": "true"}, "https://[2001:db8::7]:8042"),
        ({"clinic_url": "https://pacs.clinic.example/box/"}, "https://pacs.clinic.example/box"),
    ],
)
def test_the_box_is_where_others_find_it(options: dict[str, str], address: str) -> None:
    environment = {f"PACSBOX_WEB_{name.upper()}": value for name, value in options.items()}
    assert load(environment=environment)[0].clinic_url == address


def test_a_door_on_all_addresses_goes_by_the_machine_s_name() -> None:
    url = urlsplit(load(environment={"PACSBOX_WEB_CLINIC_BIND": "0.0.0.0"})[0].clinic_url)
    assert url.hostname not in ("", "0.0.0.0")


def test_what_is_not_here_or_not_theirs_has_no_links(box: Box, study: str) -> None:
    with pytest.raises(NotFoundError):
        box.viewer_links.of("1.2.3", CONSOLE)
    with pytest.raises(NotFoundError):
        box.viewer_links.of(study, replace(CONSOLE, study="1.2.3"))
    for may in ({Permission.QUERY}, {Permission.STORE}):
        with pytest.raises(NotAllowedError):
            box.viewer_links.of(study, replace(CONSOLE, may=frozenset(may)))
