"""Orders, the files that some come from, and the steps that modalities report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class OrderState(StrEnum):
    """Where an order is; computed from what is linked to it (`worklist.progress`).

    ordered -> started (a linked step is in progress) -> images here -> complete (the step is, and all its images)
    ordered <- started (every linked step was discontinued, and no image came)
    ordered | started -> expired;  images here -> complete (the day is long over);  ordered -> cancelled (staff)
    """

    ORDERED = "ordered"
    STARTED = "started"
    IMAGES_HERE = "images here"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether modalities are told of it."""
        return self in (OrderState.ORDERED, OrderState.STARTED, OrderState.IMAGES_HERE)


@dataclass(frozen=True)
class Order:
    """A scheduled procedure step that modalities may ask for."""

    id: int
    state: OrderState
    item: dict[str, Any]
    """The whole worklist item as DICOM JSON (PS3.18 Annex F); the fields below are what it says."""
    source: str
    """Who made it: `console`, `command line`, `import`, `file NAME`, `demo`."""
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    study_instance_uid: str
    requested_procedure_id: str
    scheduled_procedure_step_id: str
    modality: str
    station: str
    """Scheduled Station AE Title; empty for whoever asks."""
    start_date: str
    """`YYYYMMDD`, local time as all of DICOM's."""
    start_time: str
    description: str
    images: int = 0
    """Instances of its study that are here."""
    created: str = ""
    updated: str = ""


@dataclass(frozen=True)
class WorklistFile:
    """A file of the watched folder, as it was last seen."""

    name: str
    """Its path within the folder."""
    mark: str
    """Changes when the file does."""
    order_id: int | None
    """The order that it holds; None when it can't be read."""
    fault: str
    """Why it can't be read; empty when it can."""


class StepState(StrEnum):
    """Performed Procedure Step Status (0040,0252): IN PROGRESS -> COMPLETED | DISCONTINUED, which are for good."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"

    @property
    def is_final(self) -> bool:
        """Whether it may no longer be updated (PS3.4 F.7.2.2)."""
        return self is not StepState.IN_PROGRESS


@dataclass(frozen=True)
class Step:
    """What a modality reported: a performed procedure step."""

    sop_instance_uid: str
    state: StepState
    attributes: dict[str, Any]
    """All that the modality said, as DICOM JSON; the fields below are what it says."""
    source_ae: str
    """Who reported it."""
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    modality: str
    station: str
    """Performed Station AE Title."""
    start_date: str
    start_time: str
    description: str
    note: str = ""
    """Why it is linked to no order; empty when it is."""
    order_ids: tuple[int, ...] = ()
    """The orders that it is linked to."""
    created: str = ""
    updated: str = ""
