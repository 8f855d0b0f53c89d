"""Every screen at 80x24: its title, its keys and its essentials are there, nothing is cut off at the right."""

from __future__ import annotations

import pytest

from appliance.dimse.received import attributes
from tests.support.files import brainix, knee
from tests.support.modality import report

SCREENS = {
    # Keys, or what is to be seen before the next; and what is to be there in the end.
    "worklist": ((), ("Patient", "Born", "Study date", "Images", "Received", "F4 Peers")),
    "list": (("enter",), ("Enter Open", "s Share", "t Send", "/ Search", "F4 Peers", "born 1949-03-01")),
    "study": (("enter", "enter"), ("IRM cérébrale, neuro-crâne", "5Yp0E", "Body part", "Esc Back", "F4 Peers")),
    "share": (("enter", "s"), ("The link works for", "Enter Make the link", "Esc Cancel")),
    "qr": (("enter", "s", "The link works for", "enter"), ("Works until", "shown only now", "Esc Done")),
    "send": (("enter", "t"), ("CLINIC-B", "192.0.2.2:11112", "Enter Send", "a Add a peer", "Esc Cancel")),
    "progress": (("enter", "t", "> CLINIC-B", "enter"), ("0 of 44 images", "The sender is down", "c Stop sending")),
    "shares": (("f2",), ("Made", "Works until", "Status", "Opened", "Last", "u New PIN", "F4 Peers")),
    "log": (("f2", "> ", "enter"), ("When", "What", "From", "Esc Back")),
    "transfers": (("f3",), ("State", "Images", "To", "Patient", "When", "c Stop", "F4 Peers")),
    "peers": (("f4",), ("Name", "AE title", "Address", "Answer", "a Add", "e Test", "d Remove", "F4 Peers")),
    "peer": (("f4", "a"), ("Name", "AE title", "Address", "Port", "Enter Next field, then add", "Esc Cancel")),
    "orders": (("f6",), ("When", "State", "Patient", "What", "a Add", "c Cancel", "2 open", "Esc Back", "F4 Peers")),
    "order": (("f6", "a"), ("Name", "Born", "Type", "Accession", "Ctrl+S Save", "Esc Cancel")),
    "steps": (("f7",), ("Began", "State", "Station", "unlinked", "l Link", "o Orders", "1 unlinked", "Esc Back")),
    "link": (("f7", "Doe, Jane", "l"), ("Which order is this of?", "born 1970-01-01", "Enter Link", "Esc Cancel")),
    "attention": (("enter", "exclamation_mark"), ("What", "Why", "Since", "The receiver is down", "Esc Back")),
    "help": (("f1",), ("Keys: Studies", "F2", "Close the console")),
    "palette": (("ctrl+p",), ("Search for commands", "All links that patients have")),
    "confirm": (("ctrl+q",), ("Close the console?", "Enter Close", "Esc Leave it as it is")),
}


@pytest.fixture
def busy(box, fill):
    """Something on every screen."""
    fill(knee()[:3])
    fill(brainix())
    studies = box.storage.studies.search("", 2)
    box.sharing.create(studies[0].study_instance_uid)
    box.peers.add("CLINIC-B", "CLINIC-B", "192.0.2.2", 11112)
    box.transfers.enqueue(studies[0].study_instance_uid, "CLINIC-B")
    box.orders.add({"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}, "test")
    box.orders.add({"PatientName": "Roe^Richard", "PatientID": "4712", "Modality": "CT"}, "test")
    box.steps.create("1.2.3.9", attributes(report(AccessionNumber="UNKNOWN")), "MODALITY")


LARGE = ("worklist", "study", "qr", "shares", "transfers", "attention", "orders", "steps")
CASES = [*((name, (80, 24)) for name in SCREENS), *((name, (200, 60)) for name in LARGE)]


@pytest.mark.parametrize(("name", "size"), CASES, ids=[f"{name}-{width}x{height}" for name, (width, height) in CASES])
async def test_fits(opened, busy, name, size):
    keys, essentials = SCREENS[name]
    async with opened(size) as console:
        await console.sees("BRAINIX")
        for key in keys:
            await (console.sees(key) if " " in key else console.press(key))
        for part in essentials:
            await console.sees(part)
        assert len(console.lines) == size[1]
        assert all(line.count("…") <= 3 for line in console.lines)
        # Nothing but what every Linux console can draw: lines, full blocks, dots; half blocks in the code alone.
        odd = {c for c in console.text if ord(c) > 0x2000} - set("│─┌┐└┘█…")
        assert odd <= (set("▀▄") if name == "qr" else set())
