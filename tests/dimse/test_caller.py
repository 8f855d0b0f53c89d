"""AE titles as devices really send them."""

from __future__ import annotations

import pytest
from pynetdicom import dul
from pynetdicom.pdu import A_ASSOCIATE_RQ

from appliance.dimse import caller
from tests.support.scu import EXPLICIT, associate_request

CASES = [
    (b"CT1             ", "CT1", ""),
    (b"  CT 1          ", "CT 1", ""),
    (b"CT1\0\0\0\0\0\0\0\0\0\0\0\0\0", "CT1", "NUL"),
    (b"CT1\0left over...", "CT1", "NUL"),
    (b"\0" * 16, "", "empty"),
    (b" " * 16, "", "empty"),
    ("RÖNTGEN".encode("latin-1").ljust(16), "R?NTGEN", "not allowed"),
    (b"A\\B".ljust(16), "A?B", "not allowed"),
    (b"TAB\tBED".ljust(16), "TAB?BED", "not allowed"),
    (b"WHAT?".ljust(16), "WHAT?", ""),
]


@pytest.mark.parametrize(("raw", "title", "fault"), CASES)
def test_a_title_is_read_and_its_fault_named(raw: bytes, title: str, fault: str) -> None:
    assert caller.title(raw) == title
    assert fault in caller.fault(raw) and bool(fault) == bool(caller.fault(raw))


@pytest.mark.parametrize(("raw", "title", "fault"), CASES)
def test_pynetdicom_decodes_our_request_whatever_the_titles(raw: bytes, title: str, fault: str) -> None:
    request = caller.AssociateRequest()
    request.decode(associate_request([("1.2.840.10008.1.1", [EXPLICIT])], raw, raw))
    who = caller.caller("10.0.0.5", request.to_primitive())
    assert (who.title, who.called) == (title, title)
    assert fault in who.fault
    assert str(who).endswith("at 10.0.0.5")


def test_pynetdicom_still_needs_this_and_still_has_the_place_for_it() -> None:
    """When this fails, pynetdicom has changed: see whether `accept_any_title` is still needed, and still works."""
    with pytest.raises(ValueError, match="AE Title"):
        A_ASSOCIATE_RQ().decode(associate_request([("1.2.840.10008.1.1", [EXPLICIT])], b" " * 16))
    caller.accept_any_title()
    kind, event = dul._PDU_TYPES[b"\x01"]
    assert kind is caller.AssociateRequest
    assert event == "Evt6"


def test_what_is_wrong_with_a_request_is_found_when_it_is_decoded() -> None:
    """Later, pynetdicom's thread would end by it, and the peer wait for an answer."""
    sent = bytearray(associate_request([("1.2.840.10008.1.1", [EXPLICIT])]))
    sent[sent.index(b"\x20\0", 74) + 4] = 2  # an even number for a presentation context
    with pytest.raises(ValueError, match="odd"):
        caller.AssociateRequest().decode(bytes(sent))
