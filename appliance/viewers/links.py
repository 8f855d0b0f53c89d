"""Links for one study: which viewers there are, and each one's address.

A link holds the study's UID, where the box is, and for viewers that fetch by DICOMweb a pass to this one study that
ends within minutes; no name, no patient ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from appliance.access.bearers import Bearers
from appliance.access.scope import Permission, Scope
from appliance.config import Config
from appliance.errors import NotFoundError
from appliance.storage.contract import Storage
from appliance.viewers.known import BROWSER, KNOWN, Viewer, meddream, own


@dataclass(frozen=True)
class Link:
    """What opens a study in one viewer."""

    name: str
    """The viewer's."""
    url: str
    by: str
    """How the images get there: `DICOMweb`, `DICOM`, ..."""
    needs: str
    """What must be there for it, in a sentence."""
    expires: datetime | None
    """When its pass ends; None for a link without one, which opens nothing by itself."""


@dataclass(frozen=True)
class ViewerLinks:
    """Makes them."""

    config: Config
    storage: Storage
    bearers: Bearers
    browser: bool
    """Whether the full viewer is installed on this box."""

    def of(self, study_instance_uid: str, scope: Scope, clinic_url: str = "") -> list[Link]:
        """A link for each viewer, in the order of the configuration, made for whom `scope` is of.

        `clinic_url` is how they reach the clinic door, if not by `web.clinic_url`. Raises `NotAllowedError`, and
        `NotFoundError` for a study that is not here, or not for them.
        """
        scope.check(Permission.RETRIEVE)
        if not scope.sees(study_instance_uid) or self.storage.studies.study(study_instance_uid) is None:
            raise NotFoundError("There is no such study here.")
        given = self.bearers.pass_for(study_instance_uid, scope, self.config.viewers.token_minutes)
        root = self.config.web.clinic_url or clinic_url or self.config.clinic_url
        places = {
            "study": study_instance_uid,
            "token": given.text,
            "dicomweb": f"{root}/dicom-web",
            "ae_title": self.config.dicom.ae_title,
            "dicom_host": urlsplit(root).hostname or "",
            "dicom_port": str(self.config.dicom.port),
        }
        values = {name: quote(value, safe="") for name, value in places.items()} | {"clinic": root}
        return [
            Link(
                viewer.name,
                _filled(viewer.template, values),
                viewer.by,
                _filled(viewer.needs, places),
                given.expires if "{token}" in viewer.template else None,
            )
            for viewer in self._viewers()
        ]

    def _viewers(self) -> Iterator[Viewer]:
        options = self.config.viewers
        if self.browser:
            yield BROWSER
        yield from (KNOWN[name] for name in options.shown)
        if options.meddream:
            yield meddream(options.meddream)
        yield from map(own, options.links)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Every place filled once, so that nothing that was put in is taken for a place."""
    return re.sub(r"{(\w+)}", lambda place: values[place[1]], template)
