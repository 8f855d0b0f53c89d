"""Storage: what a C-STORE is answered with, however its bytes arrive (PS3.4 annex B, PS3.7 9.1.1).

```
begin -> write ... write -> finish: checks -> durable -> Answer(SUCCESS)
                     |                  `-> Answer(refusal), nothing is left
                     `-> discard: the connection is gone, nothing is left
```
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from appliance import events
from appliance.dicom import header, part10, peek
from appliance.dicom.model import Origin
from appliance.dicom.uid import is_valid
from appliance.dimse.caller import Caller
from appliance.dimse.status import Status
from appliance.errors import StorageFullError, UnreadableInstanceError
from appliance.spool.spool import Keeping, Spool, in_words

_START = 1 << 13
"""Bytes of a data set in which its UIDs are found without asking a library."""


@dataclass(frozen=True)
class Announced:
    """What the command and the presentation context say of the instance to come."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True)
class Answer:
    """What the sender is told."""

    status: Status
    reason: str = ""
    """Why not, in words; empty with success. No patient data."""
    size: int = 0
    """Bytes of the data set that were kept."""
    study_instance_uid: str = ""
    """What they are of; empty with a refusal."""


_NOT_AUTHORIZED = Answer(Status.NOT_AUTHORIZED, "this peer may not store here")


class Incoming:
    """An instance on its way into the spool. It never raises for what a peer sent or a disk refused."""

    def __init__(
        self,
        spool: Spool,
        announced: Announced,
        caller: Caller,
        finder: peek.Finder | None = None,
        *,
        may_store: bool = True,
        via: str = "C-STORE",
    ) -> None:
        """`finder` remembers how instances of the same sender begin; `via` is the door, as `Origin` has it."""
        self._announced = announced
        self._finder = finder or peek.Finder()
        self._study = ""
        self._keeping: Keeping | None = None
        self._refusal = refusal_of_command(announced) if may_store else _NOT_AUTHORIZED
        if self._refusal is None:
            try:
                self._keeping = spool.begin(_head(announced, caller, via))
            except (StorageFullError, OSError) as fault:
                self._refusal = _refusal_of_disk(fault)

    def write(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the data set; once it is refused they go nowhere."""
        if self._keeping is not None:
            try:
                self._keeping.write(chunk)
            except (StorageFullError, OSError) as fault:
                self._refuse(_refusal_of_disk(fault))

    def finish(self) -> Answer:
        """All bytes are here: check them, make them durable, and only then say success."""
        keeping = self._keeping
        if keeping is not None:
            try:
                refusal = self._refusal_of_data_set(keeping)
                if refusal is None:
                    keeping.commit()
                    return Answer(Status.SUCCESS, size=keeping.size, study_instance_uid=self._study)
            except OSError as fault:
                refusal = _refusal_of_disk(fault)
            self._refuse(refusal)
        assert self._refusal is not None
        return self._refusal

    def discard(self) -> None:
        """Leave nothing behind; after success it does nothing."""
        if self._keeping is not None:
            # A disk that can't even forget is read-only or failing: the draft is dealt with at the next start.
            with suppress(OSError):
                self._keeping.discard()
            self._keeping = None

    def _refuse(self, answer: Answer) -> None:
        self._refusal = answer
        self.discard()

    def _refusal_of_data_set(self, keeping: Keeping) -> Answer | None:
        start = keeping.read(_START)
        found = self._finder.uids(start, self._announced.transfer_syntax_uid, whole=keeping.size == len(start))
        if found is None:
            try:
                keeping.finish()
                found = header.read_uids(keeping.path)
            except UnreadableInstanceError as fault:
                # What follows the colon is a library's, and may quote a patient's data.
                return Answer(Status.CANNOT_UNDERSTAND, str(fault).partition(":")[0])
        self._study = found[2]
        return refusal_of_data_set(self._announced, *found)


def refusal_of_command(announced: Announced) -> Answer | None:
    """Why the instance cannot be taken, judged by its announcement alone; None when it can."""
    if not is_valid(announced.sop_class_uid):
        return Answer(Status.SOP_CLASS_NOT_SUPPORTED, _wrong("SOP Class UID", announced.sop_class_uid))
    if not is_valid(announced.sop_instance_uid):
        return Answer(Status.INVALID_OBJECT_INSTANCE, _wrong("SOP Instance UID", announced.sop_instance_uid))
    return None


def refusal_of_data_set(
    announced: Announced, sop_class_uid: str, sop_instance_uid: str, study_uid: str, series_uid: str
) -> Answer | None:
    """Why the data set, whose own UIDs these are, cannot be kept; None when it can."""
    for name, said, found in (
        ("SOP Class UID", announced.sop_class_uid, sop_class_uid),
        ("SOP Instance UID", announced.sop_instance_uid, sop_instance_uid),
    ):
        if found != said:
            how = "differs from the command's" if found else "is missing"
            return Answer(Status.DOES_NOT_MATCH_SOP_CLASS, f"the data set's {name} {how}")
    for name, found in (("Study Instance UID", study_uid), ("Series Instance UID", series_uid)):
        if not is_valid(found):
            return Answer(Status.CANNOT_UNDERSTAND, _wrong(name, found))
    return None


def _refusal_of_disk(fault: StorageFullError | OSError) -> Answer:
    told = in_words(fault) if isinstance(fault, OSError) else fault
    why = os.strerror(told.errno or 0) if isinstance(told, OSError) else str(told)
    return Answer(Status.OUT_OF_RESOURCES, why.rstrip("."))


def _wrong(name: str, uid: str) -> str:
    return f"its {name} is {'not valid' if uid else 'missing'}"


def _head(announced: Announced, caller: Caller, via: str) -> bytes:
    origin = Origin(via, caller.title, caller.called, caller.address, events.now())
    return part10.encode(announced.sop_class_uid, announced.sop_instance_uid, announced.transfer_syntax_uid, origin)
