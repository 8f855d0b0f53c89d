"""What is in a share's log already: leafing through a series is one line, not one a picture."""

from __future__ import annotations

from collections import OrderedDict

from aiohttp import web

_MANY = 10_000


class Noted:
    """Remembers keys; the oldest are forgotten, at worst for a line twice."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def is_new(self, *key: str) -> bool:
        """Whether `key` comes for the first time."""
        new = key not in self._keys
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > _MANY:
            self._keys.popitem(last=False)
        return new


NOTED = web.AppKey("noted", Noted)
