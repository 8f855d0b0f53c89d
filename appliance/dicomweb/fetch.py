"""WADO-RS from a peer (PS3.18 10.4): a study into the spool, as it comes.

```
the whole study in one answer --broken off after some came--> what is missing, an instance at a time
```
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import requests

from appliance import events
from appliance.dicom.model import Origin
from appliance.dicomweb import query, words
from appliance.dicomweb.parts import Parts, boundary
from appliance.dicomweb.session import Session
from appliance.errors import StorageFullError
from appliance.peers.faults import Fault, PeerError
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy
from appliance.spool.intake import Intake, Refusal, RefusedError
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

_DICOM = "application/dicom"
AS_STORED = f'multipart/related; type="{_DICOM}"; transfer-syntax=*'
AS_THEY_LIKE = f'multipart/related; type="{_DICOM}"'
_NOT_ACCEPTABLE = (400, 406)
_BROKEN = frozenset((Fault.LOST, Fault.NO_ANSWER, Fault.NONSENSE))


class _StoppedError(Exception):
    """Whoever asked for it wants no more."""


class Fetch:
    """One study from one peer."""

    def __init__(
        self,
        session: Session,
        study: RemoteStudy,
        report: Callable[[Progress], None],
        stopped: Callable[[], bool],
        *,
        spool: Spool,
    ) -> None:
        self._session = session
        self._peer = session.peer
        self._study = study
        self._report = report
        self._stopped = stopped
        self._spool = spool
        self._kept: set[str] = set()
        self._failed = 0
        self._why = ""

    def run(self) -> Progress:
        """Bring it here; how it ended. Raises `PeerError`."""
        url = f"{self._peer.url}/studies/{self._study.study_instance_uid}"
        try:
            try:
                self._take(url)
            except PeerError as fault:
                if fault.fault not in _BROKEN or not self._kept:
                    raise
                log.info("%s broke off after %d images: %s", self._peer.name, len(self._kept), fault)
                self._take_missing(url)
        except _StoppedError:
            return self._progress()
        except StorageFullError as fault:
            left = max(self._progress().remaining, 1)
            return Progress(len(self._kept), self._failed + left, 0, str(fault).rstrip("."))
        return Progress(len(self._kept), self._failed, 0, self._why)

    def _take_missing(self, url: str) -> None:
        found = query.instances(self._session, self._study.study_instance_uid)
        for series, instance in found:
            if instance not in self._kept:
                self._take(f"{url}/series/{series}/instances/{instance}")

    def _take(self, url: str) -> None:
        """All instances of one answer."""
        self._look()
        with self._got(url) as response:
            parts = self._parts(response)
            try:
                for kind, pieces in parts:
                    self._keep(kind, pieces)
                    self._report(self._progress())
                    self._look()
            except EOFError:
                raise words.trouble(Fault.LOST, self._peer) from None
            except ValueError:
                raise words.trouble(Fault.NONSENSE, self._peer) from None

    def _got(self, url: str) -> requests.Response:
        try:
            return self._session.get(url, headers={"Accept": AS_STORED}, stream=True)
        except words.FailedError as fault:
            # Some know no `transfer-syntax=*`.
            if fault.status not in _NOT_ACCEPTABLE:
                raise
        except PeerError as fault:
            raise words.not_handed_out(self._peer) if fault.fault is Fault.NOT_DICOMWEB else fault from None
        return self._session.get(url, headers={"Accept": AS_THEY_LIKE}, stream=True)

    def _parts(self, response: requests.Response) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Content-Type and body of each; an answer that is no multipart may be one instance."""
        kind = response.headers.get("Content-Type", "")
        pieces = self._pieces(response)
        if mark := boundary(kind):
            for head, body in Parts(pieces, mark):
                yield head.get_content_type(), body
        elif kind.partition(";")[0].strip().lower() == _DICOM:
            yield _DICOM, pieces
        else:
            raise words.trouble(Fault.NOT_DICOMWEB, self._peer)

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        for piece in self._session.pieces(response):
            self._look()
            yield piece

    def _look(self) -> None:
        if self._stopped():
            raise _StoppedError

    def _keep(self, kind: str, pieces: Iterator[bytes]) -> None:
        """One instance into the spool; what cannot be kept is counted, with why."""
        origin = Origin("WADO-RS", self._peer.name, "", self._peer.host, events.now())
        intake = Intake(self._spool, origin, self._study.study_instance_uid)
        try:
            if kind != _DICOM:
                raise RefusedError(Refusal.UNREADABLE, "a part of the answer is no DICOM file")
            for piece in pieces:
                intake.write(piece)
            self._kept.add(intake.finish().sop_instance_uid)
        except RefusedError as fault:
            log.warning("%s sent an instance that is not kept: %s", self._peer.name, fault)
            self._failed, self._why = self._failed + 1, str(fault)
        finally:
            intake.discard()

    def _progress(self) -> Progress:
        arrived = len(self._kept)
        return Progress(arrived, self._failed, max(self._study.images - arrived - self._failed, 0), self._why)
