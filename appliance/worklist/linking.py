"""Which order a performed step is of: decided by what the modality gives back of it, with the patient checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.archive.patient import Patient
from appliance.dicom.json import Json
from appliance.dicom.matching import values
from appliance.dicom.worklist import tag_of
from appliance.storage.rows import Order, OrderState, Step
from appliance.worklist.report import SCHEDULED


@dataclass(frozen=True)
class Reference:
    """One item of the Scheduled Step Attributes Sequence: what it says of the order."""

    study_instance_uid: str
    accession_number: str
    step_id: str


def references(attributes: Json) -> list[Reference]:
    """The orders that a step names; one of a step that was not scheduled has a Study Instance UID alone."""
    keywords = ("StudyInstanceUID", "AccessionNumber", "ScheduledProcedureStepID")
    return [
        Reference(*(next(iter(values(item, tag_of(keyword))), "").strip() for keyword in keywords))
        for item in attributes.get(SCHEDULED, {}).get("Value", ())
    ]


def decide(reference: Reference, patient: Patient, known: Sequence[Order]) -> Order | str:
    """The order meant, or in words why none is.

    `known` go by at least one of the reference's identifiers. The one that agrees best is meant; where several do,
    the only open one.
    """
    ranked = [(order, _rank(reference, order)) for order in known]
    best = max((rank for _, rank in ranked), default=0)
    if best <= 0:
        return "It names no order of this box." if _names_one(reference) else "It was not scheduled."
    meant = [order for order, rank in ranked if rank == best]
    if not any(_is_of(order, patient) for order in meant):
        return f"It names order {meant[0].id}, but that is of another patient."
    meant = [order for order in meant if _is_of(order, patient)]
    meant = [order for order in meant if order.state.is_open] or meant
    return meant[0] if len(meant) == 1 else f"It fits {len(meant)} orders."


def contradiction(order: Order, step: Step) -> str:
    """Why staff can't link them; empty when they can."""
    if not _is_of(order, Patient.of(vars(step))):
        return "The order is of another patient: the names, IDs or birth dates contradict each other."
    if order.state is OrderState.CANCELLED:
        return "The order was cancelled."
    return ""


def _is_of(order: Order, patient: Patient) -> bool:
    return Patient.of(vars(order)).may_be(patient)


def _rank(reference: Reference, order: Order) -> int:
    """How well they agree. A study UID that differs says nothing: modalities make their own."""
    accession = _agreement(reference.accession_number, order.accession_number)
    step = _agreement(reference.step_id, order.scheduled_procedure_step_id)
    study = _agreement(reference.study_instance_uid, order.study_instance_uid)
    return 2 * accession + step + max(study, 0)


def _agreement(one: str, other: str) -> int:
    return (1 if one == other else -1) if one and other else 0


def _names_one(reference: Reference) -> bool:
    return bool(reference.accession_number or reference.step_id)
