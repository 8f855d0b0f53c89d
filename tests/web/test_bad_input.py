"""Whatever is asked of either door, on whatever route: an answer of use, or 4xx with a reason; never a fault of ours.

The same requests each time. `PACSBOX_FUZZ=20000` makes that many others of each kind.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote, urlsplit

import pytest
import requests
from aiohttp import web
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from appliance.box import Box
from appliance.config import load
from appliance.dicom.attributes import BY_KEYWORD
from tests.support.clinic import opened
from tests.support.files import PYDICOM, brainix, knee
from tests.support.indexing import stock
from web.app import clinic_app, public_app

_EXAMPLES = int(os.environ.get("PACSBOX_FUZZ", "150"))
PROFILE = settings(
    max_examples=_EXAMPLES,
    derandomize="PACSBOX_FUZZ" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CT = PYDICOM / "test_files" / "CT_small.dcm"
_ENDS_A_SESSION = "/leave"
_MODEL = b'[{"00080018":{"vr":"UI","Value":["1.2.3"]},"7FE00010":{"vr":"OW","BulkDataURI":"a"}}]'


@dataclass(frozen=True)
class Doors:
    """Where both are, what can be asked there, and what there is."""

    public: str
    clinic: str
    routes: dict[str, list[tuple[str, str]]]
    """Method and path, by door."""
    known: dict[str, str]
    """Values that exist, by the name that paths have for them."""
    cookie: str
    """Of a patient who is in."""
    spare: str
    """The code of a link whose PIN may be tried."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    environment = {"PACSBOX_DATA_DIR": str(tmp_path_factory.mktemp("odd") / "box")}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    box = Box(load(environment=environment)[0])
    stock(box, CT, *brainix()[:3], *knee()[:2])
    with opened(box) as found, pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.dicomweb.store._PATIENCE", 0.0)
        yield described(box, found.public, found.clinic)
    box.close()


def described(box: Box, public: str, clinic: str) -> Doors:
    apps = {"public": public_app(box), "clinic": clinic_app(box)}
    routes = {name: sorted(set(routes_of(app))) for name, app in apps.items()}
    instance = box.storage.studies.instances(next(box.storage.studies.study_uids()))[0]
    new, spare = (box.sharing.create(instance.study_instance_uid) for _ in range(2))
    with requests.Session() as browser:
        browser.post(public + urlsplit(new.link).path, data={"pin": new.pin}, timeout=20)
        cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
    known = {
        "study": instance.study_instance_uid,
        "series": instance.series_instance_uid,
        "instance": instance.sop_instance_uid,
        "frames": "1",
        "frame": "1",
        "element": "7FE00010",
        "code": new.link.rpartition("/")[2],
        "name": box.sharing.album(new.share).stacks[0].items[0].name,
    }
    return Doors(public, clinic, routes, known, cookie, spare.link.rpartition("/")[2])


def routes_of(app: web.Application) -> Iterator[tuple[str, str]]:
    for route in app.router.routes():
        if route.resource is not None:
            for method in ("GET", "POST") if route.method == "*" else (route.method,):
                yield method, route.resource.canonical


