"""DICOM over TLS with dcmtk and Orthanc, both ways; certificates pinned, trusted by CA, missing, wrong."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.access.rights import Why
from appliance.box import Box
from appliance.dimse import watch
from appliance.dimse.server import Receiver
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import TransferState
from appliance.tls import certificates
from appliance.tls.identity import Identity
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.support.orthanc import orthanc
from tests.support.programs import free_port, program
from tests.support.querying import open_box
from tests.support.receiving import instance
from tests.support.scp import answers, uids
from tests.support.scu import EXPLICIT, Scu
from tests.support.sending import at_work, over
from tests.support.waiting import wait_for

CT_FILE = PYDICOM / "test_files" / "CT_small.dcm"
META, DATA = instance(CT_FILE)


@pytest.fixture
def receiver(box: Box, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(watch, "INTERVAL", 0.05)
    found = box.receiver()
    found.start()
    yield found
    found.stop()


class Theirs:
    """A key and certificate of somebody else's, in files as dcmtk and Orthanc want them."""

    def __init__(self, folder: Path, name: str = "CLINIC-B") -> None:
        pem = certificates.made(name)
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.crt"
        self.certificate.write_bytes(certificates.without_key(pem))
        self.key.write_bytes(pem[: pem.index(b"-----BEGIN CERT")])
        self.fingerprint = certificates.read(pem)[0].fingerprint


@pytest.fixture
def theirs(tmp_path: Path) -> Theirs:
    return Theirs(tmp_path)


@pytest.fixture
def ours(box: Box, tmp_path: Path) -> Path:
    """Our certificate in a file, as others import it."""
    box.identity.make()
    path = tmp_path / "ours.crt"
    path.write_bytes(box.identity.pem())
    return path


