"""C-FIND of Query/Retrieve: the index answers, a row at a time (PS3.4 C.4.1).

Relational queries are answered whether or not they were agreed on: workstations ask them without asking first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from appliance.access.journal import Journal
from appliance.archive.looking import Look, example
from appliance.dicom import matching
from appliance.dicom.attributes import BY_TAG, MORE
from appliance.dicom.attributes import Level as Rows
from appliance.dicom.json import Json
from appliance.dicom.matching import Manner
from appliance.dicom.query import Condition, Match, condition
from appliance.dicom.write import from_json, writer
from appliance.dimse import command, identifier, models
from appliance.dimse.answering import MismatchError, Opening, Question, answerer
from appliance.dimse.identifier import Identifier
from appliance.dimse.models import Level
from appliance.dimse.request import Request
from appliance.dimse.service import Service
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
_SIGNED_OR_NOT = "US or SS"
"""What the dictionary says of pixel values: the image tells which."""
_TOLD = frozenset((*"AE AS CS DA DS DT IS LO LT PN SH SL SS ST TM UC UI UL UR US UT".split(), _SIGNED_OR_NOT))
"""VRs of what is answered from an image's metadata: those that are text there, or whole numbers."""
_METADATA = ""
"""Where a row has them; no keyword is empty."""
_READS_KEYS = 0x00080201
"""Timezone Offset From UTC tells how to read the other keys, and is no key itself."""


def service(
    storage: Opening,
    our_title: Callable[[], str],
    character_set: Callable[[], str] = lambda: "",
    journal: Journal | None = None,
) -> Service:
    """C-FIND in all information models.

    `our_title` is our AE title now; `character_set` that of answers when the caller names none.
    """

    def understand(request: Request, asked: Identifier) -> Question:
        levels = models.model_of(request.context.abstract_syntax).levels
        wanted = query(asked, levels, request.agrees)

        def answers(index: Storage) -> Iterator[bytes]:
            title = our_title()
            for row in rows(index.studies, wanted):
                yield encoded(row, wanted, asked, request.context.transfer_syntax, title)

        return Question(wanted.level, _only_study(wanted.match), wanted.complete, answers)

    answer = answerer("query", understand, storage, character_set, journal)
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
    """Tags of what only the metadata of an image tell: answered, and never matched."""
    sequences: Json = field(default_factory=dict)
    """Keys of which each answer carries the items that match."""
    looked_into: Json = field(default_factory=dict)
    """Those of the sequences that narrow: the index has no columns for them."""
    manner: Manner = matching.PLAIN


def query(asked: Identifier, levels: tuple[Level, ...], agrees: Callable[[int], bool] = lambda _: False) -> Query:
    """What `asked` asks for; `agrees` says what was agreed on by byte of the extended negotiation.

    Raises ValueError with a sentence for a key that cannot be right; `MismatchError` for a wrong level.
    """
    try:
        level = asked.level_in(levels)
    except ValueError as fault:
        raise MismatchError(str(fault)) from fault
    manner = Manner(multiple=agrees(MULTIPLE), empty=agrees(EMPTY))
    keywords = {tag: _keyword(tag, level) for tag in asked.keys}
    told = tuple(tag for tag in asked.keys if tag not in BY_TAG and _is_told(level, tag))
    supported = (_is_supported(tag, text, keywords[tag], tag in told) for tag, text in asked.keys.items())
    sequences = {tag: key for tag, key in asked.sequences.items() if _is_told(level, int(tag, 16), ("SQ",))}
    return Query(
        level,
        Match(level.rows, tuple(_conditions(asked, manner)), fuzzy=agrees(FUZZY), combined=agrees(DATE_TIME)),
        returned=tuple(dict.fromkeys((*filter(None, keywords.values()), level.unique))),
        complete=all(supported) and len(sequences) == len(asked.sequences),
        told=tuple(tag for tag in told if not keywords[tag]),
        sequences=sequences,
        looked_into=_looked_into(asked, manner) if level is not Level.PATIENT else {},
        manner=manner,
    )


