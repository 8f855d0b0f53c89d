"""The book of performed steps: what modalities reported, and which orders that fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from appliance import events
from appliance.archive.patient import Patient
from appliance.dicom.json import Json
from appliance.dicom.matching import values
from appliance.dicom.worklist import tag_of
from appliance.errors import AlreadyExistsError, NotFoundError, PacsboxError
from appliance.storage.contract import Storage
from appliance.storage.rows import Order, Step
from appliance.worklist import linking, progress, report
from appliance.worklist.report import Refusal, ReportError

_COLUMNS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "modality": "Modality",
    "station": "PerformedStationAETitle",
    "start_date": "PerformedProcedureStepStartDate",
    "start_time": "PerformedProcedureStepStartTime",
    "description": "PerformedProcedureStepDescription",
}
_UNTIED = "Staff untied it from its order."


@dataclass(frozen=True)
class StepBook:
    """Taking reports in, and linking them."""

    storage: Storage

    def create(self, sop_instance_uid: str, attributes: Json, source_ae: str) -> Step:
        """A modality begins (N-CREATE); linked to its orders where they can be told. Raises `ReportError`."""
        report.check_new(sop_instance_uid, attributes)
        with self.storage.transaction():
            step = _step(sop_instance_uid, attributes, source_ae)
            try:
                self.storage.steps.add(step)
            except AlreadyExistsError as fault:
                raise ReportError(Refusal.DUPLICATE, str(fault).rstrip(".")) from fault
            orders, note = self._meant(step)
            self._link(replace(step, note=note), [order.id for order in orders])
        return self.get(sop_instance_uid)

    def update(self, sop_instance_uid: str, modifications: Json) -> Step:
        """A modality goes on or ends (N-SET). Raises `ReportError`."""
        with self.storage.transaction():
            step = self.storage.steps.get(sop_instance_uid)
            if step is None:
                raise ReportError(Refusal.UNKNOWN, "no such performed procedure step")
            attributes = report.changed(step.state, step.attributes, modifications)
            after = _step(sop_instance_uid, attributes, step.source_ae)
            self._keep(replace(after, note=step.note, order_ids=step.order_ids))
        return self.get(sop_instance_uid)

    def link(self, sop_instance_uid: str, order_id: int) -> Step:
        """Staff say that it is of this order, and of no other.

        Raises `NotFoundError`, and `PacsboxError` when the patient is another.
        """
        with self.storage.transaction():
            step, order = self.get(sop_instance_uid), self.storage.orders.get(order_id)
            if order is None:
                raise NotFoundError(f"There is no order {order_id}.", "See `pacsbox order list --all`.")
            if wrong := linking.contradiction(order, step):
                raise PacsboxError(wrong, "Correct the order first, or choose another.")
            self._link(replace(step, note=""), [order_id])
        return self.get(sop_instance_uid)

    def unlink(self, sop_instance_uid: str) -> Step:
        """Staff say that it is of none of the orders that it is linked to. Raises `NotFoundError`."""
        with self.storage.transaction():
            self._link(replace(self.get(sop_instance_uid), note=_UNTIED), [])
        return self.get(sop_instance_uid)

    def get(self, sop_instance_uid: str) -> Step:
        """By its SOP Instance UID. Raises `NotFoundError`."""
        step = self.storage.steps.get(sop_instance_uid)
        if step is None:
            raise NotFoundError("There is no such performed procedure step.")
        return step

    def all(self, limit: int = 200) -> list[Step]:
        """Newest first."""
        return self.storage.steps.all(limit)

    def _meant(self, step: Step) -> tuple[list[Order], str]:
        """The orders that it names, and why not where it names one that is not to be had."""
        patient = Patient.of(vars(step))
        orders: list[Order] = []
        notes: list[str] = []
        for reference in linking.references(step.attributes):
            known = self.storage.orders.known_by(**vars(reference))
            found = linking.decide(reference, patient, known)
            if isinstance(found, Order):
                orders.append(found)
            else:
                notes.append(found)
        return orders, " ".join(dict.fromkeys(notes))

    def _link(self, step: Step, order_ids: Sequence[int]) -> None:
        self.storage.steps.link(step.sop_instance_uid, order_ids)
        for order_id in set(step.order_ids) - set(order_ids):
            self._refresh(order_id, afresh=True)
        self._keep(replace(step, order_ids=tuple(order_ids)))

    def _keep(self, step: Step) -> None:
        """Enter it, tell of it, and look anew at its orders."""
        self.storage.steps.change(step)
        uids = [reference.study_instance_uid for reference in linking.references(step.attributes)]
        detail = {"step": step.sop_instance_uid, "state": step.state, "orders": list(step.order_ids)}
        self.storage.events.add(events.STEP_CHANGED, uids[0] if uids else "", **detail)
        for order_id in step.order_ids:
            self._refresh(order_id)

    def _refresh(self, order_id: int, *, afresh: bool = False) -> None:
        order = self.storage.orders.get(order_id)
        if order is not None:
            progress.refresh(self.storage, order, afresh=afresh)


def _step(sop_instance_uid: str, attributes: Json, source_ae: str) -> Step:
    found: dict[str, Any] = {
        column: next(iter(values(attributes, tag_of(keyword))), "").strip() for column, keyword in _COLUMNS.items()
    }
    named = [reference.accession_number for reference in linking.references(attributes)]
    found["accession_number"] = next(filter(None, named), "")
    return Step(sop_instance_uid, report.status_of(attributes), attributes, source_ae, **found)
