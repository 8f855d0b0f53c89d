"""C-FIND to a peer (PS3.4 C.4.1): ask what it has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from pydicom.datadict import dictionary_keyword, dictionary_VR, tag_for_keyword

from appliance.dicom.repertoire import ANY
from appliance.dicom.write import writer
from appliance.dimse import identifier, models
from appliance.dimse.client.association import Limits, comment, status
from appliance.dimse.client.conversation import Conversation
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.peers.faults import Fault, PeerError
from appliance.priors import words
from appliance.storage.rows import Peer

log = logging.getLogger(__name__)
_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_C_FIND = 0x0020
_MEDIUM = 0x0000
_PENDING = (0xFF00, 0xFF01)
_CANCELLED = 0xFE00
_MODELS = [models.MODELS[1], models.MODELS[0]]
"""Study Root first: it asks for a study without knowing its patient."""


def find(
    peer: Peer,
    keys: Mapping[str, str],
    *,
    ourselves: Ourselves,
    level: str = "STUDY",
    most: int = 500,
    limits: Limits | None = None,
) -> Iterator[dict[str, str]]:
    """The peer's answers to `keys` by keyword, at most so many, as text by keyword.

    Keys without a value are asked for. Raises `PeerError`.
    """
    contexts = [Context(model.sop_class(models.FIND), _SYNTAXES) for model in _MODELS]
    with Conversation(peer, ourselves, contexts, limits) as association:
        (sop_class, syntax), context = next(iter(association.accepted.items()), (("", ""), 0))
        if not context:
            raise PeerError(Fault.UNSUPPORTED, words.no_queries(peer.name, ourselves.title))
        asked = writer(syntax).data_set(
            {_tag(key): (dictionary_VR(_tag(key)), value) for key, value in keys.items()}
            | {identifier.LEVEL: ("CS", level)},
            ANY,
        )
        number = association.begin(context, _C_FIND, {0x0002: sop_class, 0x0700: _MEDIUM}, asked)
        heard = association.hear_next()
        count = 0
        while status(heard.command) in _PENDING:
            count += 1
            if count <= most:
                yield _read(heard.data, syntax)
            elif count == most + 1:
                association.cancel(context, number)
            heard = association.hear_next()
        if status(heard.command) not in (0, _CANCELLED):
            said = words.query_failed(peer.name, status(heard.command), comment(heard.command))
            raise PeerError(Fault.FAILED, said)


def _read(data: bytes, syntax: str) -> dict[str, str]:
    try:
        answer = identifier.read(data, syntax)
    except ValueError as fault:
        log.warning("an answer to a query cannot be read: %s", fault)
        return {}
    return {_keyword(tag): text for tag, text in answer.keys.items() if _keyword(tag)}


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag


def _keyword(tag: int) -> str:
    try:
        return dictionary_keyword(tag)
    except KeyError:
        return ""
