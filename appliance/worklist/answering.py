"""What a modality that asks for its worklist is answered."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.dicom.attributes import Attribute, Level
from appliance.dicom.json import Json
from appliance.dicom.matching import matcher, values
from appliance.dicom.query import Kind, narrowing
from appliance.dicom.worklist import STEPS, answer, tag_of
from appliance.storage.contract import Orders
from appliance.worklist import item as items
from appliance.worklist.item import PLACES

_START = PLACES["ScheduledProcedureStepStartDate"]
_STATION = PLACES["ScheduledStationAETitle"]


class Worklist:
    """What one modality asks for."""

    def __init__(self, keys: Json, caller: str) -> None:
        """`caller` is its AE title. Raises ValueError for a key that can't be right."""
        self._keys = keys
        self._matches = matcher(keys)
        self._days = days(keys)
        asked = values(items.first_step(keys), _STATION.tag)
        self._station = asked[0] if asked and not {"*", "?", "\\"} & set(asked[0]) else caller

    def answers(self, orders: Orders) -> Iterator[Json]:
        """What of the open orders matches, by their time.

        An order without a station is for whoever asks first, under the title that is asked for.
        """
        for item in orders.scheduled(*self._days):
            order = item if items.value(item, _STATION.keyword) else at_station(item, self._station)
            if self._matches(order):
                yield answer(self._keys, order)


def days(keys: Json) -> tuple[str, str]:
    """The first and last day that can match, open where empty. Raises ValueError."""
    asked = values(items.first_step(keys), _START.tag)
    found = narrowing(Attribute(_START.keyword, Level.STUDY), asked[0]) if asked else None
    return (found.values[0], found.values[-1]) if found and found.kind in (Kind.SINGLE, Kind.RANGE) else ("", "")


def at_station(item: Json, station: str) -> Json:
    """The item with a Scheduled Station AE Title."""
    if not station:
        return item
    step = items.first_step(item) | {_STATION.tag: {"vr": "AE", "Value": [station]}}
    return item | {tag_of(STEPS): {"vr": "SQ", "Value": [step]}}
