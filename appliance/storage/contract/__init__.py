"""The whole promise that a storage backend makes; one test suite runs against every backend.

Reads see committed data. Writes happen inside `Storage.transaction()`: all of it is durable when the block
ends, or nothing of it happened. A `Storage` belongs to the thread that opened it. Whatever raises
`IndexUnavailableError` may be tried again later; nothing was changed.
"""

from __future__ import annotations

from appliance.storage.contract.access import Audit, Tokens
from appliance.storage.contract.blobs import Blobs
from appliance.storage.contract.commitments import Commitments
from appliance.storage.contract.events import Events
from appliance.storage.contract.peers import Peers
from appliance.storage.contract.shares import Shares
from appliance.storage.contract.staff import Staff
from appliance.storage.contract.storage import Storage
from appliance.storage.contract.studies import Studies
from appliance.storage.contract.transfers import Proofs, Transfers
from appliance.storage.contract.worklist import Orders, Steps

__all__ = [
    "Audit",
    "Blobs",
    "Commitments",
    "Events",
    "Orders",
    "Peers",
    "Proofs",
    "Shares",
    "Staff",
    "Steps",
    "Storage",
    "Studies",
    "Tokens",
    "Transfers",
]
