"""The viewers that we know: how each is asked to open a study, by its own documentation, and what it needs for that.

In a template, `{study}` and the other places of `appliance.config.PLACES` are put in percent-encoded; `{clinic}` is the
address of the clinic door as it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """One of them."""

    name: str
    template: str
    by: str
    """How the images get there, in a word or two."""
    needs: str
    """In a sentence, for who sets it up and for who wonders why it does not open."""


_OWN_WAY = "its own settings"
_BY_DICOM = "fetches the images by DICOM, so the box must know that computer as a peer which may query and retrieve"


def _on_a_mac(name: str, scheme: str) -> Viewer:
    """osirix-viewer.com: RIS integration, the method Retrieve; Horos has kept it."""
    return Viewer(
        name,
        scheme + "://?methodName=retrieve&serverName={ae_title}&filterKey=StudyInstanceUID&filterValue={study}"
        "&retrieveOnlyIfNeeded=yes&then=open",
        "DICOM",
        f"{name} on a Mac, with URL schemes allowed (Preferences, Listener) and this box among its locations by the"
        f" name {{ae_title}}. It {_BY_DICOM}.",
    )


KNOWN = {
    # weasis.org: Getting started, Weasis Web Protocol; $dicom:rs
    "weasis": Viewer(
        "Weasis",
        "weasis://%24dicom%3Ars%20--url%20%22{dicomweb}%22%20-r%20%22studyUID%3D{study}%22"
        "%20-H%20%22Authorization%3A%20Bearer%20{token}%22",
        "DICOMweb",
        "Weasis 3.6 or later, installed on that computer.",
    ),
    # Slicer: DICOM module, onURLReceived
    "slicer": Viewer(
        "3D Slicer",
        "slicer://viewer/?studyUID={study}&access_token={token}&dicomweb_endpoint={dicomweb}",
        "DICOMweb",
        "3D Slicer 4.13 or later; on Linux and macOS it must be registered for slicer:// links.",
    ),
    "horos": _on_a_mac("Horos", "horos"),
    "osirix": _on_a_mac("OsiriX", "osirix"),
    # radiantviewer.com: command line arguments and URL protocol
    "radiant": Viewer(
        "RadiAnt",
        "radiant://?n=paet&v={ae_title}&n=pstv&v=0020000D&v=%22{study}%22",
        "DICOM",
        f"RadiAnt on Windows, with this box ({{ae_title}}) among its PACS locations. It {_BY_DICOM}.",
    ),
    # microdicom.com: command line and URL, pacsServer and pacsTagValue, in this order
    "microdicom": Viewer(
        "MicroDicom",
        "microdicom://?param=pacsServer&value={ae_title}%3A{dicom_host}%3A{dicom_port}"
        "&param=pacsTagValue&value=0020000D&value={study}",
        "DICOM",
        f"MicroDicom 2024.2 or later on Windows. It {_BY_DICOM}.",
    ),
}


BROWSER = Viewer(
    "OHIF",
    "{clinic}/ohif/viewer?StudyInstanceUIDs={study}",
    "the browser",
    "Any up-to-date browser that reaches this box; it asks who you are.",
)


def meddream(address: str) -> Viewer:
    """The clinic's MedDream, a web page that has its images from this box by its own settings."""
    return Viewer(
        "MedDream",
        f"{address}/?study={{study}}",
        _OWN_WAY,
        "The clinic's MedDream, which must have this box as storage.",
    )


def own(link: str) -> Viewer:
    """One of `viewers.links`, checked with the configuration."""
    name, _, template = (part.strip() for part in link.partition("="))
    return Viewer(name, template, _OWN_WAY, "Set up by the clinic.")
