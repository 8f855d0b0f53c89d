"""The first page of the clinic door: the studies that came last, or those that were searched for."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from appliance.dicom import names
from appliance.dicom.model import Study
from web import forms
from web.dicomweb.asked import ASKED, ITEMS
from web.keys import BOX, THREADS, VIEWER
from web.staff.entrance import cookie
from web.staff.pages import PAGES

_MOST = 50
_LONGEST = 128


@dataclass(frozen=True)
class Row:
    """A study as people read it."""

    uid: str
    patient: str
    born: str
    identity: str
    about: str

    @classmethod
    def of(cls, study: Study) -> Row:
        """In words; what is unknown is left out."""
        images = study.number_of_study_related_instances
        parts = (
            _date(study.study_date),
            ", ".join(study.modalities_in_study),
            study.study_description.strip(),
            "1 image" if images == 1 else f"{images:,} images",
        )
        return cls(
            study.study_instance_uid,
            names.display(study.patient_name) or "(no name)",
            _date(study.patient_birth_date),
            study.patient_id.strip(),
            " · ".join(part for part in parts if part),
        )


async def listed(request: web.Request) -> web.StreamResponse:
    """GET / and POST /: a search is posted, so that no name is ever in an address."""
    text = (await forms.fields(request)).get("search", "")[:_LONGEST] if request.method == "POST" else ""
    box = request.app[BOX]
    found = await request.app[THREADS].run(lambda: box.storage.studies.search(text, _MOST))
    request[ITEMS] = len(found)
    values = {"rows": [Row.of(study) for study in found], "search": text, "most": _MOST, **session_of(request)}
    values["full"] = request.app[VIEWER] is not None
    return request.app[PAGES].page(request, "studies", values)


def session_of(request: web.Request) -> dict[str, object]:
    """What every page says at its top: who is in, and whether there is a session to end."""
    return {"who": request[ASKED].grant.scope.who.removeprefix("staff "), "may_leave": bool(cookie(request))}


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else ""
