"""Being found, and finding, by DNS-SD on loopback."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from zeroconf import IPVersion, ServiceInfo, Zeroconf

from appliance.box import Box
from appliance.config import load
from appliance.discovery.neighbours import PLAIN, Announcement, Neighbour, _neighbours, listen
from tests.support.waiting import wait_for


def heard(title: str) -> set[Neighbour]:
    return {each for each in listen("127.0.0.1", 2.5) if each.ae_title == title}


def test_a_box_that_is_announced_is_found_with_its_ports_until_it_says_good_bye() -> None:
    title = f"BOX{secrets.token_hex(4).upper()}"
    announcement = Announcement(title, "127.0.0.1", [(11112, False), (2762, True)])
    announcement.start()
    expected = {
        Neighbour(title, "127.0.0.1", 11112, False, "ARCHIVE"),
        Neighbour(title, "127.0.0.1", 2762, True, "ARCHIVE"),
    }
    wait_for(lambda: heard(title) == expected, 30)
    announcement.stop()
    wait_for(lambda: not heard(title), 30)


def test_a_receiver_announces_itself_only_where_it_is_configured(tmp_path: Path) -> None:
    title = f"BOX{secrets.token_hex(4).upper()}"
    environment = {
        "PACSBOX_DATA_DIR": str(tmp_path),
        "PACSBOX_DICOM_AE_TITLE": title,
        "PACSBOX_DICOM_BIND": "127.0.0.1",
        "PACSBOX_DICOM_PORT": "0",
        "PACSBOX_DICOM_TLS": "off",
    }
    for discovery in ("false", "true"):
        box = Box(load(environment=environment | {"PACSBOX_DICOM_DISCOVERY": discovery})[0])
        receiver = box.receiver()
        port = receiver.start()
        try:
            if discovery == "true":
                wait_for(lambda port=port: [each.port for each in heard(title)] == [port], 30)
            else:
                assert not heard(title)
        finally:
            receiver.stop()
            box.close()


def test_what_is_announced_is_cut_to_what_a_title_may_be() -> None:
    def info(name: str, properties: dict[str, str], port: int = 104) -> ServiceInfo:
        addresses = [socket.inet_aton("192.0.2.1")]
        return ServiceInfo(PLAIN, f"{name}.{PLAIN}", port=port, addresses=addresses, properties=properties)

    assert list(_neighbours(info("CT 1", {}))) == [Neighbour("CT 1", "192.0.2.1", 104)]
    assert [each.ae_title for each in _neighbours(info("x", {"AET": "A\x1b[31m\\" + "B" * 30}))] == ["A[31m" + "B" * 11]
    assert not list(_neighbours(info("x", {"aet": "\n"})))
    assert not list(_neighbours(info("x", {}, port=0)))


def test_listening_leaves_nothing_behind() -> None:
    with Zeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only):
        assert isinstance(listen("127.0.0.1", 0.1), list)