TEXT = st.text(max_size=30)
ODD = st.sampled_from(
    [
        "",
        ".",
        "..",
        "%00",
        "%2e%2e%2f",
        "%FF",
        "%",
        "1.2",
        "1" * 65,
        "٠.١",
        "1.2.",
        "0",
        "-1",
        "99999999",
        "1,1,1",
        "a/b",
    ]
)
WORDS = ODD | TEXT.map(lambda text: quote(text, "")) | st.from_regex(r"[0-9.]{1,70}", fullmatch=True)
PARAMETERS = (
    "includefield limit offset fuzzymatching emptyvaluematching multiplevaluematching accept charset viewport window"
    " quality annotation requestType studyUID seriesUID objectUID contentType rows columns region frameNumber"
    " iccprofile imageQuality windowCenter windowWidth save x 00100010 00400275.00401001 00400275. 7FE00010 PixelData"
)
NAMES = st.sampled_from([*BY_KEYWORD, *PARAMETERS.split()])
VALUES = (
    TEXT
    | st.from_regex(r"[*?\[\]=^\\\",.0-9a-z\-%&;/]{0,40}", fullmatch=True)
    | st.lists(st.integers(-9, 99999).map(str) | st.sampled_from(["", "nan", "1e309", "linear"]), max_size=7).map(
        ",".join
    )
    | st.sampled_from(
        ["WADO", "true", "false", "all", '""', "20240101-", "-", "a-b-c", "application/dicom", "image/gif"]
    )
)
MEDIA_TYPES = (
    "application/dicom application/dicom+json application/dicom+xml application/octet-stream */* image/* image/jpeg"
    ' image/png image/gif video/mp4 text/html application/json multipart/related ; / multipart/related;type="image/*"'
    ' multipart/related;type="application/dicom" multipart/related;type=application/octet-stream a/b;c'
)
KINDS = st.sampled_from(MEDIA_TYPES.split())
SYNTAXES = st.sampled_from(
    ["", "; transfer-syntax=*", "; transfer-syntax=1.2.840.10008.1.2", "; q=0", "; q=x", '; a="']
)
HEADER_TEXT = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
RANGES = st.from_regex(r"(bytes|items)?=?[0-9,\- ]{0,30}", fullmatch=True) | st.just("bytes=99999999999999999999-")
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.lists(st.tuples(KINDS, SYNTAXES).map("".join), max_size=3).map(",".join) | HEADER_TEXT,
        "Accept-Encoding": st.sampled_from(["gzip", "gzip;q=0", "br;q=x", "*"]) | HEADER_TEXT,
        "Accept-Language": HEADER_TEXT,
        "Range": RANGES | HEADER_TEXT,
        "If-None-Match": HEADER_TEXT | st.just("*"),
        "If-Modified-Since": HEADER_TEXT,
        "Authorization": st.sampled_from(["Bearer", "Bearer x.y.z", "Basic Og=="]) | HEADER_TEXT,
        "Cookie": HEADER_TEXT,
        "Origin": HEADER_TEXT,
        "Forwarded": HEADER_TEXT,
        **{f"X-Forwarded-{name}": HEADER_TEXT for name in ("For", "Host", "Port", "Prefix", "Proto")},
        "If-Range": HEADER_TEXT,
        "Accept-Charset": HEADER_TEXT | st.sampled_from(["utf-8", "latin1, *;q=0", "utf-8;q=x"]),
        "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-origin", "x"]),
        "Expect": st.just("100-continue"),  # others aiohttp answers by itself
    },
)
JUNK = st.binary(max_size=200)
DAMAGED = st.tuples(st.integers(0, 6000), JUNK).map(lambda cut: CT.read_bytes()[: cut[0]] + cut[1])
DOCUMENTS = (
    st.sampled_from([_MODEL, b"[{}]", b"{", b"[[]]", b"<NativeDicomModel/>", b'[{"00100010":1}]']) | JUNK | DAMAGED
)
PARTS = st.lists(
    st.tuples(KINDS | HEADER_TEXT, st.sampled_from(["", "a", "/frames/1", "http://["]), DOCUMENTS), max_size=3
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """A Content-Type and a body that fits it, more or less."""
    if draw(st.booleans()):
        return draw(KINDS | HEADER_TEXT), draw(DOCUMENTS | st.just(b"pin=123456") | TEXT.map(str.encode))
    parts = b"".join(
        f"--x\r\nContent-Type: {kind}\r\nContent-Location: {place}\r\n\r\n".encode("latin-1") + body + b"\r\n"
        for kind, place, body in draw(PARTS)
    )
    kind = draw(st.sampled_from(["application/dicom", "application/dicom+json", "application/dicom+xml"]))
    end = draw(st.sampled_from([b"--x--", b"--x--\r\n", b"", b"--y--", b"--x"]))
    return f'multipart/related; type="{kind}"; boundary=x', parts + end


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    text: bytes


def sent(door: str, head: bytes, body: bytes = b"", *, only: bool = False) -> Answer | None:
    """The answer to a request; None when the door hung up without one. `only` says that nothing more will come."""
    place = urlsplit(door)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=60) as connection:
        with suppress(OSError):  # it may have answered before it read all
            connection.sendall(head + body)
            if only:
                connection.shutdown(socket.SHUT_WR)
        with closing(HTTPResponse(connection)) as answer:
            try:
                answer.begin()
                return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
            except (HTTPException, ConnectionError):
                return None


def head_of(method: str, target: str, headers: dict[str, str], length: int | None = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    lines += [f"Content-Length: {length}"] if length is not None else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def judge(answer: Answer | None, for_programs: bool, about: str) -> None:
    assert answer is not None, about
    assert answer.status < 500, (about, answer)
    if answer.status >= 400 and for_programs and "json" not in answer.kind:
        assert 0 < len(answer.text) < 500, about
        assert answer.text.count(b"\n") == 1, (about, answer)
    event(f"{answer.status // 100}xx")


def filled(doors: Doors, path: str, words: dict[str, str], code: str = "") -> str:
    """The path with values that exist, or those of `words` for some of its names."""
    known = doors.known | ({"code": code} if code else {}) | words
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], "x"), path)


