"""A caller asks what we keep: written down before it gets its answer, so that the report outlives every restart.

```
N-ACTION -> accept: durable, due in HEAD_START --same association still open--> report -> reported
                                               '--it is not, or we died--> the sender's `Reporter` calls the peer
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from appliance.access.rights import networks, within
from appliance.commitment.messages import Question
from appliance.events import stamp
from appliance.storage.contract import Storage
from appliance.storage.rows import Commitment, Peer

HEAD_START = 30.0
"""Seconds that the receiver has to report on the association of the question, before the sender does it."""


def accept(storage: Storage, question: Question, *, ae_title: str, called: str, address: str, mark: str) -> Commitment:
    """Write down a question; `mark` is what `Evidence.mark` said when it came. Raises `IndexUnavailableError`.

    The same question once more, as after an answer that was lost, is the same transaction; another one with its
    Transaction UID is told so in its report.
    """
    new = Commitment(
        transaction_uid=question.transaction_uid,
        ae_title=ae_title,
        called=called,
        address=address,
        references=question.references,
        fingerprint=question.fingerprint,
        mark=mark,
        due=stamp(datetime.now(UTC) + timedelta(seconds=HEAD_START)),
    )
    with storage.transaction():
        earlier = storage.commitments.of_transaction(question.transaction_uid)
        same = next((known for known in earlier if is_same(known, new)), None)
        if same is not None:
            storage.commitments.ask_again(same.id, new)
            return storage.commitments.get(same.id) or same
        duplicate = any(not known.duplicate for known in earlier)
        return storage.commitments.add(replace(new, duplicate=duplicate))


def is_same(known: Commitment, asked: Commitment) -> bool:
    """Whether a caller asks what it asked before."""
    return (known.ae_title, known.fingerprint) == (asked.ae_title, asked.fingerprint)


def asker(peers: Sequence[Peer], commitment: Commitment) -> Peer | None:
    """Who is to be told: the peer of that AE title, rather the one that calls from the address that asked."""
    known = [peer for peer in peers if peer.ae_title == commitment.ae_title]
    here = (peer for peer in known if peer.host == commitment.address or _calls_from(peer, commitment.address))
    return next(here, known[0] if known else None)


def _calls_from(peer: Peer, address: str) -> bool:
    return within(address, networks(peer.calls_from))
