"""What people read when something went wrong with a peer."""

from __future__ import annotations

import pytest
from pydicom.uid import AllTransferSyntaxes
from pynetdicom.sop_class import _STORAGE_CLASSES

from appliance.peers.faults import Fault
from appliance.storage.rows import Peer
from appliance.transfers import words

PEER = Peer("CLINIC-B", "CB", "10.0.0.7", 104)


OF_DICOMWEB = (Fault.NOT_DICOMWEB, Fault.UNAUTHORIZED, Fault.FORBIDDEN)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in OF_DICOMWEB])
def test_every_fault_has_words_that_name_the_peer(fault: Fault) -> None:
    said = words.trouble(fault, PEER, "PACSBOX")
    assert "CLINIC-B" in said
    assert said.endswith((".", "?"))
    assert "{" not in said


def test_words_say_what_to_do() -> None:
    assert words.trouble(Fault.CALLING_AE, PEER, "PACSBOX") == (
        "CLINIC-B did not accept our AE title PACSBOX: ask them to add it."
    )
    assert words.trouble(Fault.CALLED_AE, PEER, "PACSBOX") == (
        "CLINIC-B says it is not called CB: check the AE title under peers;"
        " if it is right, ask them to add ours, PACSBOX."
    )
    assert words.trouble(Fault.SILENT, PEER, "PACSBOX") == (
        "Nothing answers at 10.0.0.7 port 104: is CLINIC-B switched on, and is the address right?"
    )


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "expected"),
    [
        ("1.2.840.10008.1.2.1", "uncompressed images"),
        ("1.2.840.10008.1.2.4.50", "JPEG images"),
        ("1.2.840.10008.1.2.4.70", "lossless JPEG images"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS images"),
        ("1.2.840.10008.1.2.4.90", "JPEG 2000 images"),
        ("1.2.840.10008.1.2.4.102", "films"),
        ("1.2.840.10008.1.2.4.201", "HTJ2K images"),
        ("1.2.840.10008.1.2.5", "RLE images"),
        ("1.2.3.4", "images of a private format"),
    ],
)
def test_formats_have_plain_names(transfer_syntax_uid: str, expected: str) -> None:
    assert words.image_format(transfer_syntax_uid) == expected


def test_no_public_format_or_kind_is_called_by_its_uid() -> None:
    for uid in AllTransferSyntaxes:
        assert "1.2" not in words.image_format(uid)
    for uid in _STORAGE_CLASSES.values():
        assert "1.2" not in words.kind(uid)


@pytest.mark.parametrize(
    ("sop_class_uid", "expected"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT Images"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF objects"),
        ("1.2.3.4", "objects of a private kind"),
    ],
)
def test_kinds_have_plain_names(sop_class_uid: str, expected: str) -> None:
    assert words.kind(sop_class_uid) == expected


def test_a_comment_of_the_peers_is_quoted_without_control_characters() -> None:
    assert words.refused("B", 0xC000, "Patient\x1b[2J unknown\n ") == (
        "B could not make sense of it (C000, “Patient[2J unknown”)."
    )


def test_the_main_reason_stands_for_many() -> None:
    assert words.left_out(["No."], 1) == "1 of 1 image not sent: No."
    assert words.left_out(["No.", "No.", "Damaged."], 10) == "3 of 10 images not sent, mainly: No."


def test_remarks_are_told_only_if_there_are_any() -> None:
    assert words.done([], 10, 0) == ""
    assert words.done(["B changed it.", "B changed it."], 10, 0) == "All sent. 2 of 10 images: B changed it."


def test_what_arrived_since_is_told() -> None:
    assert words.done([], 10, 1) == "1 image arrived since the 10 that were sent: send the study again for that."
    assert words.done(["B changed it."], 10, 2) == (
        "All sent. 1 of 10 images: B changed it. 2 images arrived since the 10 that were sent:"
        " send the study again for those."
    )
