"""When is a transfer tried again?"""

from __future__ import annotations

import pytest

from appliance.peers.faults import Fault
from appliance.transfers.retry import FINAL, delay


def test_the_pauses_grow_up_to_half_an_hour() -> None:
    pauses = [delay(Fault.SILENT, attempt, 12) for attempt in range(1, 12)]
    assert pauses == [5, 15, 60, 300, 900, 1800, 1800, 1800, 1800, 1800, 1800]


def test_the_last_try_is_the_last() -> None:
    assert delay(Fault.SILENT, 11, 12) is not None
    assert delay(Fault.SILENT, 12, 12) is None
    assert delay(Fault.SILENT, 1, 1) is None


@pytest.mark.parametrize(
    "fault", [Fault.CALLING_AE, Fault.CALLED_AE, Fault.REFUSED, Fault.UNSUPPORTED, Fault.NOT_DICOM]
)
def test_what_someone_must_change_first_is_not_tried_again(fault: Fault) -> None:
    assert delay(fault, 1, 12) is None


@pytest.mark.parametrize("fault", sorted(set(Fault) - FINAL))
def test_what_waiting_may_cure_is_tried_again(fault: Fault) -> None:
    assert delay(fault, 1, 12) == 5
