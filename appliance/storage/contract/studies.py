"""Studies, series and instances in the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from appliance.dicom.header import Header
from appliance.dicom.model import Instance, Series, Study
from appliance.dicom.query import Match
from appliance.storage.rows.instances import Arrived, Kept, Stored


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

    def arrived(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> list[Arrived]:
        """The instances of a study, of a series or one, by series and instance number: only which and when."""

    def stored(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> list[Stored]:
        """The instances of a study, of a series or one, by series and instance number: only their files."""

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
