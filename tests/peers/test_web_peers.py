"""DICOMweb servers in the book of peers."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.access.rights import Call, Policy, networks
from appliance.box import Box
from appliance.peers.checking import checked_web
from appliance.peers.known import KnownPeers
from tests.support.certificates import contexts

URL = "https://pacs.clinic-b.example/dicom-web"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f" {URL}/ ", (URL, "pacs.clinic-b.example", 443, True)),
        ("http://10.0.0.7:8042/dicom-web", ("http://10.0.0.7:8042/dicom-web", "10.0.0.7", 8042, False)),
        ("http://[fd00::7]:8042", ("http://[fd00::7]:8042", "fd00::7", 8042, False)),
    ],
)
def test_address_and_port_are_in_the_url(url: str, expected: tuple[str, str, int, bool]) -> None:
    peer = checked_web("CLINIC-B", url)
    assert (peer.url, peer.host, peer.port, peer.tls) == expected
    assert (peer.title, peer.address, peer.rights) == ("DICOMweb", expected[0], ())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is written https://"),
        ("pacs.clinic.example", "is written https://"),
        ("ftp://pacs.clinic.example", "is written https://"),
        ("https://", "is written https://"),
        ("https://host:port/x", "cannot be read"),
        ("https://anna:secret@pacs.clinic.example", "leave the user and password out"),
        (f"{URL}?x=1", "without ?"),
        (f"{URL}/a b", "plain ASCII"),
        (f"{URL}/ü", "plain ASCII"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_without_quoting_it(url: str, said: str) -> None:
    with pytest.raises(ValueError, match="URL") as raised:
        checked_web("CLINIC-B", url)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [{"user": "a:b"}, {"fingerprint": "12"}, {"authority": "no PEM"}, {"character_set": "latin"}],
)
def test_other_values_are_checked_too(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        checked_web("CLINIC-B", URL, **options)
    with pytest.raises(ValueError, match="https"):
        checked_web("CLINIC-B", "http://10.0.0.7", fingerprint="0" * 64)


def test_a_ca_is_kept_without_the_key_beside_it(box: Box, tmp_path: Any) -> None:
    contexts(tmp_path)
    peer = box.peers.add_web("CLINIC-B", URL, authority=(tmp_path / "server.pem").read_text())
    assert peer.authority.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in peer.authority


def test_each_kind_has_fields_of_its_own(box: Box) -> None:
    box.peers.add_web("WEB", URL)
    box.peers.add("AE", "CB", "10.0.0.7", 104)
    for name, changes in (("WEB", {"ae_title": "X"}), ("WEB", {"port": 1}), ("WEB", {"rights": ("echo",)})):
        with pytest.raises(ValueError, match="is a DICOMweb server: it has no"):
            box.peers.change(name, **changes)
    for changes in ({"url": URL}, {"user": "anna"}, {"secret": "abc"}):
        with pytest.raises(ValueError, match="is called by DICOM"):
            box.peers.change("AE", **changes)
    assert box.peers.change("WEB", url="http://10.0.0.8").host == "10.0.0.8"


def test_a_server_is_nobody_who_calls_by_dimse(box: Box) -> None:
    box.peers.add_web("WEB", "http://10.0.0.7")
    box.peers.add("AE", "CB", "10.0.0.8", 104)
    known = KnownPeers(box.index_path, box.access_dir / "peers.json")
    known.start()
    assert [caller.name for caller in known.callers()] == ["AE"]
    policy = Policy(peers=known.callers(), lan=networks(["10.0.0.0/8"]))
    assert policy.judge(Call("", "PACSBOX", "10.0.0.7")).peer == ""
