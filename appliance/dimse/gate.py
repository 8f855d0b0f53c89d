"""Who is let in, by the rules in force, which may change while the receiver runs; and the book of who was not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from appliance.access.refusals import Refusal, Refusals
from appliance.access.rights import Call, Policy, Verdict, Why, in_short, networks
from appliance.config import Dicom
from appliance.peers.known import KnownPeers

log = logging.getLogger(__name__)


class Gate:
    """Judges callers and keeps their refusals."""

    def __init__(
        self,
        settings: Callable[[], Dicom],
        peers: KnownPeers | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        """`settings` gives the options in force; without `peers` all are strangers."""
        self._settings = settings
        self._peers = peers
        self._refusals = refusals
        if peers:
            peers.start()
        self.config = settings()
        self.policy = self._policy()

    def renew(self) -> None:
        """Look whether configuration or peers have changed, and bring refusals into their file."""
        config = self._settings()
        changed = self._peers.refresh() if self._peers else False
        if changed or config != self.config:
            self.config = config
            self.policy = self._policy()
        self.flush()

    def flush(self) -> None:
        """Bring refusals into their file; a disk that doesn't take them gets them later."""
        if self._refusals:
            try:
                self._refusals.flush()
            except OSError as fault:
                log.warning("recent refusals cannot be written: %s", fault.strerror)

    def judge(self, call: Call) -> Verdict:
        """What a caller may do."""
        return self.policy.judge(call)

    def note(self, call: Call, why: Why, peer: str = "", rights: Iterable[str] = (), detail: str = "") -> str:
        """Keep a refusal and log it, unless the same was just logged; the sentence for people."""
        wanted = tuple(rights)
        says = detail or _in_words(call, why, peer, wanted, self.policy.titles[0])
        refusal = Refusal(call.title, call.address, call.called, why.value, says, wanted, peer)
        if self._refusals is None or self._refusals.note(refusal):
            log.warning("%s at %s: %s", call.title or "a caller without AE title", call.address, says)
        return says

    def _policy(self) -> Policy:
        config = self.config
        return Policy(
            titles=(config.ae_title, *config.other_titles),
            check_called=config.check_called,
            strangers_may=config.strangers_may,
            lan=networks(config.lan),
            peers=self._peers.callers() if self._peers else (),
        )


def _in_words(call: Call, why: Why, peer: str, rights: tuple[str, ...], ours: str) -> str:
    what = f"may not {in_short(rights)}" if rights else "is not let in"
    match why:
        case Why.CALLED:
            return f"it calls us {call.called!r}, but we are {ours!r}"
        case Why.ADDRESS:
            return f"it has the AE title of {peer}, but not its address, so it {what}"
        case Why.CERTIFICATE:
            return f"it has the AE title of {peer}, but not its certificate, so it {what}"
        case Why.OUTSIDE:
            return "it is neither one of the peers nor on the LAN (dicom.lan), so it is not let in"
        case Why.RIGHT:
            return f"the peer {peer} {what}"
        case _:
            return f"it is not one of the peers, so it {what}"
