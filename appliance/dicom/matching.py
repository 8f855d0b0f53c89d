"""Matching a data set by keys, sequences included, where no index does it (PS3.4 C.2.2.2).

Keys and data set are DICOM JSON (PS3.18 Annex F). What a key means is `query`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydicom.datadict import keyword_for_tag

from appliance.dicom.attributes import Attribute, Level
from appliance.dicom.json import Json
from appliance.dicom.names import fold
from appliance.dicom.query import Condition, Kind, narrowing

Test = Callable[[Json], bool]

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_MIDNIGHT = "000000.000000"
_LAST_MOMENT = "235959.999999"
_CHARACTER_SET = "00080005"


@dataclass(frozen=True)
class Manner:
    """What was agreed on beside the matching that everybody does."""

    multiple: bool = False
    """Multiple value matching (C.2.2.2.8)."""
    empty: bool = False
    """Empty value matching (C.2.2.2.7)."""


PLAIN = Manner()


def matcher(keys: Json, manner: Manner = PLAIN) -> Test:
    """What tells whether a data set matches all of `keys`; those without value match everything.

    The range of a date and that of its time are one span of time, as PS3.4 K.6.1.2.2 has it for the
    start of a scheduled step. Raises ValueError when a value can't be one of its VR.
    """
    tests: list[Test] = []
    conditions: dict[str, Condition] = {}
    for tag, key in keys.items():
        if key["vr"] == "SQ":
            if test := _sequence(tag, key, manner):
                tests.append(test)
        elif found := _condition(tag, key, manner):
            conditions[tag] = found
    for date, time in _spans(conditions):
        tests.append(partial(_in_span, date, conditions.pop(date).values, time, conditions.pop(time).values))
    tests += [partial(_has, tag, condition) for tag, condition in conditions.items()]
    return lambda item: all(test(item) for test in tests)


def values(item: Json, tag: str) -> list[str]:
    """The values of an attribute as text; names with their component groups."""
    return [text(value) for value in item.get(tag, {}).get("Value", ()) if value is not None]


def text(value: Any) -> str:
    """A value of DICOM JSON as a data set has it."""
    if isinstance(value, Mapping):
        return "=".join(value.get(group, "") for group in _GROUPS).rstrip("=")
    return str(value)


def _condition(tag: str, key: Json, manner: Manner) -> Condition | None:
    keyword = keyword_for_tag(int(tag, 16))
    given = values({tag: key}, tag)
    if not keyword or not given or tag == _CHARACTER_SET:
        return None
    return narrowing(Attribute(keyword, Level.STUDY), "\\".join(given), multiple=manner.multiple, empty=manner.empty)


def _sequence(tag: str, key: Json, manner: Manner) -> Test | None:
    """Any item of the data set's sequence that matches the key's one item will do (C.2.2.2.6)."""
    items = key.get("Value", ())
    if not narrows(key, manner):
        return None
    inner = matcher(items[0], manner)
    return lambda item: any(inner(each) for each in item.get(tag, {}).get("Value", ()))


def narrows(sequence: Json, manner: Manner = PLAIN) -> bool:
    """Whether a sequence as a key has a value somewhere within that does not match everything."""
    return any(
        narrows(key, manner) if key["vr"] == "SQ" else _condition(tag, key, manner)
        for item in sequence.get("Value", ())
        for tag, key in item.items()
    )


def answer(
    keys: Json,
    item: Json,
    manner: Manner = PLAIN,
    known: Callable[[tuple[str, ...]], bool] = lambda _: True,
    path: tuple[str, ...] = (),
) -> Json:
    """What is asked for by `keys` of a data set that matches them; of sequences, the items that match.

    `known` says of a path of tags whether it is answered even where it is empty.
    """
    found: Json = {}
    for tag, key in keys.items():
        here, has = (*path, tag), item.get(tag)
        if has is None and not known(here):
            continue
        asked = key.get("Value", ()) if key["vr"] == "SQ" else ()
        if has and asked and asked[0]:
            matches = matcher(asked[0], manner)
            items = [answer(asked[0], each, manner, known, here) for each in has.get("Value", ()) if matches(each)]
            found[tag] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        else:
            found[tag] = has or {"vr": key["vr"]}
    return found


def _has(tag: str, condition: Condition, item: Json) -> bool:
    if condition.kind is Kind.EMPTY:
        return all(holds(condition, value) for value in values(item, tag))
    return any(holds(condition, value) for value in values(item, tag))


def holds(condition: Condition, value: str) -> bool:
    """Whether a value, in the form that its VR has as text, meets `condition`; an empty one meets none."""
    value = value.strip(" \0")
    vr, wanted = condition.attribute.vr, condition.values
    if not value or condition.kind is Kind.EMPTY:
        return not value and condition.kind is Kind.EMPTY
    if vr == "PN":
        return any(_is_named(value, each) for each in wanted)
    if vr == "DA":
        return _between(_plain(value), wanted[0], wanted[-1], "", "9")
    if vr == "TM":
        return _between(_padded(_plain(value), _MIDNIGHT), wanted[0], wanted[-1], _MIDNIGHT, _LAST_MOMENT)
    if vr in ("IS", "DS", "US"):
        return any(_same_number(value, each) for each in wanted)
    if condition.kind is Kind.WILDCARD:
        return any(is_like(value, each) for each in wanted)
    return value in wanted


def is_like(text: str, wanted: str) -> bool:
    """Whether `text` is as `wanted`, whose `*` stands for any text and whose `?` for one character (C.2.2.2.4).

    In no more steps than both lengths multiplied: a regular expression with many `.*` takes for ever.
    """
    at = asked = marked = 0
    star = -1
    while at < len(text):
        if asked < len(wanted) and wanted[asked] == "*":
            star, marked, asked = asked, at, asked + 1
        elif asked < len(wanted) and wanted[asked] in ("?", text[at]):
            at, asked = at + 1, asked + 1
        elif star >= 0:
            marked += 1
            at, asked = marked, star + 1
        else:
            return False
    return not wanted[asked:].strip("*")


def _is_named(name: str, wanted: str) -> bool:
    """Each component group of the key is one of the name's, without case and diacritics."""
    known = [fold(group) for group in name.split("=")]
    asked = [_forms(group) for group in map(fold, wanted.split("=")) if group]
    return all(any(is_like(group, form) for group in known if group for form in forms) for forms in asked)


