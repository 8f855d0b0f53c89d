"""Several associations at work on one pile of instances; how many is the peer's to say.

```
the first: called, else the fault is the caller's --> takes from the pile until it is empty
another:   called meanwhile --refused, or never answered--> nothing has changed
                            --accepted--> takes from the pile as well
one that breaks puts its instance back: who is left goes on; when nobody is left, its fault is the caller's
```
A peer that serves one at a time lets the others wait, and answers them when it has time: too late, they leave.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable

from appliance.dimse.client.association import Association
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import TransferItem

log = logging.getLogger(__name__)

Do = Callable[[Association, TransferItem], bool]
"""Bring one instance over; False when the association is of no use any more. Raises `PeerError`."""


_counting = threading.Lock()
_unanswered: Counter[str] = Counter()
"""Further calls that a peer lets wait; none is added to them, so that they don't pile up."""


class Crew:
    """For one pile of instances, whose formats fit in one association."""

    def __init__(
        self,
        peer: str,
        call: Callable[[], Association],
        pile: Iterable[TransferItem],
        do: Do,
        stopped: Callable[[], bool],
    ) -> None:
        """`do` and `stopped` are called by several threads."""
        self._peer = peer
        self._call = call
        self._pile = deque(pile)
        self._do = do
        self._stopped = stopped
        self._change = threading.Condition()
        self._at_work = 0
        self._over = False
        self._fault: BaseException | None = None

    def work(self, most: int) -> None:
        """Work over `most` associations at a time. Raises `PeerError` when the rest may be tried later.

        Without a fault some may be left too: when it was stopped, or the association was of no use any more.
        """
        with self._call() as first:
            for number in range(1, most - _unanswered[self._peer]):
                # A daemon, since the peer may let it wait for longer than anybody is here.
                threading.Thread(target=self._help, name=f"association-{number + 1}", daemon=True).start()
            try:
                while self._take_part(first) and self._more_to_do():
                    pass
            finally:
                self._dismiss()
        if self._fault is not None and (self._pile or _is_final(self._fault)):
            raise self._fault

    def _help(self) -> None:
        try:
            with self._call_again() as association:
                if self._begin():
                    try:
                        self._take_part(association)
                    finally:
                        self._end()
        except PeerError as fault:
            log.debug("no further association: %s", fault)

    def _call_again(self) -> Association:
        with _counting:
            _unanswered[self._peer] += 1
        try:
            return self._call()
        finally:
            with _counting:
                _unanswered[self._peer] -= 1

    def _begin(self) -> bool:
        with self._change:
            if not self._over:
                self._at_work += 1
            return not self._over

    def _end(self) -> None:
        with self._change:
            self._at_work -= 1
            self._change.notify_all()

    def _more_to_do(self) -> bool:
        """Once the others have done what they took: whether one of them has put something back."""
        with self._change:
            self._change.wait_for(lambda: not self._at_work)
            return bool(self._pile) and not self._over and not self._stopped()

    def _dismiss(self) -> None:
        """Whoever comes now comes too late; whoever is at work may go on until the pile is empty."""
        with self._change:
            self._change.wait_for(lambda: not self._at_work)
            self._over = True

    def _take_part(self, association: Association) -> bool:
        """Work until the pile is empty; whether the association is still of use."""
        while (item := self._next()) is not None:
            try:
                useful = self._do(association, item)
            except PeerError as fault:
                self._pile.append(item)
                self._fault, self._over = fault, self._over or _is_final(fault)
                useful = False
            except BaseException as fault:
                self._fault, self._over = fault, True
                raise
            if not useful:
                association.close()
                return False
        return True

    def _next(self) -> TransferItem | None:
        if self._over or self._stopped():
            return None
        try:
            return self._pile.popleft()
        except IndexError:
            return None


def _is_final(fault: BaseException) -> bool:
    """Whether it holds for all associations."""
    return not isinstance(fault, PeerError) or fault.fault is Fault.FULL
