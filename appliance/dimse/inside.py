"""What we use of pynetdicom's inside, all in one place, and the version that it was read in.

A test fails on another version: then read there again what is said here, and change both.
"""

from __future__ import annotations

from pynetdicom import __version__
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.fsm import InvalidEventError

READ_IN = "3.0.4"
_ESTABLISHED = "Sta6"
"""Association established and ready for data transfer (PS3.8 table 9-3)."""


def is_known() -> bool:
    """Whether this pynetdicom is the one whose inside we know."""
    return bool(__version__ == READ_IN)


def allow_silence(association: Association, seconds: float | None) -> None:
    """How long the peer may be silent from now on before the association thread hangs up."""
    association.dul._idle_timer.timeout = seconds


def set_timeouts(ae: ApplicationEntity, acse: float, dimse: float, network: float) -> None:
    """For associations from now on; its own setters change those that are open too, which may be within a message."""
    ae._acse_timeout, ae._dimse_timeout, ae._network_timeout = acse, dimse, network


def end_quietly(association: Association) -> None:
    """Let the network thread end, not fail, where a peer does what PS3.8 table 9-10 has no rule for."""
    machine = association.dul.state_machine
    act = machine.do_action

    def act_or_end(event: str) -> None:
        try:
            act(event)
        except InvalidEventError:
            association.dul._kill_thread = True

    machine.do_action = act_or_end  # type: ignore[method-assign]


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

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more who could be answered."""
        association = self._association
        return not (association.is_established and association.dul.is_alive()) or bool(association.acse.is_aborted())

    @property
    def queued(self) -> int:
        """PDUs that wait to be sent."""
        return len(self._association.dul.to_provider_queue.queue)

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
