"""The kinds of news in the index: a numbered row each, in the transaction of the change."""

from __future__ import annotations

from datetime import UTC, datetime

STUDY_RECEIVED = "study.received"
"""Instances came: `instances` how many, `new` whether the study is new."""
CHARACTER_SET_DOUBTED = "charset.doubted"
"""Text of a study may be misread: `source` is the sender's AE title, `why` says it in words."""
STUDY_DELETED = "study.deleted"
INSTANCE_REJECTED = "instance.rejected"
INSTANCE_CONFLICT = "instance.conflict"
SHARE_CHANGED = "share.changed"
"""A share was made, opened, locked, re-armed or revoked: `share`, `what`."""
PEER_CHANGED = "peer.changed"
TOKEN_CHANGED = "token.changed"
"""An access token was made or revoked: `token`, `what`."""
STAFF_CHANGED = "staff.changed"
"""Somebody of the clinic was added, changed or removed: `person` is their number, `what`."""
TRANSFER_CHANGED = "transfer.changed"
"""A transfer moved on: `transfer`, `state`."""
ORDER_CHANGED = "order.changed"
"""An order was made, changed, or moved on: `order`, `state`."""
STEP_CHANGED = "step.changed"
"""A modality reported a performed procedure step, or it was linked: `step`, `state`, `orders`."""


def now() -> str:
    """The present as all rows have it: UTC, ISO 8601, milliseconds."""
    return stamp(datetime.now(UTC))


def stamp(time: datetime) -> str:
    """`time` as all rows have it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