CHANGED = st.dictionaries(st.sampled_from(["study", "series", "instance", "frames", "element", "name", "frame"]), WORDS)
QUERY = st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, '')}={quote(value, '%,*')}" for name, value in pairs)
)


@pytest.mark.parametrize("door", ["public", "clinic"])
@pytest.mark.timeout(max(180, _EXAMPLES))
def test_no_request_is_too_odd_for_any_route(doors: Doors, door: str) -> None:
    asked = [each for each in doors.routes[door] if each[0] in ("GET", "OPTIONS")]
    assert len(asked) > 20

    @PROFILE
    @given(st.sampled_from(asked), CHANGED, QUERY, HEADERS, st.booleans())
    def ask(route: tuple[str, str], words: dict[str, str], query: str, headers: dict[str, str], inside: bool) -> None:
        method, path = route
        target = filled(doors, path, words) + (f"?{query}" if query else "")
        headers = headers | ({"Cookie": doors.cookie} if inside else {})
        judge(sent(getattr(doors, door), head_of(method, target, headers)), "/dicom-web" in path, f"{method} {target}")

    ask()


@pytest.mark.parametrize("door", ["public", "clinic"])
@pytest.mark.timeout(max(180, _EXAMPLES))
def test_no_body_is_too_odd_for_any_route(doors: Doors, door: str) -> None:
    asked = [path for method, path in doors.routes[door] if method == "POST" and not path.endswith(_ENDS_A_SESSION)]
    assert asked

    @PROFILE
    @given(st.sampled_from(asked), CHANGED, HEADERS, bodies(), st.none() | st.integers(-9, 9))
    def ask(
        path: str, words: dict[str, str], headers: dict[str, str], content: tuple[str, bytes], wrong: int | None
    ) -> None:
        kind, body = content
        target = filled(doors, path, words, doors.spare)
        length = max(0, len(body) - abs(wrong or 0))  # a longer one would wait for the rest, as it must
        headers = {name: text for name, text in headers.items() if name != "Expect"} | {"Content-Type": kind}
        answer = sent(getattr(doors, door), head_of("POST", target, headers, length), body[:length])
        judge(answer, "/dicom-web" in path, f"POST {target} {kind} {body!r}")

    ask()


@pytest.mark.parametrize("door", ["public", "clinic"])
@pytest.mark.timeout(max(180, _EXAMPLES))
def test_what_is_hardly_http_is_refused_or_hung_up_on(doors: Doors, door: str) -> None:
    @PROFILE
    @given(
        st.lists(
            st.sampled_from([b"GET", b" /dicom-web/studies", b" HTTP/1.1", b"\r\n", b"Host: a", b":", b"%"]) | JUNK
        )
    )
    def ask(pieces: list[bytes]) -> None:
        answer = sent(getattr(doors, door), b"".join(pieces) + b"\r\n\r\n", only=True)
        assert answer is None or answer.status < 500, pieces

    ask()


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("/studies?PatientBirthDate=yesterday", "PatientBirthDate"),
        ("/studies?limit=-1", "limit"),
        ("/studies?fuzzymatching=perhaps", "fuzzymatching"),
        ("/studies?includefield=PatientNme", "PatientNme"),
        ("/studies/1.2.x/series", "StudyInstanceUID"),
        ("/studies/{study}/series/x/metadata", "SeriesInstanceUID"),
        ("/studies/{study}/series/{series}/instances/{instance}/frames/0", "frames"),
        ("/studies/{study}/series/{series}/instances/{instance}/frames/2", "frame 2"),
        ("/studies/{study}/series/{series}/instances/{instance}/bulkdata/zz", "bulk data"),
        ("/studies/{study}/series/{series}/instances/{instance}/rendered?viewport=0,0", "viewport"),
        ("/studies/{study}/series/{series}/instances/{instance}/rendered?window=a,b,linear", "window"),
        ("/studies/{study}/series/{series}/instances/{instance}/rendered?quality=101", "quality"),
        ("/wado?requestType=WADO&studyUID=x", "studyUID"),
        ("/wado?requestType=x", "requestType"),
    ],
)
def test_the_reason_names_what_is_wrong(doors: Doors, target: str, named: str) -> None:
    answer = requests.get(doors.clinic + "/dicom-web" + filled(doors, target, {}), timeout=20)
    assert answer.status_code in (400, 404)
    assert named in answer.text
    assert answer.text.count("\n") == 1
