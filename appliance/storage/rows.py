"""The rows that are not DICOM's own: events, shares, peers, transfers. Times are UTC, ISO 8601."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that changed, written in the transaction of the change."""

    seq: int
    at: str
    kind: str
    """One of `appliance.events`."""
    study_instance_uid: str
    """Empty where it concerns no study."""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """What the index says of an instance's bytes."""

    digest: str
    """BLAKE3 of the data set, hex; empty where an older pacsbox entered it."""
    blob_key: str
    size: int
    """Bytes of the file."""


@dataclass(frozen=True)
class Share:
    """A patient's access to one study. Neither the code nor the PIN is kept, only what proves them."""

    id: int
    study_instance_uid: str
    code_hash: str
    """SHA-256 of the link's code, hex."""
    pin_hash: str
    """argon2id of the PIN; empty for a share without PIN."""
    created: str
    expires: str
    revoked: str
    """When staff ended it; empty while it runs."""
    failed_attempts: int
    """Wrong PINs in the share's whole life; staff re-arm it by setting it to 0."""
    session_epoch: int
    """Sessions opened in an older epoch are void."""


@dataclass(frozen=True)
class Opening:
    """One line of a share's log."""

    share_id: int
    at: str
    address: str
    what: str
    """`opened`, `wrong pin`, `locked`, `picture`, `document`, `download`, ..."""
    detail: str = ""


class Right(StrEnum):
    """What a caller may be allowed by DIMSE; each service asks for one."""

    ECHO = "echo"
    STORE = "store"
    QUERY = "query"
    RETRIEVE = "retrieve"
    WORKLIST = "worklist"
    MPPS = "mpps"
    COMMITMENT = "commitment"


EVERYTHING = tuple(right.value for right in Right)


@dataclass(frozen=True)
class Peer:
    """A remote AE that we know."""

    name: str
    """What staff call it; unique without regard to case."""
    ae_title: str
    host: str
    port: int
    created: str = ""
    rights: tuple[str, ...] = EVERYTHING
    """What it may do when it calls: `Right`."""
    calls_from: tuple[str, ...] = ()
    """Addresses and networks that it may call from, beside `host`."""
    calls_us: str = ""
    """An AE title that it may call us by, beside our own."""
    fingerprint: str = ""
    """SHA-256 of its only certificate, hex; empty: it is not pinned."""
    tls: bool = False
    """Whether it is called by TLS."""
    character_set: str = ""
    """(0008,0005) of what it sends without one, backslashes included; empty: ASCII, as the standard says."""
    overrides_character_set: bool = False
    """Whether that counts also where it sends another."""


@dataclass(frozen=True)
class Token:
    """A program's access to the clinic door. Its signed text is not kept."""

    id: str
    """Random; the text names it."""
    name: str
    """What staff call it; unique among those in use, without regard to case."""
    may: tuple[str, ...]
    """What it is good for: `appliance.access.scope.Permission`."""
    created: str
    expires: str
    revoked: str = ""
    """When staff ended it; empty while it runs."""


@dataclass(frozen=True)
class AuditRow:
    """Someone read or wrote something: like requests of a short while are one row."""

    first: str
    """When the first of the requests was answered."""
    last: str
    who: str
    """`token Reading room`, `share 3`, `this machine`, an AE title."""
    address: str
    action: str
    """`query`, `retrieve`, `store`, `delete`, ..."""
    resource: str
    """Which kind: `studies`, `metadata`, `frames`, `file`, ..."""
    study_instance_uid: str
    """Empty where it was about no study, or many."""
    outcome: str
    """`ok`, or the status that told of a refusal."""
    requests: int = 1
    items: int = 1
    """How many studies, instances or frames were told of, sent or taken in."""
    id: int = 0
    """Its number in the index."""


class TransferState(StrEnum):
    """Where a transfer is.

    queued -> sending -> done
                 |-> queued (again, after a fault that waiting may cure)
                 |-> failed (after one that it won't, or too many of the others)
    queued | sending -> cancelled, or failed when its peer is removed;  failed | cancelled -> queued (staff retry)
    done -> queued | failed (the peer says later that it does not keep all of it: see `Proof`)
    """

    QUEUED = "queued"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


class Proof(StrEnum):
    """Whether the peer confirms that it keeps what a transfer that is done has brought (PS3.4 annex J).

    (none) -> asking -> awaiting -> confirmed
                 |          |-> (none): what it lacks is sent again, and then it is asked again
                 |          |-> incomplete: it lacks some after all
                 |          '-> unanswered
                 |-> not offered
                 '-> unanswered
    """

    NONE = ""
    ASKING = "asking"
    AWAITING = "awaiting"
    CONFIRMED = "confirmed"
    INCOMPLETE = "incomplete"
    UNANSWERED = "unanswered"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Transfer:
    """One study on its way to one peer."""

    id: int
    study_instance_uid: str
    peer: str
    state: TransferState
    attempts: int
    """Tries since an instance last went through, the running one included."""
    due: str
    """When it may be tried next."""
    message: str
    """In plain words: what hinders it, or what was left out; empty when all is well."""
    total: int
    sent: int
    refused: int
    created: str
    updated: str
    proof: Proof = Proof.NONE
    proof_at: str = ""
    """When the peer is asked next, until when it has to answer, or when it was settled."""
    asked: int = 0
    """How often it was tried to ask the peer, since the images went out."""
    resent: int = 0
    """How often images were sent again because the peer did not keep them."""


