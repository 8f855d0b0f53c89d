"""What people read when something went wrong with a DICOMweb server."""

from __future__ import annotations

import pytest

from appliance.dicomweb import words
from appliance.peers.checking import checked_web
from appliance.peers.faults import Fault

PEER = checked_web("CLINIC-B", "https://pacs.clinic-b.example/dicom-web")


@pytest.mark.parametrize("fault", words._FAULTS)
def test_every_fault_has_words_that_name_the_peer(fault: Fault) -> None:
    error = words.trouble(fault, PEER)
    assert error.fault is fault
    assert "CLINIC-B" in str(error)
    assert str(error).endswith((".", "?"))
    assert "{" not in str(error)


@pytest.mark.parametrize(("code", "said"), [(10, "has expired"), (62, "another name"), (0, "pinned"), (19, "nobody")])
def test_certificates_are_told_apart(code: int, said: str) -> None:
    error = words.certificate(PEER, code)
    assert error.fault is Fault.CERTIFICATE
    assert said in str(error)


def test_an_image_that_is_too_large_comes_with_what_to_do() -> None:
    assert words.too_large("CLINIC-B", 350_000_000).startswith("CLINIC-B takes no image of 350 MB (413): ask them to")
