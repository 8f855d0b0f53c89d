"""C-FIND of Query/Retrieve: the index answers, a row at a time (PS3.4 C.4.1).

Relational queries are answered whether or not they were agreed on: workstations ask them without asking first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
from pydicom.datadict import dictionary_keyword, dictionary_VR, tag_for_keyword

from appliance.dicom import matching
from appliance.dicom.attributes import BY_TAG
from appliance.dicom.query import Condition, Match, condition
from appliance.dicom.repertoire import repertoire
from appliance.dicom.write import writer
from appliance.dimse import command, identifier, models
from appliance.dimse.identifier import Identifier
from appliance.dimse.models import Level
from appliance.dimse.request import Request
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage, Studies

RELATIONAL, DATE_TIME, FUZZY, _TIMEZONE, _ENHANCED, EMPTY, MULTIPLE = range(1, 8)
"""Bytes of the extended negotiation (PS3.4 C.5.1.1)."""
_ABLE = bytes((1, 1, 1, 0, 0, 1, 1))

_OF_PATIENT = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")
_WHERE = ("RetrieveAETitle", "InstanceAvailability")
_RESULTS: dict[Level, tuple[str, ...]] = {
    Level.PATIENT: (*_OF_PATIENT, *_WHERE),
    Level.STUDY: (*_OF_PATIENT, *_WHERE),
    Level.SERIES: _WHERE,
    Level.IMAGE: (*_WHERE, "AvailableTransferSyntaxUID"),
}
"""What is answered beside the index's attributes, and never matched."""
_TOLD = frozenset("AE AS CS DA DS DT IS LO LT PN SH SL SS ST TM UC UI UL UR US UT".split())
"""VRs of what is answered from an image's metadata: those that are text there, or whole numbers."""
_METADATA = ""
"""Where a row has them; no keyword is empty."""
_READS_KEYS = 0x00080201
"""Timezone Offset From UTC tells how to read the other keys, and is no key itself."""

log = logging.getLogger(__name__)

Opening = Callable[[], AbstractContextManager[Storage]]
"""Opens the index for the thread that asks, and closes it at the end of the block."""


def service(storage: Opening, our_title: str, character_set: Callable[[], str] = lambda: "") -> Service:
    """C-FIND in all information models; `character_set` is that of answers when the caller names none."""

    def answer(request: Request) -> None:
        _answer(request, storage, our_title, character_set())

    return Service("query", models.sop_classes(models.FIND), answers={command.C_FIND_RQ: answer}, able=_ABLE)


@dataclass(frozen=True)
class Query:
    """A C-FIND as the index understands it."""

    level: Level
    match: Match
    returned: tuple[str, ...]
    """Keywords of what each answer carries."""
    complete: bool
    """Whether all keys are supported; else each answer says that some are not."""
    told: tuple[int, ...] = ()
    """Tags of what only an image's own metadata tell: answered, and never matched."""


def query(asked: Identifier, levels: tuple[Level, ...], agrees: Callable[[int], bool] = lambda _: False) -> Query:
    """What `asked` asks for; `agrees` says what was agreed on by byte of the extended negotiation.

    Raises ValueError with a sentence for a key that cannot be right; `LevelError` for a wrong level.
    """
    try:
        level = asked.level_in(levels)
    except ValueError as fault:
        raise LevelError(str(fault)) from fault
    conditions: list[Condition] = []
    returned: list[str] = []
    told: list[int] = []
    complete = True
    for tag, text in asked.keys.items():
        attribute = BY_TAG.get(tag)
        if attribute is not None and text is not None:
            found = condition(attribute.keyword, text, multiple=agrees(MULTIPLE), empty=agrees(EMPTY))
            conditions += [found] if found else []
        if attribute is not None and models.is_at(attribute, level):
            returned.append(attribute.keyword)
        elif _result(tag, level):
            returned.append(_result(tag, level))
            complete = complete and not text
        elif level is Level.IMAGE and attribute is None and _vr(tag) in _TOLD:
            told.append(tag)
            complete = complete and not text
        else:
            complete = complete and tag == _READS_KEYS
    match = Match(level.rows, tuple(conditions), fuzzy=agrees(FUZZY), combined=agrees(DATE_TIME))
    return Query(level, match, tuple(dict.fromkeys((*returned, level.unique))), complete, tuple(told))


class LevelError(ValueError):
    """The query's level is missing, or none of its model."""


def _result(tag: int, level: Level) -> str:
    """The keyword, if it is one that is answered beside the index's."""
    try:
        keyword = dictionary_keyword(tag)
    except KeyError:
        return ""
    return keyword if keyword in _RESULTS[level] else ""


def _answer(request: Request, storage: Opening, our_title: str, character_set: str) -> None:
    try:
        asked = identifier.read(request.identifier, request.context.transfer_syntax)
        if not asked.characters.name:
            asked = replace(asked, characters=repertoire(character_set.encode("ascii")))
        wanted = query(asked, models.model_of(request.context.abstract_syntax).levels, request.agrees)
    except LevelError as fault:
        return request.respond(Status.DOES_NOT_MATCH_SOP_CLASS, comment=str(fault))
    except ValueError as fault:
        return request.respond(Status.CANNOT_UNDERSTAND, comment=str(fault).partition(", got")[0])
    count = 0
    try:
        with storage() as index:
            for count, row in enumerate(rows(index.studies, wanted), 1):  # noqa: B007 - told at the end
                if request.cancelled:
                    return request.respond(Status.CANCELLED)
                status = Status.PENDING if wanted.complete else Status.PENDING_WITHOUT_SOME_KEYS
                request.respond(status, encoded(row, wanted, asked, request.context.transfer_syntax, our_title))
    except IndexUnavailableError:
        return request.respond(Status.UNABLE_TO_PROCESS, comment="the index cannot be read at the moment")
    request.respond(Status.SUCCESS)
    log.info("%s asked for %s: %d answers", request.caller, wanted.level.lower(), count)
    return None


def rows(studies: Studies, wanted: Query) -> Iterator[dict[str, Any]]:
    """What matches, by keyword."""
    if wanted.level is Level.PATIENT:
        yield from studies.patients(wanted.match)
        return
    counted = not set(_OF_PATIENT).isdisjoint(wanted.returned)
    for row in studies.find(wanted.match):
        if counted:
            row.update(studies.of_patient(row))
        if wanted.told:
            row[_METADATA] = orjson.loads((studies.metadata_of([row["SOPInstanceUID"]]) or [b"{}"])[0])
        yield row


def encoded(row: dict[str, Any], wanted: Query, asked: Identifier, transfer_syntax: str, our_title: str) -> bytes:
    """A row as the identifier of a response."""
    row["RetrieveAETitle"] = our_title
    row["InstanceAvailability"] = "ONLINE"
    values = {identifier.LEVEL: ("CS", wanted.level.value)}
    for keyword in wanted.returned:
        tag, vr = _known(keyword)
        values[tag] = (vr, str(row[keyword]))
    for tag in wanted.told:
        values[tag] = (_vr(tag), "\\".join(matching.values(row[_METADATA], f"{tag:08X}")))
    return writer(transfer_syntax).data_set(values, asked.characters)


def _vr(tag: int) -> str:
    """Empty for what the dictionary has not, such as private attributes."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


@cache
def _known(keyword: str) -> tuple[int, str]:
    """Tag and VR."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag, dictionary_VR(tag)
