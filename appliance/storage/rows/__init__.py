"""The rows that are not DICOM's own, one file a concept. Times are UTC, ISO 8601."""

from __future__ import annotations

from appliance.storage.rows.access import AuditRow, Token
from appliance.storage.rows.commitments import Commitment, CommitmentState, Reference
from appliance.storage.rows.events import Event
from appliance.storage.rows.instances import Arrived, Held, Kept, Stored
from appliance.storage.rows.peers import EVERYTHING, Peer, Right
from appliance.storage.rows.shares import Opening, Share
from appliance.storage.rows.staff import Person
from appliance.storage.rows.transfers import Proof, Transfer, TransferItem, TransferState
from appliance.storage.rows.worklist import Order, OrderState, Step, StepState, WorklistFile

__all__ = [
    "EVERYTHING",
    "Arrived",
    "AuditRow",
    "Commitment",
    "CommitmentState",
    "Event",
    "Held",
    "Kept",
    "Opening",
    "Order",
    "OrderState",
    "Peer",
    "Person",
    "Proof",
    "Reference",
    "Right",
    "Share",
    "Step",
    "StepState",
    "Stored",
    "Token",
    "Transfer",
    "TransferItem",
    "TransferState",
    "WorklistFile",
]
