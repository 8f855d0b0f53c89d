"""What C-GET and C-MOVE have in common: which instances are meant, how sub-operations are counted and told of.

```
request -> instances -> sub-operations, each one told by a pending response -> the final status
                          '-> C-CANCEL: what is left stays unsent
```
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping

from appliance.access.journal import Journal
from appliance.dicom.attributes import BY_TAG
from appliance.dicom.attributes import Level as Rows
from appliance.dicom.query import Kind, Match, condition
from appliance.dimse import command, identifier, models
from appliance.dimse import request as requests
from appliance.dimse.answering import Opening
from appliance.dimse.audited import note
from appliance.dimse.identifier import Identifier
from appliance.dimse.models import Level
from appliance.dimse.request import Request
from appliance.dimse.status import Status
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Studies
from appliance.storage.rows import TransferItem

log = logging.getLogger(__name__)

_MOST = 0xFFFF
"""Numbers of sub-operations are US."""


def matching(asked: Identifier, levels: tuple[Level, ...]) -> Match:
    """What `asked` names by unique keys. Raises ValueError with a sentence when it names nothing, or too much.

    As with queries, keys of the levels above may be left out (relational retrieval).
    """
    level = asked.level_in(levels)
    found = []
    for above in levels[: levels.index(level) + 1]:
        text = next((asked.text(tag) for tag in asked.keys if _keyword(tag) == above.unique), "")
        made = condition(above.unique, text) if text else None
        if made is not None and made.kind is not Kind.WILDCARD:
            found.append(made)
        elif above is level:
            raise ValueError(f"a retrieval at this level names its {level.unique}")
    return Match(Rows.INSTANCE, tuple(found))


def _keyword(tag: int) -> str:
    attribute = BY_TAG.get(tag)
    return attribute.keyword if attribute else ""


def items(studies: Studies, match: Match) -> dict[str, tuple[str, TransferItem]]:
    """The instances that match, each with its study and its file, by SOP Instance UID."""
    # Of each row no more than that: a patient may have tens of thousands.
    rows = {
        row["SOPInstanceUID"]: (row["StudyInstanceUID"], row["SOPClassUID"], row["AvailableTransferSyntaxUID"])
        for row in studies.find(match)
    }
    kept = studies.kept([*rows])
    return {
        uid: (study, TransferItem(uid, sop_class, syntax, kept[uid].blob_key, kept[uid].size))
        for uid, (study, sop_class, syntax) in rows.items()
        if uid in kept
    }


def begin(request: Request, storage: Opening, journal: Journal | None, what: str) -> Retrieval | None:
    """The retrieval that is asked for; None when the request is answered already, by a failure.

    `what`, such as C-GET, is for the audit.
    """
    try:
        asked = identifier.read(request.data, request.context.transfer_syntax)
        match = matching(asked, models.model_of(request.context.abstract_syntax).levels)
    except ValueError as fault:
        refuse(request, journal, what, Status.DOES_NOT_MATCH_SOP_CLASS, str(fault).partition(", got")[0])
        return None
    try:
        with storage() as index:
            return Retrieval(request, items(index.studies, match), journal, what)
    except IndexUnavailableError:
        refuse(request, journal, what, Status.UNABLE_TO_COUNT, "the index cannot be read at the moment")
        return None


def refuse(request: Request, journal: Journal | None, what: str, status: Status, comment: str) -> None:
    """Answer with a failure, before anything was sent."""
    request.respond(status, comment=comment)
    note(journal, request, "retrieve", what, status, items=0)


class Retrieval:
    """A C-GET or C-MOVE that goes on, within its block. Its methods raise ConnectionError when the peer has gone."""

    def __init__(
        self, request: Request, found: Mapping[str, tuple[str, TransferItem]], journal: Journal | None, what: str
    ) -> None:
        """`found` as `items` gives it; `what` is for the audit, which is told at the end of the block."""
        self.items = [item for _, item in found.values()]
        self._request = request
        self._journal = journal
        self._what = what
        self._left = {uid: study for uid, (study, _) in found.items()}
        self._given: Counter[str] = Counter()
        self._completed = 0
        self._warned = 0
        self._failed: list[str] = []
        self._outcome = Status.PENDING

    def __enter__(self) -> Retrieval:
        return self

    def __exit__(self, *_fault: object) -> None:
        """A row of the audit for each study of which something was sent."""
        for study, number in (self._given or {"": 0}).items():
            note(self._journal, self._request, "retrieve", self._what, self._outcome, study=study, items=number)

    @property
    def cancelled(self) -> bool:
        """Whether the peer asks for no more."""
        return self._request.cancelled

    def note(self, sop_instance_uid: str, *, sent: bool, warned: bool = False) -> None:
        """One sub-operation is over: tell the peer."""
        study = self._left.pop(sop_instance_uid)
        self._given[study] += sent
        if not sent:
            self._failed.append(sop_instance_uid)
        elif warned:
            self._warned += 1
        else:
            self._completed += 1
        if self._left:
            self._request.respond(Status.PENDING, also=self._counts() | {requests.REMAINING: _short(self._left)})

    def conclude(self, comment: str = "") -> None:
        """The final response: unless it was cancelled, what was not sent has failed."""
        cancelled = self.cancelled and bool(self._left)
        if not cancelled:
            self._failed += self._left
        self._outcome = status = Status.CANCELLED if cancelled else self._status()
        named = identifier.failed_instances(self._request.context, self._failed)
        remaining = {requests.REMAINING: _short(self._left)} if cancelled else {}
        self._request.respond(status, named, comment, self._counts() | remaining)
        sent = self._completed + self._warned
        log.info("%s fetched: %d sent, %d failed (0x%04X)", self._request.caller, sent, len(self._failed), status)

    def _status(self) -> Status:
        """PS3.4 tables C.4-2 and C.4-3."""
        if self._failed and not self._completed and not self._warned:
            return Status.UNABLE_TO_SEND
        return Status.SOME_FAILED if self._failed or self._warned else Status.SUCCESS

    def _counts(self) -> dict[int, command.Element]:
        return {
            requests.COMPLETED: min(self._completed, _MOST),
            requests.FAILED: _short(self._failed),
            requests.WARNINGS: min(self._warned, _MOST),
        }


def _short(several: Collection[str]) -> int:
    return min(len(several), _MOST)
