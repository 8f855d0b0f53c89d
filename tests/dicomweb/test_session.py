"""Is it there, is it who it should be, does it let us in: in plain words, and with secrets for nobody else."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import ssl
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.dicomweb.link import DicomwebLink
from appliance.peers.faults import Fault, PeerError
from appliance.priors.search import Search
from appliance.storage.rows import Peer
from tests.dicomweb.conftest import Known
from tests.support.certificates import contexts
from tests.support.dicomweb import Answer, Asked, serving
from tests.support.programs import free_port

NOTHING = Answer(200, b"[]")


def fault(link: DicomwebLink, peer: Peer) -> PeerError:
    with pytest.raises(PeerError) as raised:
        link.verify(peer)
    return raised.value


def test_a_server_that_answers(link: DicomwebLink, known: Known) -> None:
    with serving(lambda _: NOTHING) as server:
        assert link.verify(known(server)).milliseconds > 0
        (asked,) = server.asked
        assert asked.path == "/dicom-web/studies?limit=1"
        assert asked.headers["Host"] == f"127.0.0.1:{server.port}"
        assert "Authorization" not in asked.headers


def test_no_content_is_an_answer(link: DicomwebLink, known: Known) -> None:
    with serving(lambda _: Answer(204)) as server:
        assert link.verify(known(server)).milliseconds > 0


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (Answer(401), Fault.UNAUTHORIZED, "does not let us in (401)"),
        (Answer(403), Fault.FORBIDDEN, "does not allow us this (403)"),
        (Answer(404), Fault.NOT_DICOMWEB, "is no DICOMweb server"),
        (Answer(302, headers={"Location": "/login"}), Fault.NOT_DICOMWEB, "its address is another"),
        (Answer(200, b"<html>Welcome</html>", "text/html"), Fault.NOT_DICOMWEB, "is no DICOMweb server"),
        (Answer(200, b'"hello"'), Fault.NOT_DICOMWEB, "is no DICOMweb server"),
        (Answer(500), Fault.FAILED, "HTTP 500"),
        (Answer(503), Fault.BUSY, "is busy"),
        (Answer(200, b"[", announced=100), Fault.LOST, "lost in the middle"),
        (None, Fault.LOST, "lost in the middle"),
    ],
)
def test_what_is_wrong_is_said(
    link: DicomwebLink, known: Known, answer: Answer | None, expected: Fault, said: str
) -> None:
    with serving(lambda _: answer) as server:
        error = fault(link, known(server))
    assert (error.fault, said in str(error)) == (expected, True), str(error)
    assert len(server.asked) == 1, "nothing is tried again, and no redirect is followed"


def test_nobody_there(link: DicomwebLink, known: Known, box: Box) -> None:
    peer = known(f"http://127.0.0.1:{free_port()}")
    assert fault(link, peer).fault is Fault.NOT_LISTENING
    peer = box.peers.change("CLINIC-B", url="https://pacs.clinic-b.invalid/dicom-web")
    assert str(fault(link, peer)) == (
        "The name pacs.clinic-b.invalid is not known on the network: check the URL of CLINIC-B under peers."
    )


def test_a_server_that_takes_the_call_and_never_answers(link: DicomwebLink, known: Known) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert fault(link, known(f"http://127.0.0.1:{server.getsockname()[1]}")).fault is Fault.NO_ANSWER


def test_no_http(link: DicomwebLink, known: Known) -> None:
    def greet(asked: Asked) -> None:
        assert asked.handler
        asked.handler.wfile.write(b"220 mail.example ESMTP\r\n")

    with serving(greet) as server:
        assert fault(link, known(server)).fault is Fault.NOT_DICOMWEB


def test_token_and_password_go_to_the_server_alone(link: DicomwebLink, known: Known, box: Box) -> None:
    with serving(lambda _: NOTHING) as other:
        script = [NOTHING, NOTHING, Answer(307, headers={"Location": other.url})]
        with serving(lambda _: script.pop(0)) as server:
            link.verify(known(server, secret="abc.def"))
            link.verify(box.peers.change("clinic-b", user="zoë", secret="päss:word"))
            fault(link, box.peers.get("CLINIC-B"))
        told = [asked.headers["Authorization"] for asked in server.asked]
        assert told[0] == "Bearer abc.def"
        assert base64.b64decode(told[1].removeprefix("Basic ")) == "zoë:päss:word".encode()
        assert not other.asked


def test_a_secret_that_is_gone_is_told(link: DicomwebLink, known: Known, box: Box) -> None:
    peer = known("http://127.0.0.1:1", secret="abc")
    box.peer_secrets.forget(peer.credential)
    error = fault(link, peer)
    assert (error.fault, "The token of CLINIC-B is not on this box" in str(error)) == (Fault.UNAUTHORIZED, True)


def test_certificates(link: DicomwebLink, known: Known, box: Box, tmp_path: Path) -> None:
    tls, _ = contexts(tmp_path)
    pem = (tmp_path / "server.pem").read_text().partition("-----BEGIN CERTIFICATE-----")
    pem = pem[1] + pem[2]
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    with serving(lambda _: NOTHING, tls) as server:
        peer = known(server, secret="abc")
        assert fault(link, peer).fault is Fault.CERTIFICATE
        assert "nobody whom we trust" in str(fault(link, peer))
        error = fault(link, box.peers.change("CLINIC-B", fingerprint="0" * 64))
        assert (error.fault, "another certificate than the one" in str(error)) == (Fault.CERTIFICATE, True)
        error = fault(link, box.peers.change("CLINIC-B", fingerprint="", authority=pem))
        assert (error.fault, "another" in str(error)) == (Fault.CERTIFICATE, True), "the name counts"
        assert not server.asked, "no token before the certificate is good"
        assert link.verify(box.peers.change("CLINIC-B", authority="", fingerprint=fingerprint)).milliseconds > 0
        plain = box.peers.change("CLINIC-B", fingerprint="", url=server.url.replace("https", "http"))
        assert fault(link, plain).fault in (Fault.LOST, Fault.NOT_DICOMWEB)
    with serving(lambda _: NOTHING) as server:
        assert fault(link, box.peers.change("CLINIC-B", url=server.url.replace("http", "https"))).fault is Fault.TLS


@pytest.mark.parametrize("answer", [Answer(500), None, NOTHING, Answer(200, b"{", headers={"Warning": "299 x Doe"})])
def test_no_patient_is_named_in_the_log_or_the_error(
    link: DicomwebLink, known: Known, caplog: pytest.LogCaptureFixture, answer: Answer | None
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(lambda _: answer) as server:
        try:
            link.find(known(server), Search(name="Doe").keys(), 10)
        except PeerError as error:
            assert "Doe" not in f"{error!r} {error.__cause__!r}"
        assert "PatientName=Doe" in server.asked[0].path
    assert "Doe" not in caplog.text


def test_what_is_found_comes_as_text(link: DicomwebLink, known: Known) -> None:
    body = (
        b'[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "M\xc3\xbcller^Anna", "Ideographic": "\xe5\xb1\xb1"}]},'
        b' "00080061": {"vr": "CS", "Value": ["CT", "SR"]}, "00201208": {"vr": "IS", "Value": [44]}, "00100020": 5,'
        b' "nonsense": {"Value": [1]}, "0020000D": {"vr": "UI", "Value": ["1.2.3"]}, "00080050": {"vr": "SH"}}, {}]'
    )
    with serving(lambda _: Answer(200, body)) as server:
        found = link.find(known(server), Search(patient_id="1").keys(), 10)
    assert found == [
        {
            "PatientName": "Müller^Anna=山",
            "ModalitiesInStudy": "CT\\SR",
            "NumberOfStudyRelatedInstances": "44",
            "StudyInstanceUID": "1.2.3",
        },
        {},
    ]
    (asked,) = server.asked
    assert "PatientID=1" in asked.path and "includefield=PatientName" in asked.path and "limit=10" in asked.path
    assert "SOPClassesInStudy" not in asked.path