def _keyword(tag: int, level: Level) -> str:
    """What an answer of this level has under `tag` from the index, or beside it; empty if nothing."""
    attribute = BY_TAG.get(tag)
    if attribute is not None and models.is_at(attribute, level):
        return attribute.keyword
    keyword = keyword_for_tag(tag)
    return keyword if keyword in _RESULTS[level] else ""


def _is_supported(tag: int, text: str, keyword: str, told: bool) -> bool:
    """What is not in the index is answered, and not matched."""
    if keyword and tag in BY_TAG:
        return True
    return not text if keyword or told else tag == _READS_KEYS


def _conditions(asked: Identifier, manner: Manner) -> Iterator[Condition]:
    for tag, text in asked.keys.items():
        if attribute := BY_TAG.get(tag):
            found = condition(attribute.keyword, text, multiple=manner.multiple, empty=manner.empty)
            yield from [found] if found else []


def _looked_into(asked: Identifier, manner: Manner) -> Json:
    """The sequences that narrow. Raises ValueError for a value within that can't be right."""
    known = {tag: key for tag, key in asked.sequences.items() if _vr(int(tag, 16)) == "SQ"}
    narrowing = {tag: key for tag, key in known.items() if matching.narrows(key, manner)}
    matching.matcher(narrowing, manner)
    return narrowing


def _is_told(level: Level, tag: int, vrs: Collection[str] = _TOLD) -> bool:
    """Whether the metadata of an image tell this of what is found at `level`, and not only of something below it."""
    order = list(Rows)
    above = order[: order.index(level.rows) + 1]
    known = level is Level.IMAGE or any(keyword_for_tag(tag) in MORE[each] for each in above)
    return known and level is not Level.PATIENT and _vr(tag) in vrs


def _only_study(match: Match) -> str:
    named = [each.values for each in match.conditions if each.attribute.keyword == "StudyInstanceUID"]
    return named[0][0] if len(named) == 1 and len(named[0]) == 1 else ""


def rows(studies: Studies, wanted: Query) -> Iterator[dict[str, Any]]:
    """What matches, by keyword. Raises `TooBroadError`."""
    if wanted.level is Level.PATIENT:
        yield from studies.patients(wanted.match)
        return
    counted = not set(_OF_PATIENT).isdisjoint(wanted.returned)
    look = Look(studies, wanted.looked_into, wanted.manner) if wanted.looked_into else None
    for row in studies.find(wanted.match):
        if look:
            row[_METADATA] = look.into(row, wanted.level.rows)
            if row[_METADATA] is None:
                continue
        elif wanted.told or wanted.sequences:
            row[_METADATA] = orjson.loads(example(studies, row, wanted.level.rows))
        if counted:
            row.update(studies.of_patient(row))
        yield row


def encoded(row: dict[str, Any], wanted: Query, asked: Identifier, transfer_syntax: str, our_title: str) -> bytes:
    """A row as the identifier of a response."""
    row["RetrieveAETitle"] = our_title
    row["InstanceAvailability"] = "ONLINE"
    values: dict[int, tuple[str, Any]] = {identifier.LEVEL: ("CS", wanted.level.value)}
    for keyword in wanted.returned:
        tag, vr = _tag_and_vr(keyword)
        values[tag] = (vr, str(row[keyword]))
    for tag in wanted.told:
        values[tag] = _of_image(row[_METADATA], tag)
    if wanted.sequences:
        values.update(from_json(matching.answer(wanted.sequences, row[_METADATA], wanted.manner)))
    return writer(transfer_syntax).data_set(values, asked.characters)


def _of_image(metadata: Json, tag: int) -> tuple[str, str]:
    key, vr = f"{tag:08X}", _vr(tag)
    if vr == _SIGNED_OR_NOT:
        vr = "SS" if metadata.get(key, {}).get("vr") == "SS" else "US"
    return vr, "\\".join(matching.values(metadata, key))


def _vr(tag: int) -> str:
    """Empty for what the dictionary has not, such as private attributes."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


@cache
def _tag_and_vr(keyword: str) -> tuple[int, str]:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag, dictionary_VR(tag)
