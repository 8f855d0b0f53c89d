"""How a study is shown: its columns in the worklist, and the lines that describe it."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.dicom.model import Study
from tui import words
from tui.widgets.columns import Cell, Column


def describe(study: Study) -> str:
    """Two lines, longer than the columns have room for."""
    physician = words.person(study.referring_physician_name) if study.referring_physician_name else ""
    more = words.dotted(
        words.contents(study),
        words.plural(study.number_of_study_related_series, "series"),
        f"from {physician}" if physician else "",
        f"accession {words.clean(study.accession_number)}" if study.accession_number else "",
    )
    return f"{words.dotted(words.person(study.patient_name), words.identity(study))}\n{more}"


def _received(study: Study) -> Cell:
    now = datetime.now(UTC)
    return ("now", "fresh") if words.is_arriving(study, now) else words.when(study.last_received, now)


def _images(study: Study) -> Cell:
    count = f"{study.number_of_study_related_instances:,}"
    return (count, "fresh") if words.is_arriving(study, datetime.now(UTC)) else count


COLUMNS: list[Column[Study]] = [
    Column("Patient", lambda study: words.person(study.patient_name), weight=3, most=44),
    Column("Born", lambda study: words.date(study.patient_birth_date), 10),
    Column("Patient ID", lambda study: words.clean(study.patient_id), 14, least=120),
    Column("Study date", lambda study: words.date(study.study_date), 10),
    Column("Type", lambda study: words.modalities(study.modalities_in_study, 5), 5),
    Column("Description", lambda study: words.clean(study.study_description), weight=2),
    Column("Accession", lambda study: words.clean(study.accession_number), 16, least=150),
    Column("Series", lambda study: str(study.number_of_study_related_series), 6, right=True, least=120),
    Column("Images", _images, 6, right=True),
    Column("Received", _received, 8),
]
