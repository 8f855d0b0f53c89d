"""STOW-RS of many instances to a peer (PS3.18 10.5): the files as we have them, a bounded number a request.

```
pile of batches --take--> request --answer--> each taken | refused        settled, and reported
     ^                       |                each to be converted | asked apart ----.
     |                       '--broken--> the rest is tried later                    |
     '-------------------------------------------------------------------------------'
```
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import SEEK_END
from pathlib import Path

from appliance.dicom import part10, transcode
from appliance.dicom.model import Origin
from appliance.dicom.transcode import Transcoder
from appliance.dicomweb import answers, words
from appliance.dicomweb.answers import Fate, Reply, Verdict
from appliance.dicomweb.body import Body, CutOffError, File
from appliance.dicomweb.session import Session
from appliance.errors import UnreadableInstanceError
from appliance.peers.faults import Fault, PeerError
from appliance.storage.contract import Blobs
from appliance.storage.rows import TransferItem
from appliance.transfers import words as told
from appliance.transfers.ledger import Outcome

log = logging.getLogger(__name__)

MOST_BYTES = 16 << 20
"""Of instances that share a request: far below what tunnels cut (100 MB), and some seconds on a slow line."""
MOST_INSTANCES = 100
LARGE = 90 << 20
"""Bytes of one instance from which on tunnels may cut it."""
_FINAL = (401, 403, 404, 405, 407, 410, 501)
_JSON = "application/dicom+json"


@dataclass(frozen=True)
class Parcel:
    """An instance, and the transfer syntax in which it shall go."""

    item: TransferItem
    syntax: str

    @property
    def is_converted(self) -> bool:
        """Whether that is another than the stored one."""
        return self.syntax != self.item.transfer_syntax_uid


Batch = Sequence[Parcel]


def batches(items: Sequence[TransferItem]) -> Iterator[Batch]:
    """Instances that share a request, in their order; a large one has a request of its own."""
    batch: list[Parcel] = []
    size = 0
    for item in items:
        if batch and (size + item.size > MOST_BYTES or len(batch) == MOST_INSTANCES):
            yield batch
            batch, size = [], 0
        batch.append(Parcel(item, item.transfer_syntax_uid))
        size += item.size
    if batch:
        yield batch


class Store:
    """One sending to one peer."""

    def __init__(
        self,
        session: Session,
        items: Sequence[TransferItem],
        report: Callable[[Outcome], None],
        stopped: Callable[[], bool],
        *,
        blobs: Blobs,
        scratch: Path,
    ) -> None:
        self._session = session
        self._peer = session.peer
        self._pile = deque(batches(items))
        self._report = report
        self._stopped = stopped
        self._blobs = blobs
        self._transcoder = Transcoder(scratch)
        self._postponed: PeerError | None = None
        self._in_trouble = False
        """Whether nothing has got through since something was postponed."""

    def run(self) -> None:
        """Send all that the server takes. Raises `PeerError` when the rest may be tried later."""
        with contextlib.closing(self._transcoder):
            while self._pile and not self._stopped():
                self._bring(self._pile.popleft())
        if self._postponed:
            raise self._postponed

    def _bring(self, batch: Batch) -> None:
        with contextlib.ExitStack() as stack:
            found = [(parcel, self._file(parcel)) for parcel in batch]
            files = [file for _, file in found if file]
            for file in files:
                stack.callback(file.close)
            if files:
                self._send([parcel for parcel, file in found if file], files)

    def _send(self, batch: Batch, files: Sequence[File]) -> None:
        try:
            reply = self._asked(files)
        except CutOffError as fault:
            # What can't be read is settled, the others are sent again.
            if fault.item is not None and fault.fault is not None:
                self._unreadable(fault.item, fault.fault)
            self._pile.appendleft([parcel for parcel in batch if parcel.item is not fault.item])
        except PeerError as fault:
            if fault.fault is not Fault.LOST or len(files) > 1 or files[0].size < LARGE:
                raise
            self._postpone(words.lost_with_large(self._peer, files[0].size))
        else:
            self._settle(batch, reply)

    def _file(self, parcel: Parcel) -> File | None:
        """The instance as a file; None when it can't be read, which settles it."""
        item = parcel.item
        try:
            return self._converted(parcel) if parcel.is_converted else self._stored(item)
        except (OSError, EOFError, UnreadableInstanceError) as fault:
            self._unreadable(item, fault)
            return None

    def _stored(self, item: TransferItem) -> File:
        path = self._blobs.path(item.blob_key)
        if (size := path.stat().st_size) != item.size:
            raise EOFError(f"the file has {size} bytes and should have {item.size}")
        return File(item, b"", size, partial(self._blobs.open, item.blob_key))

    def _converted(self, parcel: Parcel) -> File:
        item = parcel.item
        file = self._transcoder.open(self._blobs.path(item.blob_key), item.size, parcel.syntax)
        begin = file.tell()
        size = file.seek(0, SEEK_END) - begin
        file.seek(begin)
        head = part10.encode(item.sop_class_uid, item.sop_instance_uid, parcel.syntax, Origin(via=""))
        return File(item, head, size, lambda: file, file.close)

    def _asked(self, files: Sequence[File]) -> Reply:
        """Send them; what the server says of each."""
        body = Body(files, self._stopped)
        headers = {"Content-Type": body.content_type, "Accept": _JSON}
        response = self._session.post(f"{self._peer.url}/studies", data=body, headers=headers)
        status = response.status_code
        if (300 <= status < 400 or status in _FINAL) and (fault := self._session.judged(status)):
            raise fault
        if status < 300 and not body.is_whole:
            # A server that praises what it hasn't read: urllib3 reads answers also where it could write no more.
            raise words.trouble(Fault.LOST, self._peer)
        return answers.read(status, response.content)

    def _settle(self, batch: Batch, reply: Reply) -> None:
        apart: list[Parcel] = []
        later: list[Verdict] = []
        for parcel in batch:
            found = answers.verdict(reply, parcel.item.sop_instance_uid, alone=len(batch) == 1)
            if found.fate is Fate.APART:
                apart.append(parcel)
            elif found.fate in (Fate.LATER, Fate.FULL):
                later.append(found)
            elif found.fate is Fate.CONVERT and (converted := _converted(parcel)):
                self._pile.appendleft([converted])
            else:
                self._tell(parcel.item, found, reply)
        for found in later:
            self._later(reply, found)
        # Those of whom an answer says nothing are fewer each time, until it is about one alone.
        middle = (len(apart) + 1) // 2
        self._pile.extendleft(part for part in (apart[middle:], apart[:middle]) if part)

    def _later(self, reply: Reply, found: Verdict) -> None:
        if found.fate is Fate.FULL:
            return self._postpone(words.trouble(Fault.FULL, self._peer))
        fault = self._session.judged(reply.status)
        assert fault is not None
        if fault.fault is Fault.BUSY:
            raise fault
        return self._postpone(fault)

    def _postpone(self, fault: PeerError) -> None:
        """One may be one that it can't swallow; after two in a row, all would go that way."""
        if self._in_trouble:
            raise fault
        self._postponed, self._in_trouble = fault, True

    def _tell(self, item: TransferItem, found: Verdict, reply: Reply) -> None:
        name = self._peer.name
        if found.fate is Fate.TAKEN:
            note = told.warned(name, found.reason) if found.reason else ""
            if not note and reply.status == 202 and item.sop_instance_uid not in reply.taken:
                note = words.unsaid(name)
            self._in_trouble = False
            self._report(Outcome(item.sop_instance_uid, sent=True, note=note))
            return
        self._report(Outcome(item.sop_instance_uid, sent=False, note=self._why(item, found, reply)))

    def _why(self, item: TransferItem, found: Verdict, reply: Reply) -> str:
        """It is refused for good."""
        name = self._peer.name
        if found.fate is Fate.CONVERT:
            return told.format_not_taken(name, item.transfer_syntax_uid)
        if found.reason:
            return told.refused(name, found.reason)
        return words.too_large(name, item.size) if reply.status == 413 else words.refused(name, reply.status)

    def _unreadable(self, item: TransferItem, fault: Exception) -> None:
        log.error("%s cannot be sent: %s", item.blob_key, fault)
        self._report(Outcome(item.sop_instance_uid, sent=False, note=told.unreadable(fault)))


def _converted(parcel: Parcel) -> Parcel | None:
    """The same in the next transfer syntax that we can make of it; None when there is none."""
    ways = transcode.targets(parcel.item.transfer_syntax_uid)
    left = ways[ways.index(parcel.syntax) + 1 :]
    return Parcel(parcel.item, left[0]) if left else None
