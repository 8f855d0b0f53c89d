"""What follows from a server's answer to STOW-RS."""

from __future__ import annotations

import pytest

from appliance.dicomweb.answers import Fate, Reply, Verdict, read, verdict

JSON = b"""{"00081198": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]},
 "00081197": {"vr": "US", "Value": [272]}}]}, "00081199": {"vr": "SQ", "Value": [{"00081155": {"Value": ["1.1"]}},
 {"00081155": {"Value": ["1.3"]}, "00081196": {"vr": "US", "Value": [45056]}}]}}"""
XML = b"""<?xml version="1.0"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
 <DicomAttribute tag="00081198" vr="SQ"><Item number="1">
  <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2</Value></DicomAttribute>
  <DicomAttribute tag="00081197" vr="US"><Value number="1">272</Value></DicomAttribute></Item></DicomAttribute>
 <DicomAttribute tag="00081199" vr="SQ"><Item number="1">
  <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.1</Value></DicomAttribute></Item><Item number="2">
  <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.3</Value></DicomAttribute>
  <DicomAttribute tag="00081196" vr="US"><Value number="1">45056</Value></DicomAttribute></Item></DicomAttribute>
</NativeDicomModel>"""


@pytest.mark.parametrize("body", [JSON, XML, b"[" + JSON + b"]"])
def test_answers_are_read_in_json_and_in_xml(body: bytes) -> None:
    assert read(202, body) == Reply(202, {"1.1": 0, "1.3": 0xB000}, {"1.2": 0x0110})


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"3", b"[[]]", b'{"00081198": {"Value": [3, {}]}}', b"[" * 9999]
)
def test_what_cannot_be_read_says_nothing(body: bytes) -> None:
    found = read(200, body)
    assert (found.status, {*found.failed, *found.taken} - {""}) == (200, set())


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Reply(200), Fate.TAKEN),
        (Reply(200, {"1.2": 0}), Fate.TAKEN),
        (Reply(202, {"1.2": 0xB000}), Fate.TAKEN),
        (Reply(202, {}, {"1.2": 0x0111}), Fate.TAKEN),
        (Reply(202), Fate.TAKEN),
        (Reply(202, {}, {"1.2": 0xA700}), Fate.FULL),
        (Reply(409, {}, {"1.2": 0xC000}), Fate.REFUSED),
        (Reply(409, {}, {"1.2": 0x0122}), Fate.REFUSED),
        (Reply(409, {}, {"1.2": 0xC122}), Fate.CONVERT),
        (Reply(409, others=(0xA900,)), Fate.REFUSED),
        (Reply(409), Fate.REFUSED),
        (Reply(413), Fate.REFUSED),
        (Reply(415), Fate.CONVERT),
        (Reply(500), Fate.LATER),
        (Reply(503), Fate.LATER),
        (Reply(507), Fate.FULL),
    ],
)
def test_the_fate_of_an_instance_that_was_sent_alone(reply: Reply, fate: Fate) -> None:
    assert verdict(reply, "1.2", alone=True).fate is fate


@pytest.mark.parametrize("reply", [Reply(400), Reply(409), Reply(413), Reply(415), Reply(500), Reply(202, {"1.1": 0})])
def test_of_several_each_is_asked_apart_when_the_answer_does_not_tell_which(reply: Reply) -> None:
    assert verdict(reply, "1.2", alone=False) == Verdict(Fate.APART)


def test_a_server_that_is_away_is_not_asked_about_each() -> None:
    assert verdict(Reply(503), "1.2", alone=False) == Verdict(Fate.LATER)