def echo(port: int | None, *options: str) -> subprocess.CompletedProcess[str]:
    command = [program("echoscu"), "-v", "-aec", "PACSBOX", *options, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("profile", ["+py", "+px", "+pz"])
def test_dcmtk_calls_by_every_profile_of_bcp_195(receiver: Receiver, ours: Path, profile: str) -> None:
    done = echo(receiver.tls_port, "+tla", "+cf", str(ours), profile)
    assert done.returncode == 0, done.stderr


def test_dcmtk_sends_an_image_by_tls(box: Box, receiver: Receiver, ours: Path) -> None:
    command = [program("storescu"), "-aec", "PACSBOX", "+tla", "+cf", str(ours), "127.0.0.1", str(receiver.tls_port)]
    subprocess.run([*command, str(CT_FILE)], check=True, timeout=60)
    (entry,) = box.spool("tests").waiting()
    assert instance(entry.path)[0].sop_instance_uid == META.sop_instance_uid


def test_plain_dicom_is_not_spoken_on_the_port_of_tls(box: Box, receiver: Receiver) -> None:
    assert echo(receiver.tls_port).returncode != 0
    (refusal,) = wait_for(box.refusals.all, 20)
    assert (refusal.why, refusal.curable) == (Why.HANDSHAKE, False)


def test_both_ports_share_their_places(box: Box, receiver: Receiver) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with Scu(receiver.tls_port or 0, tls=client).associate([(META.sop_class_uid, [EXPLICIT])]) as scu:
        assert scu.store(1, META.sop_class_uid, META.sop_instance_uid, DATA).status == 0
        plain, secure = receiver._listeners
        assert plain.shared.associations is secure.shared.associations


def test_a_pinned_peer_has_its_rights_only_with_its_certificate(
    box: Box, receiver: Receiver, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    box.identity.trust(theirs.certificate.read_bytes())
    box.peers.add("CLINIC-B", "ECHOSCU", "192.0.2.1", 104, fingerprint=theirs.fingerprint, rights=("query",))

    def asks(*options: str) -> bool:
        found = [program("findscu"), "-aet", "ECHOSCU", "-aec", "PACSBOX", *options, "-S", "-k", "0008,0052=STUDY"]
        return subprocess.run([*found, "-k", "0020,000d"], capture_output=True, check=False, timeout=60).returncode == 0

    address, plain = ("127.0.0.1", str(receiver.tls_port)), ("127.0.0.1", str(receiver._listeners[0].server_address[1]))
    with_key = ("+tls", str(theirs.key), str(theirs.certificate), "+cf", str(ours), *address)
    wait_for(lambda: asks(*with_key), 20, "its rights")
    assert not asks("+tla", "+cf", str(ours), *address)
    assert not asks(*plain)
    wait_for(lambda: any(each.why == Why.CERTIFICATE for each in box.refusals.all()), 20)


def test_who_shows_a_certificate_that_nobody_trusts_is_refused_once_somebody_is_trusted(
    box: Box, receiver: Receiver, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    other = Theirs(tmp_path, "OTHER")
    shown = ("+tls", str(other.key), str(other.certificate), "+cf", str(ours))
    assert echo(receiver.tls_port, *shown).returncode == 0
    box.identity.trust(theirs.certificate.read_bytes())
    wait_for(lambda: echo(receiver.tls_port, *shown).returncode != 0, 20)
    assert echo(receiver.tls_port, "+tla", "+cf", str(ours)).returncode == 0


def test_a_renewed_certificate_counts_without_a_restart(box: Box, receiver: Receiver, tmp_path: Path) -> None:
    new = box.identity.renew()

    def shown() -> str:
        pem = ssl.get_server_certificate(("127.0.0.1", receiver.tls_port or 0))
        return certificates.read(pem.encode())[0].fingerprint

    wait_for(lambda: shown() == new.fingerprint, 20)


@contextmanager
def their_storescp(folder: Path, theirs: Theirs, *options: str) -> Iterator[int]:
    folder.mkdir()
    port = free_port()
    command = [program("storescp"), "-od", str(folder), "+tls", str(theirs.key), str(theirs.certificate), *options]
    process = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port), 20)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def sent(box: Box, fill: Fill, **peer: object) -> TransferState:
    """What becomes of a transfer to a peer."""
    fill([CT_FILE])
    box.peers.add("CLINIC-B", "STORESCP", "127.0.0.1", tls=True, **peer)
    (study,) = box.storage.studies.study_uids()
    with at_work(box.sender()):
        return over(box, box.transfers.enqueue(study, "CLINIC-B"), 60).state


def test_we_send_to_dcmtk_that_asks_who_we_are(
    box: Box, fill: Fill, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    with their_storescp(tmp_path / "peer", theirs, "-rc", "+cf", str(ours)) as port:
        assert sent(box, fill, port=port, fingerprint=theirs.fingerprint) is TransferState.DONE
        assert len(list((tmp_path / "peer").iterdir())) == 1


def test_each_box_of_one_process_calls_as_itself(box: Box, theirs: Theirs, ours: Path, tmp_path: Path) -> None:
    other = open_box(tmp_path / "other")
    with their_storescp(tmp_path / "peer", theirs, "-rc", "+cf", str(ours)) as port:
        for each in (box, other):
            each.peers.add("CLINIC-B", "STORESCP", "127.0.0.1", port, tls=True, fingerprint=theirs.fingerprint)
        assert box.echo("CLINIC-B").milliseconds > 0
        with pytest.raises(PeerError):
            other.echo("CLINIC-B")
    other.close()


def test_a_peer_that_is_pinned_by_fingerprint_alone_may_call_once_we_have_called_it(
    box: Box, receiver: Receiver, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    """Its certificate is not here before: OpenSSL would refuse it as soon as anybody is trusted."""
    box.identity.trust(certificates.made("SOMEBODY"))
    shown = ("-aet", "CLINIC-B", "+tls", str(theirs.key), str(theirs.certificate), "+cf", str(ours))
    wait_for(lambda: echo(receiver.tls_port, *shown).returncode != 0, 20)
    with their_storescp(tmp_path / "peer", theirs, "-rc", "+cf", str(ours)) as port:
        box.peers.add(
            "CLINIC-B", "CLINIC-B", "127.0.0.1", port, tls=True, fingerprint=theirs.fingerprint, rights=("echo",)
        )
        assert box.echo("CLINIC-B").milliseconds > 0
    wait_for(lambda: echo(receiver.tls_port, *shown).returncode == 0, 20)


def test_the_certificate_that_a_peer_shows_is_fetched_without_being_trusted(
    box: Box, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    with their_storescp(tmp_path / "peer", theirs, "-rc", "+cf", str(ours)) as port:
        box.peers.add("CLINIC-B", "STORESCP", "127.0.0.1", port)
        assert box.certificate_of("CLINIC-B").fingerprint == theirs.fingerprint
    assert box.identity.trusted() == []
    with pytest.raises(PeerError) as caught:
        box.certificate_of("CLINIC-B")
    assert caught.value.fault is Fault.NOT_LISTENING


def test_a_peer_with_another_certificate_is_sent_nothing(
    box: Box, fill: Fill, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    with their_storescp(tmp_path / "peer", theirs, "-ic") as port:
        box.identity.trust(theirs.certificate.read_bytes())
        box.peers.add("TRUSTED", "STORESCP", "127.0.0.1", port, tls=True)
        assert box.echo("TRUSTED").milliseconds > 0, "trusted without being pinned"
        box.peers.add("PINNED", "STORESCP", "127.0.0.1", port, tls=True, fingerprint="ab" * 32)
        box.identity.distrust(theirs.fingerprint[:16])
        for name in ("PINNED", "TRUSTED"):
            with pytest.raises(PeerError, match="certificate that we don't trust") as caught:
                box.echo(name)
            assert caught.value.fault is Fault.CERTIFICATE
        assert sent(box, fill, port=port) is TransferState.FAILED
        assert not list((tmp_path / "peer").iterdir())


def test_a_peer_without_tls_is_told_so(box: Box, receiver: Receiver) -> None:
    box.peers.add("PLAIN", "PACSBOX", "127.0.0.1", receiver._listeners[0].server_address[1], tls=True)
    with pytest.raises(PeerError, match="does not speak TLS"):
        box.echo("PLAIN")


def test_orthanc_and_we_talk_by_tls_both_ways(
    box: Box, receiver: Receiver, fill: Fill, theirs: Theirs, ours: Path, tmp_path: Path
) -> None:
    us = {"AET": "PACSBOX", "Host": "127.0.0.1", "Port": receiver.tls_port, "UseDicomTls": True}
    options = {
        "DicomTlsEnabled": True,
        "DicomTlsPrivateKey": str(theirs.key),
        "DicomTlsCertificate": str(theirs.certificate),
        "DicomTlsTrustedCertificates": str(ours),
        "DicomModalities": {"pacsbox": us},
    }
    box.identity.trust(theirs.certificate.read_bytes())
    with orthanc(tmp_path / "orthanc", {}, **options) as other:
        fill([CT_FILE])
        (study,) = box.storage.studies.study_uids()
        box.peers.add("CLINIC-B", "ORTHANC", "127.0.0.1", other.peer.port, tls=True, fingerprint=theirs.fingerprint)
        with at_work(box.sender()):
            assert over(box, box.transfers.enqueue(study, "CLINIC-B"), 60).state is TransferState.DONE
        assert list(other.instances()) == [uids(CT_FILE)[1]]
        assert other.post("/modalities/pacsbox/echo", {}) == {}
        other.post("/modalities/pacsbox/store", next(iter(other.instances().values())))
        assert len(box.spool("tests").waiting()) == 1


def test_sslscan_finds_nothing_weak(receiver: Receiver) -> None:
    target = f"127.0.0.1:{receiver.tls_port}"
    done = subprocess.run(
        [program("sslscan"), "--no-colour", target], capture_output=True, text=True, check=True, timeout=120
    )
    said = done.stdout
    for protocol, state in re.findall(r"^((?:SSL|TLS)v[\d.]+)\s+(enabled|disabled)", said, re.M):
        assert (state == "enabled") == (protocol in ("TLSv1.2", "TLSv1.3")), said
    suites = re.findall(r"^(?:Accepted|Preferred)\s+(\S+)\s+(\d+) bits\s+(\S+)", said, re.M)
    assert {version for version, _, _ in suites} == {"TLSv1.2", "TLSv1.3"}, said
    for version, bits, suite in suites:
        assert int(bits) >= 128, said
        assert version == "TLSv1.3" or re.match(r"ECDHE-.*(GCM|POLY1305)", suite), said
    assert "not vulnerable to heartbleed" in said
    assert "Compression enabled" not in said
    assert re.search(r"RSA Key Strength:\s+(3072|4096)", said), said
    assert "sha256WithRSAEncryption" in said


def test_a_certificate_of_a_ca_comes_with_its_key_and_chain(tmp_path: Path) -> None:
    identity, other, third = Identity(tmp_path / "tls", "PACSBOX"), Theirs(tmp_path, "NEW"), Theirs(tmp_path, "THIRD")
    before = identity.renew()
    after = identity.replace(other.certificate.read_bytes(), other.key.read_bytes())
    assert after.fingerprint == other.fingerprint != before.fingerprint
    assert (tmp_path / "tls" / "own.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match="not the one of the certificate"):
        identity.replace(other.certificate.read_bytes(), third.key.read_bytes())
    with pytest.raises(ValueError, match="no certificate"):
        identity.trust(b"-----BEGIN nothing")
    assert identity.own().fingerprint == other.fingerprint
    assert b"PRIVATE" not in identity.pem()
