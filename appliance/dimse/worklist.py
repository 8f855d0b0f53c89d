"""Modality Worklist SCP: C-FIND for scheduled procedure steps (PS3.4 annex K)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.access.journal import Journal
from appliance.dicom.worklist import unsupported
from appliance.dicom.write import from_json, writer
from appliance.dimse import command
from appliance.dimse.answering import Opening, Question, answerer
from appliance.dimse.identifier import Identifier
from appliance.dimse.request import Request
from appliance.dimse.service import Service
from appliance.storage.contract import Storage
from appliance.worklist.answering import Worklist

SOP_CLASS = "1.2.840.10008.5.1.4.31"


def service(storage: Opening, character_set: Callable[[], str] = lambda: "", journal: Journal | None = None) -> Service:
    """The modality worklist; `character_set` is that of answers when the modality names none."""
    answer = answerer("worklist", _understand, storage, character_set, journal)
    return Service("worklist", (SOP_CLASS,), answers={command.C_FIND_RQ: answer})


def _understand(request: Request, asked: Identifier) -> Question:
    wanted = Worklist(asked.model, request.caller.title)
    encoding = writer(request.context.transfer_syntax)

    def answers(index: Storage) -> Iterator[bytes]:
        for item in wanted.answers(index.orders):
            yield encoding.data_set(from_json(item), asked.characters)

    return Question("orders", "", not unsupported(asked.model), answers)
