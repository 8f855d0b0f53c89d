"""The whole promise that a storage backend makes; one test suite runs against every backend.

Reads see committed data. Writes happen inside `Storage.transaction()`: all of it is durable when the block
ends, or nothing of it happened. A `Storage` belongs to the thread that opened it. Whatever raises
`IndexUnavailableError` may be tried again later; nothing was changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from appliance.dicom.header import Header
from appliance.dicom.model import Instance, Series, Study
from appliance.dicom.query import Match
from appliance.storage.rows import (
    AuditRow,
    Commitment,
    CommitmentState,
    Event,
    Held,
    Kept,
    Opening,
    Order,
    Peer,
    Proof,
    Reference,
    Share,
    Step,
    Token,
    Transfer,
    TransferItem,
    TransferState,
    WorklistFile,
)


class Studies(Protocol):
    """Studies, series and instances: what was received, and finding it."""

    def add(self, arrivals: Iterable[tuple[Header, str]]) -> None:
        """Enter instances, each with its blob key, and their studies and series; every SOP Instance UID must be new.

        Counts, sizes and modalities of studies and series are right at once.
        """

    def kept(self, sop_instance_uids: Sequence[str]) -> dict[str, Kept]:
        """Of each of these instances that is known: what its bytes are, and where."""

    def move(self, header: Header, blob_key: str) -> None:
        """The same data set is now in another file: its place, size, digest and origin."""

    def study(self, study_instance_uid: str) -> Study | None:
        """One study, or None."""

    def studies(self, study_instance_uids: Sequence[str]) -> list[Study]:
        """Those of these studies that are known, newest arrival first."""

    def search(self, text: str, limit: int, offset: int = 0) -> list[Study]:
        """Studies in whose names, IDs, dates, modality or descriptions every word of `text` occurs.

        Any part of a word will do; case and diacritics don't count. Newest arrival first.
        """

    def series(self, study_instance_uid: str) -> list[Series]:
        """The series of a study by series number."""

    def instances(self, study_instance_uid: str, series_instance_uid: str = "") -> list[Instance]:
        """The instances of a study, or of one of its series, by series and instance number."""

    def instance(self, study_instance_uid: str, sop_instance_uid: str) -> Instance | None:
        """One instance, only if it is of this study."""

    def find(self, match: Match, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Rows of `match.level` with the columns of that level and those above, by keyword.

        Streams: memory does not grow with the number of answers.
        """

    def patients(self, match: Match) -> Iterator[dict[str, Any]]:
        """Each patient of whom a study matches, by keyword, with the counts of all studies; newest first.

        Studies are one patient's by ID and its issuer; without an ID, by name and day of birth. Streams.
        """

    def of_patient(self, patient: Mapping[str, Any]) -> dict[str, int]:
        """`NumberOfPatientRelatedStudies`, `...Series` and `...Instances` of a patient given by keyword."""

    def matching(self, match: Match, seconds: float) -> int | None:
        """How many rows match; None when counting them takes longer than `seconds`."""

    def metadata(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> Iterator[bytes]:
        """The DICOM JSON of each instance (PS3.18 Annex F), by series and instance number; streams."""

    def example(self, study_instance_uid: str, series_instance_uid: str = "") -> bytes | None:
        """The DICOM JSON of some instance, always the same, of a study or of one of its series."""

    def metadata_of(self, sop_instance_uids: Sequence[str]) -> list[bytes]:
        """The DICOM JSON of each of these instances that is known, in their order."""

    def remove_study(self, study_instance_uid: str) -> list[str]:
        """Forget a study with all its rows; gives the blob keys of its instances."""

    def study_uids(self) -> Iterator[str]:
        """The UID of every study."""

    def count(self) -> tuple[int, int]:
        """How many studies and instances there are."""


class Events(Protocol):
    """The numbered news."""

    def add(self, kind: str, study_instance_uid: str = "", **detail: Any) -> None:
        """Write an event in the running transaction. No patient data in `detail`."""

    def since(self, seq: int, limit: int = 1000) -> list[Event]:
        """Events after number `seq`, oldest first."""

    def last(self) -> int:
        """The number of the newest event, 0 when there is none."""


class Shares(Protocol):
    """Shares and the log of their openings."""

    def add(self, study_instance_uid: str, code_hash: str, pin_hash: str, expires: str) -> Share:
        """A new share."""

    def get(self, share_id: int) -> Share | None:
        """By number."""

    def by_code(self, code_hash: str) -> Share | None:
        """By the hash of the link's code."""

    def all(self, study_instance_uid: str = "") -> list[Share]:
        """All shares, or those of a study, newest first."""

    def revoke(self, share_id: int) -> None:
        """End it now; ending it twice changes nothing."""

    def take_attempt(self, share_id: int, limit: int) -> bool:
        """Count one PIN attempt if fewer than `limit` were wrong; False when the share is locked.

        Counted before the PIN is looked at, so that parallel guesses can't exceed the limit.
        """

    def give_back_attempt(self, share_id: int) -> None:
        """The PIN was right: the attempt does not count as wrong."""

    def rearm(self, share_id: int, pin_hash: str) -> None:
        """Forget the wrong attempts, set a new PIN, void the sessions of the old one."""

    def log(self, share_id: int, address: str, what: str, detail: str = "") -> None:
        """Add a line to the share's log."""

    def openings(self, share_id: int) -> list[Opening]:
        """The share's log, newest first."""

    def opened(self, share_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """How often each of these shares was opened, and when last; one that never was is absent."""


class Peers(Protocol):
    """Remote AEs that we know."""

    def add(self, peer: Peer) -> None:
        """A new peer; raises `AlreadyExistsError` when the name is taken, in whatever case."""

    def get(self, name: str) -> Peer | None:
        """By name, without regard to case."""

    def all(self) -> list[Peer]:
        """All peers by name."""

    def change(self, peer: Peer) -> bool:
        """Put `peer` in the place of the one of its name, in whatever case; False when there is none."""

    def remove(self, name: str) -> bool:
        """Forget it; False when there is none of that name."""


class Tokens(Protocol):
    """Access tokens of programs."""

    def add(self, token: Token) -> None:
        """A new token; raises `AlreadyExistsError` when one of that name, in whatever case, is in use."""

    def get(self, token_id: str) -> Token | None:
        """By its number."""

    def all(self) -> list[Token]:
        """All tokens, newest first, those that are over too."""

    def revoke(self, name: str) -> bool:
        """End the token in use of that name now; False when there is none."""


class Audit(Protocol):
    """Who read and wrote what; rows are only ever added."""

    def add(self, rows: Iterable[AuditRow], batch: str = "") -> bool:
        """Add `rows` in the running transaction; False when those of `batch`, if it has a name, are here already."""

    def rows(
        self, *, study_instance_uid: str = "", who: str = "", since: str = "", before: int = 0, limit: int = 100
    ) -> list[AuditRow]:
        """Newest first; of one study, of one who asks, from a time on, with numbers below `before`."""


class Transfers(Protocol):
    """The outgoing queue. Its state machine is drawn in `rows.TransferState`."""

    def add(self, study_instance_uid: str, peer: str) -> Transfer:
        """Queue the study as it is now for `peer`, every instance pending."""

    def get(self, transfer_id: int) -> Transfer | None:
        """By number."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Transfer]:
        """Newest first."""

    def claim(self, now: str, busy_peers: Sequence[str] = (), beyond: str | None = None) -> Transfer | None:
        """The due transfer that has waited longest, now `sending` with one more attempt; None if none is due.

        `busy_peers` are passed over. What is due after `beyond` was put off by a clock that was ahead, and is due.
        """

    def pending(self, transfer_id: int) -> list[TransferItem]:
        """The instances that are not settled yet, in the study's order; one that was deleted has no blob key."""

    def acknowledge(self, transfer_id: int, sop_instance_uid: str, note: str = "") -> None:
        """The peer has it: it is never sent again within this transfer, and the tries are counted anew.

        `note` is what the peer remarked.
        """

    def refuse(self, transfer_id: int, sop_instance_uid: str, reason: str) -> None:
        """The peer, or its lack of a format, refused this instance for good."""

    def refusals(self, transfer_id: int) -> list[tuple[str, str]]:
        """(SOP Instance UID, reason) of the refused instances."""

    def notes(self, transfer_id: int) -> list[str]:
        """What the peer remarked on instances that it has."""

    def put_back(self, transfer_id: int) -> bool:
        """From `sending` to `queued`, the try not counted: the sender stops. False when it is not `sending`."""

    def finish(self, transfer_id: int, state: TransferState, message: str = "", due: str = "") -> bool:
        """From `sending` to `state`; False when it is not `sending` any more (cancelled meanwhile).

        Of one that is done, only the counts and the peer's remarks are kept: years of instances would fill the index.
        """

    def cancel(self, transfer_id: int) -> bool:
        """To `cancelled` unless it is over; False when it was."""

    def fail_all(self, peer: str, message: str) -> list[Transfer]:
        """Whatever is on its way to `peer`, in whatever case, to `failed`; gives those."""

    def retry(self, transfer_id: int, now: str) -> bool:
        """A failed or cancelled one back to `queued`, its refused instances pending again."""

    def recover(self) -> int:
        """At the sender's start: what a dead sender left `sending` is `queued` again; how many."""


class Orders(Protocol):
    """Orders, and the worklist files that some of them come from. Their states are drawn in `rows.OrderState`."""

    def add(self, order: Order) -> Order:
        """A new order; gives it with its number and times."""

    def change(self, order: Order) -> None:
        """Keep what is new of it."""

    def get(self, order_id: int) -> Order | None:
        """By number."""

    def next_id(self) -> int:
        """The number that the next order gets, within this transaction."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Order]:
        """Latest start first."""

    def scheduled(self, first: str = "", last: str = "") -> Iterator[dict[str, Any]]:
        """The items of open orders that start between two days (`YYYYMMDD`, open where empty), by their time."""

    def before(self, day: str) -> list[Order]:
        """Open orders that were to start before `day`."""

    def known_by(self, study_instance_uid: str = "", accession_number: str = "", step_id: str = "") -> list[Order]:
        """Orders that go by one of these, in whatever state; what is empty says nothing."""

    def files(self) -> dict[str, WorklistFile]:
        """The files of the watched folder as they were last seen, by name."""

    def note_file(self, file: WorklistFile) -> None:
        """Remember how a file was seen."""

    def forget_files(self, names: Sequence[str]) -> None:
        """They are not there any more."""


class Steps(Protocol):
    """Performed procedure steps, and the orders that they are linked to."""

    def add(self, step: Step) -> None:
        """A new one, not linked yet; raises `AlreadyExistsError` when its UID is known."""

    def change(self, step: Step) -> None:
        """Keep what is new of it; its links have words of their own."""

    def get(self, sop_instance_uid: str) -> Step | None:
        """By its SOP Instance UID."""

    def all(self, limit: int = 200) -> list[Step]:
        """Newest first."""

    def of_order(self, order_id: int) -> list[Step]:
        """Those that are linked to an order, oldest first."""

    def link(self, sop_instance_uid: str, order_ids: Sequence[int]) -> None:
        """Its orders are these, and no others."""


class Commitments(Protocol):
    """What callers ask us to commit to. The state machine is drawn in `rows.CommitmentState`."""

    def add(self, commitment: Commitment) -> Commitment:
        """A new one; gives it with its number and times."""

    def get(self, commitment_id: int) -> Commitment | None:
        """By number."""

    def of_transaction(self, transaction_uid: str) -> list[Commitment]:
        """Those that named this Transaction UID, oldest first."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Commitment]:
        """Newest first."""

    def due(self, now: str, beyond: str, limit: int = 100) -> list[Commitment]:
        """Open ones whose time has come, longest waiting first; what is due after `beyond` is due, as in `claim`."""

    def put_off(self, commitment_id: int, due: str, message: str = "", attempts: int = 1) -> None:
        """Look at it again at `due`; `attempts` were made to report it."""

    def ask_again(self, commitment_id: int, commitment: Commitment) -> None:
        """The same was asked once more: open again, with the references, mark, address and due of `commitment`."""

    def close(self, commitment_id: int, state: CommitmentState, failed: int = 0, message: str = "") -> bool:
        """From `open` to `state`, its references forgotten; False when it was closed already."""

    def forget(self, before: str) -> int:
        """Delete those that were closed before this time; how many."""

    def held(self, sop_instance_uids: Sequence[str]) -> dict[str, Held]:
        """What the index says of each of these instances that it has."""


class Proofs(Protocol):
    """Whether peers keep what our transfers brought. The state machine is drawn in `rows.Proof`."""

    def want(self, transfer_id: int) -> None:
        """Ask the peer of a transfer that is about to be done; its instances are remembered until it is settled."""

    def due(self, now: str, beyond: str) -> list[Transfer]:
        """Those whose peer is to be asked now, longest waiting first; `beyond` as in `claim`."""

    def overdue(self, now: str) -> list[Transfer]:
        """Those whose peer was asked, and has not answered in time."""

    def of_transaction(self, transaction_uid: str) -> Transfer | None:
        """The transfer whose peer was asked last by this Transaction UID."""

    def unproven(self, transfer_id: int) -> list[Reference]:
        """What the peer was sent and has not confirmed; of what was deleted here meanwhile, without its SOP class."""

    def begin(self, transfer_id: int, transaction_uid: str) -> None:
        """The peer is about to be asked by this Transaction UID: it may answer from now on."""

    def put_off(self, transfer_id: int, transaction_uid: str, due: str) -> None:
        """It could not be asked by this Transaction UID: try again at `due`."""

    def wait(self, transfer_id: int, transaction_uid: str, until: str) -> None:
        """It was asked; unless it has answered already, its answer has time `until` then."""

    def confirm(self, transfer_id: int, sop_instance_uids: Collection[str]) -> None:
        """The peer keeps these."""

    def settle(self, transfer_id: int, proof: Proof) -> None:
        """How it ended; of the instances, only the peer's remarks are kept."""

    def send_again(self, transfer_id: int, sop_instance_uids: Collection[str], message: str) -> None:
        """From `done` to `queued`, these instances pending again: the peer does not have them."""

    def fail(self, transfer_id: int, reasons: Mapping[str, str], message: str) -> None:
        """From `done` to `failed`: the peer does not keep these instances, for reasons that sending can't cure."""


class Storage(Protocol):
    """The index: one object a thread."""

    studies: Studies
    events: Events
    shares: Shares
    peers: Peers
    transfers: Transfers
    tokens: Tokens
    orders: Orders
    steps: Steps
    audit: Audit
    commitments: Commitments
    proofs: Proofs

    def transaction(self) -> AbstractContextManager[None]:
        """Take the write lock at once, commit at the end, roll back on any exception."""

    def version(self) -> int:
        """A number that changes when another connection has committed; costs microseconds."""

    def check(self) -> list[str]:
        """Faults found in the index itself, in words; empty when it is sound."""

    def snapshot(self, path: Path) -> None:
        """Write all that the archive can't rebuild, as of one moment, to a new file, checked but not flushed.

        The file can stand in for the index: `reindex` makes the rest. Numbers go on behind a gap, as `skip_numbers`
        makes it.
        """

    def skip_numbers(self) -> None:
        """Leave a gap in the numbers of shares, transfers, events: those that a lost index gave are not given again."""

    def close(self) -> None:
        """Let go of it."""


class Blobs(Protocol):
    """Where the bytes live, keyed by keys of ours."""

    def link(self, key: str, file: Path) -> None:
        """Bring `file` (already fsynced) under `key`, without copying where that can be.

        Doing it again with the same bytes changes nothing; not durable before `sync`.
        """

    def holds(self, key: str, size: int) -> bool:
        """Whether `key` has its bytes, as many as there should be."""

    def sync(self, keys: Iterable[str]) -> None:
        """Make the links of these keys durable; each folder is flushed once."""

    def path(self, key: str) -> Path:
        """A path to read the bytes from; raises FileNotFoundError when there are none."""

    def open(self, key: str) -> BinaryIO:
        """The bytes, for reading."""

    def remove(self, key: str) -> None:
        """Delete; deleting twice changes nothing."""

    def keys(self) -> Iterator[str]:
        """Every key, in no promised order."""
