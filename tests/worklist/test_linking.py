"""Which order a performed step is of."""

from __future__ import annotations

import pytest

from appliance.archive.patient import Patient
from appliance.storage.rows import Order, OrderState
from appliance.worklist.linking import Reference, decide
from tests.support.orders import order

_JANE = Patient("4711", "doe jane", "19700131")


FIRST = order(1, study_instance_uid="2.25.1", accession_number="A1", scheduled_procedure_step_id="S1")
SECOND = order(2, study_instance_uid="2.25.1", accession_number="A1", scheduled_procedure_step_id="S2")
HIS = order(3, accession_number="A3", patient_name="Roe^Richard", patient_id="4712", patient_birth_date="19650101")
OLD = order(4, accession_number="A5", state=OrderState.COMPLETE)
AGAIN = order(5, accession_number="A5")


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        (Reference("2.25.1", "A1", "S1"), 1),
        (Reference("2.25.1", "A1", "S2"), 2),
        (Reference("", "", "S2"), 2),
        (Reference("1.9", "A1", "S1"), 1),
        (Reference("", "A5", ""), 5),
        (Reference("2.25.1", "A1", ""), "It fits 2 orders."),
        (Reference("", "A3", ""), "It names order 3, but that is of another patient."),
        (Reference("1.9", "B9", "S1"), "It names no order of this box."),
        (Reference("1.9", "", ""), "It was not scheduled."),
    ],
    ids=str,
)
def test_identifiers_are_weighed_and_the_patient_is_checked(reference: Reference, meant: int | str) -> None:
    found = decide(reference, _JANE, [FIRST, SECOND, HIS, OLD, AGAIN])
    assert (found.id if isinstance(found, Order) else found) == meant


def test_a_patient_of_whom_the_modality_says_nothing_contradicts_nobody() -> None:
    assert decide(Reference("", "A3", ""), Patient(), [HIS]) is HIS