@dataclass(frozen=True)
class TransferItem:
    """One instance of a transfer that is not settled yet."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob_key: str
    """Empty, as the two before it, when the instance was deleted meanwhile."""
    size: int
    """Bytes that its file should have."""


class OrderState(StrEnum):
    """Where an order is; computed from what is linked to it (`worklist.progress`).

    ordered -> started (a linked step is in progress) -> images here -> complete (the step is, and all its images)
    ordered <- started (every linked step was discontinued, and no image came)
    ordered | started -> expired;  images here -> complete (the day is long over);  ordered -> cancelled (staff)
    """

    ORDERED = "ordered"
    STARTED = "started"
    IMAGES_HERE = "images here"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether modalities are told of it."""
        return self in (OrderState.ORDERED, OrderState.STARTED, OrderState.IMAGES_HERE)


@dataclass(frozen=True)
class Order:
    """A scheduled procedure step that modalities may ask for."""

    id: int
    state: OrderState
    item: dict[str, Any]
    """The whole worklist item as DICOM JSON (PS3.18 Annex F); the fields below are what it says."""
    source: str
    """Who made it: `console`, `command line`, `import`, `file NAME`, `demo`."""
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    study_instance_uid: str
    requested_procedure_id: str
    scheduled_procedure_step_id: str
    modality: str
    station: str
    """Scheduled Station AE Title; empty for whoever asks."""
    start_date: str
    """`YYYYMMDD`, local time as all of DICOM's."""
    start_time: str
    description: str
    images: int = 0
    """Instances of its study that are here."""
    created: str = ""
    updated: str = ""


@dataclass(frozen=True)
class WorklistFile:
    """A file of the watched folder, as it was last seen."""

    name: str
    """Its path within the folder."""
    mark: str
    """Changes when the file does."""
    order_id: int | None
    """The order that it holds; None when it can't be read."""
    fault: str
    """Why it can't be read; empty when it can."""


class StepState(StrEnum):
    """Performed Procedure Step Status (0040,0252): IN PROGRESS -> COMPLETED | DISCONTINUED, which are for good."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"

    @property
    def is_final(self) -> bool:
        """Whether it may no longer be updated (PS3.4 F.7.2.2)."""
        return self is not StepState.IN_PROGRESS


@dataclass(frozen=True)
class Step:
    """What a modality reported: a performed procedure step."""

    sop_instance_uid: str
    state: StepState
    attributes: dict[str, Any]
    """All that the modality said, as DICOM JSON; the fields below are what it says."""
    source_ae: str
    """Who reported it."""
    patient_name: str
    patient_id: str
    patient_birth_date: str
    patient_sex: str
    accession_number: str
    modality: str
    station: str
    """Performed Station AE Title."""
    start_date: str
    start_time: str
    description: str
    note: str = ""
    """Why it is linked to no order; empty when it is."""
    order_ids: tuple[int, ...] = ()
    """The orders that it is linked to."""
    created: str = ""
    updated: str = ""


@dataclass(frozen=True)
class Reference:
    """An instance as storage commitment names it."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class Held:
    """What the index says of an instance, for whoever wants to know whether we really have it."""

    sop_class_uid: str
    blob_key: str
    size: int
    """Bytes of the file."""
    digest: str
    """Of the data set, as `dicom.header.digest` makes it."""


class CommitmentState(StrEnum):
    """Where a caller's question is: open -> reported | given up;  reported | given up -> open (it asks again)."""

    OPEN = "open"
    REPORTED = "reported"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Commitment:
    """A caller asked us to commit to the storage of instances; it is told by a report."""

    transaction_uid: str
    ae_title: str
    """Who asked."""
    called: str
    """What it called us, which is how we call ourselves in the report."""
    address: str
    references: tuple[Reference, ...]
    """Empty once it is closed."""
    fingerprint: str
    """Tells whether two lists of references are the same."""
    mark: str
    """What was newest in the spool then: what came before must have left it before anything is called missing."""
    due: str
    """When it is looked at next."""
    duplicate: bool = False
    """Whether another question had the same Transaction UID, which is an answer by itself."""
    state: CommitmentState = CommitmentState.OPEN
    attempts: int = 0
    message: str = ""
    """In plain words: what hinders the report."""
    total: int = 0
    failed: int = 0
    """How many we did not commit to."""
    id: int = 0
    created: str = ""
    """When it was asked, the last time."""
    updated: str = ""
