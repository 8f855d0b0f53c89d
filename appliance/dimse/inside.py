"""What we use of pynetdicom's inside, all in one place, and the version that it was read in.

A test fails on another version: then read there again what is said here, and change both.
"""

from __future__ import annotations

from pynetdicom import __version__
from pynetdicom.association import Association

READ_IN = "3.0.4"
_ESTABLISHED = "Sta6"
"""Association established and ready for data transfer (PS3.8 table 9-3)."""


def is_known() -> bool:
    """Whether this pynetdicom is the one whose inside we know."""
    return bool(__version__ == READ_IN)


class Inside:
    """The two threads of an association, as its network thread sees them."""

    def __init__(self, association: Association) -> None:
        self._association = association

    @property
    def established(self) -> bool:
        """Whether P-DATA may come."""
        return bool(self._association.dul.state_machine.current_state == _ESTABLISHED)

    @property
    def idle(self) -> bool:
        """Whether nothing has come for so long that the association thread hangs up."""
        return bool(self._association.dul.idle_timer_expired())

    def restart_idle_timer(self) -> None:
        """Something has come."""
        self._association.dul._idle_timer.restart()

    def rest(self) -> bool:
        """Let the association thread rest, once it has nothing to do; whether no thread has.

        It waits at its `_reactor_checkpoint` before each look around, and says so by `_is_paused`.
        """
        association, dul = self._association, self._association.dul
        if dul.to_provider_queue.queue or dul.event_queue.queue:
            return False
        association._reactor_checkpoint.clear()
        if association._is_paused and (association.dimse.msg_queue.queue or dul.to_user_queue.queue):
            association._reactor_checkpoint.set()
            return False
        return association._is_paused

    def wake(self) -> None:
        """Let the association thread look around: for a message, a release, an abort, silence."""
        self._association._reactor_checkpoint.set()