def _forms(asked: str) -> set[str]:
    """What a folded group may look like: components that a wildcard leaves open may be absent, `Doe^*` finds `Doe`."""
    core = re.sub(r"( \*)+$", "", re.sub(r"^(\* )+", "", asked))
    before = {"", "* "} if asked.startswith("* ") else {""}
    after = {"", " *"} if asked.endswith(" *") else {""}
    return {f"{start}{core}{end}" for start in before for end in after}


def _same_number(value: str, wanted: str) -> bool:
    try:
        return float(value) == float(wanted)
    except ValueError:
        return value == wanted


def _plain(value: str) -> str:
    """Without the separators of ACR-NEMA days (PS3.5 6.2)."""
    if re.fullmatch(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}", value):
        return value.replace(".", "")
    return value.replace(":", "")


def _padded(value: str, rest: str) -> str:
    return value + rest[len(value) :]


def _between(value: str, low: str, high: str, least: str, most: str) -> bool:
    """Within bounds of which one may be open; one of less precision covers all that it names."""
    return _padded(low, least) <= value <= _padded(high, most)


def _spans(conditions: Mapping[str, Condition]) -> list[tuple[str, str]]:
    """The tags of dates and times that are ranges open on the same side, in pairs."""
    ranges = {c.attribute.keyword: tag for tag, c in conditions.items() if c.kind is Kind.RANGE}
    pairs = []
    for keyword, date in ranges.items():
        time = ranges.get(keyword.removesuffix("Date") + "Time")
        if keyword.endswith("Date") and time and _sides(conditions[date]) == _sides(conditions[time]):
            pairs.append((date, time))
    return pairs


def _sides(condition: Condition) -> tuple[bool, bool]:
    return bool(condition.values[0]), bool(condition.values[-1])


def _in_span(date: str, days: Sequence[str], time: str, times: Sequence[str], item: Json) -> bool:
    """From the first day's hour to the last day's hour (C.2.2.2.5.4)."""
    day, hour = (next(iter(values(item, tag)), "") for tag in (date, time))
    if not day:
        return False
    low = (days[0] or "0") + _padded(times[0], _MIDNIGHT)
    high = (days[1] or "9") + _padded(times[1], _LAST_MOMENT)
    return low <= _plain(day) + _padded(_plain(hour), _MIDNIGHT) <= high
