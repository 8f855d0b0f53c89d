"""What a modality that asks for its worklist is answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from appliance.dicom.attributes import Attribute, Level
from appliance.dicom.json import Json
from appliance.dicom.matching import matcher, values
from appliance.dicom.query import Kind, narrowing
from appliance.dicom.worklist import STEPS, answer, tag_of
from appliance.worklist import item as items
from appliance.worklist.item import PLACES

_START = PLACES["ScheduledProcedureStepStartDate"]
_STATION = PLACES["ScheduledStationAETitle"]


def days(keys: Json) -> tuple[str, str]:
    """The first and last day that can match, open where empty. Raises ValueError."""
    asked = values(items.first_step(keys), _START.tag)
    condition = _narrowed(asked[0]) if asked else None
    return condition if condition else ("", "")


def _narrowed(value: str) -> tuple[str, str] | None:
    found = narrowing(Attribute(_START.keyword, Level.STUDY), value)
    return (found.values[0], found.values[-1]) if found and found.kind in (Kind.SINGLE, Kind.RANGE) else None


def answers(orders: Iterable[Json], keys: Json, caller: str) -> Iterator[Json]:
    """What of `orders` matches `keys`, as `caller` (its AE title) is answered. Raises ValueError for a wrong key.

    An order without a station is for whoever asks first, under the title that is asked for.
    """
    matches = matcher(keys)
    asked = values(items.first_step(keys), _STATION.tag)
    station = asked[0] if asked and not {"*", "?", "\\"} & set(asked[0]) else caller

    def found() -> Iterator[Json]:
        for item in orders:
            order = item if items.value(item, _STATION.keyword) else at_station(item, station)
            if matches(order):
                yield answer(keys, order)

    return found()


def at_station(item: Json, station: str) -> Json:
    """The item with a Scheduled Station AE Title."""
    if not station:
        return item
    step = items.first_step(item) | {_STATION.tag: {"vr": "AE", "Value": [station]}}
    return item | {tag_of(STEPS): {"vr": "SQ", "Value": [step]}}
