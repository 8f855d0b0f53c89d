"""A DICOM file on its way into the spool, as its bytes come: from the web, a form, a stick.

```
write ... write -> finish: checks -> durable -> Kept
   `---------------- `-> RefusedError, nothing is left;  discard: nothing is left
```
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO

from appliance.dicom import header, part10
from appliance.dicom.model import Origin
from appliance.dicom.part10 import FileMeta
from appliance.dicom.uid import is_valid
from appliance.errors import PacsboxError, UnreadableInstanceError
from appliance.spool.spool import Entry, Keeping, Spool, disk_faults

_HEAD = 1 << 16
"""Bytes in which the headers of honest files are."""
_LONGEST_HEAD = 1 << 21
_CHUNK = 1 << 20
_NEXT = 8
"""Bytes behind a header that show that it has ended."""


class Refusal(StrEnum):
    """Why a file is not kept."""

    UNREADABLE = "unreadable"
    OTHER_STUDY = "other study"
    """It is not of the study that it was sent for."""


class RefusedError(PacsboxError):
    """The file is not kept: the message says why, without a word of patients."""

    def __init__(self, refusal: Refusal, message: str, sop_class_uid: str = "", sop_instance_uid: str = "") -> None:
        super().__init__(message)
        self.refusal = refusal
        self.sop_class_uid = sop_class_uid
        """As far as it is known."""
        self.sop_instance_uid = sop_instance_uid


@dataclass(frozen=True)
class Kept:
    """A file that is safe in the spool."""

    entry: Entry
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


class Intake:
    """One file. Whoever begins it ends it by `discard`, which after `finish` does nothing."""

    def __init__(self, spool: Spool, origin: Origin, study: str = "") -> None:
        """`study` is the only study that it may be of; empty for any."""
        self._spool = spool
        self._origin = origin
        self._study = study
        self._begun = bytearray()
        self._meta: FileMeta | None = None
        self._keeping: Keeping | None = None
        self._exit = ExitStack()

    def write(self, chunk: bytes) -> None:
        """The next bytes. Raises `RefusedError` when it is no DICOM file, `StorageFullError`."""
        if self._keeping is not None:
            with disk_faults():
                self._keeping.write(chunk)
            return
        self._begun += chunk
        if len(self._begun) >= _HEAD:
            self._begin(last=False)

    def finish(self) -> Kept:
        """All bytes are here: check them and make them durable. Raises as `write`."""
        if self._keeping is None:
            self._begin(last=True)
        assert self._keeping is not None
        assert self._meta is not None
        found = self._checked(self._keeping, self._meta)
        if found[:2] != (self._meta.sop_class_uid, self._meta.sop_instance_uid):
            return Kept(self._renamed(self._keeping, self._meta, *found[:2]), *found)
        with disk_faults():
            return Kept(self._keeping.commit(), *found)

    def discard(self) -> None:
        """Leave nothing behind; after `finish` it does nothing."""
        self._exit.close()

    def _begin(self, *, last: bool) -> None:
        """The header is here: write ours in its place, and what came behind it."""
        file = BytesIO(self._begun)
        try:
            meta = part10.read(file)
        except UnreadableInstanceError as fault:
            if last or len(self._begun) >= _LONGEST_HEAD or self._begun[128:132] != b"DICM":
                raise RefusedError(Refusal.UNREADABLE, str(fault)) from fault
            return
        if not last and file.tell() + _NEXT > len(self._begun):
            return
        self._meta = meta
        self._keeping = self._exit.enter_context(self._spool.keeping(self._head(meta)))
        with disk_faults():
            self._keeping.write(memoryview(self._begun)[file.tell() :])
        self._begun = bytearray()

    def _head(self, meta: FileMeta) -> bytes:
        return part10.encode(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, self._origin)

    def _checked(self, keeping: Keeping, meta: FileMeta) -> tuple[str, str, str, str]:
        """SOP class, SOP instance, study and series UID, as the data set says."""
        said = (meta.sop_class_uid, meta.sop_instance_uid)
        with disk_faults():
            keeping.finish()
        try:
            sop_class, sop_instance, study, series = header.read_uids(keeping.path)
        except UnreadableInstanceError as fault:
            # What follows the colon is a library's, and may quote a patient's data.
            raise RefusedError(Refusal.UNREADABLE, str(fault).partition(":")[0], *said) from fault
        found = (sop_class or said[0], sop_instance or said[1], study, series)
        for name, uid in zip(("SOP Class", "SOP Instance", "Study Instance", "Series Instance"), found, strict=True):
            if not is_valid(uid):
                what = "not valid" if uid else "missing"
                raise RefusedError(Refusal.UNREADABLE, f"its {name} UID is {what}", *said)
        if self._study not in ("", found[2]):
            raise RefusedError(Refusal.OTHER_STUDY, "it is of another study", *found[:2])
        return found

    def _renamed(self, draft: Keeping, meta: FileMeta, sop_class_uid: str, sop_instance_uid: str) -> Entry:
        """The same data set behind a header that names it rightly: anonymizers forget the header."""
        head = self._head(replace(meta, sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid))
        with self._spool.keeping(head) as keeping, draft.path.open("rb") as file:
            part10.read(file)
            while chunk := file.read(_CHUNK):
                keeping.write(chunk)
            return keeping.commit()
