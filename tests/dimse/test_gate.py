"""Who is let in, as callers see it: titles, addresses, rights, limits; changed while the receiver runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.access.refusals import Refusal
from appliance.access.rights import Why
from appliance.box import Box
from appliance.config import load
from appliance.dimse import watch
from appliance.dimse.server import Receiver
from appliance.dimse.service import Service
from tests.support.files import PYDICOM
from tests.support.receiving import instance
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, associate_request, maximum_length
from tests.support.waiting import wait_for

META, DATA = instance(PYDICOM / "test_files" / "CT_small.dcm")
CT, UID = META.sop_class_uid, META.sop_instance_uid
STORE = [(CT, [EXPLICIT])]
FIND, GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
SERVICES = [Service("query", (FIND,), {}), Service("retrieve", (GET,), {})]
_ROLE = b"\x54\0" + struct.pack(">HH", len(CT) + 4, len(CT)) + CT.encode() + b"\0\1"
"""The caller is to be the SCP of CT Image Storage (PS3.7 D.3.3.4)."""


class Gated:
    """A receiver of a box whose configuration file may be changed."""

    def __init__(self, folder: Path, hot: bool) -> None:
        self._file = folder / "pacsbox.toml"
        self.environment = {"PACSBOX_DATA_DIR": str(folder / "box")}
        self.write()
        self.box = Box(load(self._file, self.environment)[0], self._file)
        self.gate = self.box.gate()
        self.receiver = Receiver(self.box.config.dicom, self.box.spool("receiver"), SERVICES, gate=self.gate, hot=hot)
        self.port = self.receiver.start()

    def write(self, **options: object) -> None:
        """Put these options of `[dicom]` into the file."""
        values = {"bind": "127.0.0.1", "port": 0, "tls": "off", **options}
        lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
        data = f'data_dir = "{self.environment["PACSBOX_DATA_DIR"]}"\n'
        self._file.write_text(data + "\n".join(["[dicom]", *lines, ""]))

    def set(self, **options: object) -> None:
        """Change the file while the receiver runs, and wait until it counts."""
        self.write(**options)
        wanted = load(self._file, self.environment)[0].dicom
        wait_for(lambda: self.receiver._watch._applied == wanted, 20, "the new configuration")

    def rejected(self, contexts: list[tuple[str, list[str]]] = STORE, **titles: bytes) -> bytes:
        """Result, source and reason of a rejection; empty when there is none."""
        scu = Scu(self.port)
        scu.socket.sendall(associate_request(contexts, **titles))
        kind, body = scu.pdu()
        scu.socket.close()
        return body[1:4] if kind == 3 else b""

    def refused(self) -> list[Refusal]:
        """What is in the file."""
        return wait_for(self.box.refusals.all, 20, "a refusal in the file")


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


@pytest.fixture(params=[True, False], ids=["hot", "pynetdicom"])
def gated(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gated]:
    monkeypatch.setattr(watch, "INTERVAL", 0.05)
    running = Gated(tmp_path, request.param)
    yield running
    running.receiver.stop()
    running.box.close()


def test_a_stranger_on_the_lan_stores_but_may_not_query(gated: Gated) -> None:
    with Scu(gated.port).associate([*STORE, (FIND, [IMPLICIT])]) as scu:
        assert scu.refused == {3: 1}, "user rejection, not an abstract syntax that is not supported"
        assert scu.store(1, CT, UID, DATA).status == 0
    (refusal,) = gated.refused()
    assert (refusal.title, refusal.address, refusal.why, refusal.rights) == (
        "TEST",
        "127.0.0.1",
        Why.UNKNOWN,
        ("query",),
    )
    assert refusal.says == "it is not one of the peers, so it may not query"


def test_another_called_title_is_rejected_and_told_with_what_was_called(gated: Gated) -> None:
    assert gated.rejected(called=b"OTHER".ljust(16)) == b"\1\1\7"
    (refusal,) = gated.refused()
    assert (refusal.called, refusal.says) == ("OTHER", "it calls us 'OTHER', but we are 'PACSBOX'")


def test_a_stranger_from_elsewhere_is_rejected(gated: Gated) -> None:
    gated.set(lan=("192.0.2.0/24",))
    assert gated.rejected() == b"\1\1\3"
    assert gated.refused()[0].why == Why.OUTSIDE


def test_whoever_is_allowed_may_do_at_once_what_was_refused(gated: Gated) -> None:
    Scu(gated.port).associate([(FIND, [IMPLICIT])]).socket.close()
    gated.rejected(called=b"OTHER".ljust(16))
    wait_for(lambda: len(gated.box.refusals.all()) == 2, 20)
    peer = gated.box.peers.allow(gated.box.refusals.all())
    assert (peer.name, peer.ae_title, peer.host, peer.calls_us) == ("TEST", "TEST", "127.0.0.1", "OTHER")
    assert peer.rights == ("echo", "store", "query")

    def lets_in() -> bool:
        return not gated.rejected([(FIND, [IMPLICIT]), (GET, [IMPLICIT])], called=b"OTHER".ljust(16))

    wait_for(lets_in, 20)
    with Scu(gated.port).associate([(FIND, [IMPLICIT]), (GET, [IMPLICIT])]) as scu:
        assert (scu.accepted.keys(), scu.refused) == ({1}, {3: 1})
    gated.box.peers.change("TEST", rights=())
    wait_for(lambda: gated.rejected() == b"\1\1\3", 20)


def test_a_peer_from_another_address_is_a_stranger(gated: Gated) -> None:
    gated.box.peers.add("Ward", "TEST", "192.0.2.9", 104)
    wait_for(lambda: gated.gate.policy.peers, 20)
    with Scu(gated.port).associate([*STORE, (FIND, [IMPLICIT])]) as scu:
        assert (scu.accepted.keys(), scu.refused) == ({1}, {3: 1})
    (refusal,) = gated.refused()
    assert refusal.says == "it has the AE title of Ward, but not its address, so it may not query"
    peer = gated.box.peers.allow([refusal])
    assert (peer.name, peer.calls_from) == ("Ward", ("127.0.0.1/32",))


def test_who_only_retrieves_has_storage_contexts_but_stores_nothing(gated: Gated) -> None:
    gated.box.peers.add("Ward", "TEST", "127.0.0.1", 104, rights=("retrieve",))
    wait_for(lambda: gated.gate.policy.peers, 20)
    with Scu(gated.port).associate([(GET, [IMPLICIT]), *STORE]) as scu:
        assert (scu.accepted.keys(), scu.refused) == ({1}, {3: 1})
    with Scu(gated.port).associate([(GET, [IMPLICIT]), *STORE], user=maximum_length(16384) + _ROLE) as scu:
        assert not scu.refused
        before = gated.refused()[0].count
        for _ in range(3):
            assert scu.store(3, CT, UID, DATA).status == 0x0124
    assert not gated.box.spool("tests").waiting()
    wait_for(lambda: gated.refused()[0].count == before + 1, 20, "a refusal for the association")
    (refusal,) = gated.refused()
    assert (refusal.says, refusal.rights) == ("the peer Ward may not store", ("store",))


def test_titles_change_without_a_restart(gated: Gated) -> None:
    gated.set(ae_title="NEW", other_titles=("OLD", "PACSBOX"))
    for called in ("NEW", "OLD", "PACSBOX"):
        assert not gated.rejected(called=called.encode().ljust(16))
    gated.set(ae_title="NEW")
    assert gated.rejected() == b"\1\1\7"
    gated.set(check_called=False)
    assert not gated.rejected(called=b"ANYTHING".ljust(16))


def test_a_wrong_file_leaves_what_was_in_force(gated: Gated, caplog: pytest.LogCaptureFixture) -> None:
    gated.write(max_pdu=7)
    wait_for(lambda: "dicom.max_pdu" in caplog.text, 20)
    assert not gated.rejected()


def test_limits_of_associations_change_without_a_restart(gated: Gated) -> None:
    gated.set(max_per_peer=2)
    open_ones = [Scu(gated.port).associate(STORE) for _ in range(2)]
    assert gated.rejected() == b"\2\3\2"
    assert gated.refused()[0].says == "2 associations of this address are open already"
    gated.set(max_per_peer=10, max_associations=3)
    open_ones.append(Scu(gated.port).associate(STORE))
    assert gated.rejected() == b"\2\3\2"
    gated.set(max_associations=4)
    for scu in [*open_ones, Scu(gated.port).associate(STORE)]:
        scu.__exit__(None)


def test_the_pdu_size_is_offered_as_configured(gated: Gated) -> None:
    for size in (131072, 16384):
        gated.set(max_pdu=size)
        scu = Scu(gated.port)
        scu.socket.sendall(associate_request(STORE))
        assert maximum_length(size) in scu.pdu()[1]
        scu.socket.close()


def test_transfer_syntaxes_are_taken_in_the_configured_order_and_no_others(gated: Gated) -> None:
    jpeg, lossless = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
    gated.set(transfer_syntaxes=(lossless, IMPLICIT))
    with Scu(gated.port).associate([(CT, [EXPLICIT, IMPLICIT, lossless]), (CT, [jpeg, EXPLICIT])]) as scu:
        assert (scu.accepted, scu.refused) == ({1: lossless}, {3: 4})


def test_a_silent_peer_is_given_up_as_configured(gated: Gated) -> None:
    gated.set(idle_timeout=5, dimse_timeout=3600)
    scu = Scu(gated.port).associate(STORE)
    assert scu.pdu()[0] in (0, 7)
    scu.socket.close()


def test_a_receiver_that_starts_without_its_index_knows_its_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "INTERVAL", 0.05)
    before = Gated(tmp_path, hot=True)
    before.box.peers.add("Ward", "TEST", "127.0.0.1", 104, rights=("query",))
    wait_for((before.box.access_dir / "peers.json").exists, 20)
    before.receiver.stop()
    before.box.close()
    for path in before.box.index_path.parent.iterdir():
        path.unlink()
    after = Gated(tmp_path, hot=True)
    try:
        with Scu(after.port).associate([*STORE, (FIND, [IMPLICIT])]) as scu:
            assert (scu.accepted.keys(), scu.refused) == ({3}, {1: 1})
        assert after.refused()[0].says == "the peer Ward may not store"
        assert not after.box.index_path.exists()
    finally:
        after.receiver.stop()
        after.box.close()
