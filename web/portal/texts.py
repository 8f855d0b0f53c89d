"""Every word that a patient reads but those of reports' pages, in one place; a translation is another such file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from appliance.dicom.model import Series
from appliance.shares.album import Kind, Stack

LANGUAGE = "en"

TITLE = "Your images"
PIN_LEAD = "Please type the PIN that you got together with this link."
PIN_LABEL = "PIN"
PIN_BUTTON = "Show my images"
PIN_HELP = "The clinic told you or wrote it down for you. If you can’t find it, please ask for a new one."
NO_PIN_LEAD = "Your images are ready for you."
WRONG_PIN = "That PIN is not right."
NO_PIN_YET = "Please type your PIN once more: some time has passed since you opened your images."
WORKS_UNTIL = "This link works until {when}."
CLOSE = "Close"
CLOSE_HELP = "Please close your images when you are done on a phone or computer that others use too."
PICTURES = "Images"
DOCUMENTS = "Reports and documents"
FULL_TITLE = "For a closer look"
FULL = "Open the full viewer"
FULL_HELP = "A tool for doctors: it measures, compares and shows the images from other sides."
DOWNLOAD_TITLE = "Keep your images"
DOWNLOAD = "Download everything"
DOWNLOAD_HELP = "One zip file ({size}) for another doctor: the original images, as the clinic has them."
NOTHING_YET = "There are no images here yet. Please try again in a few minutes."
NO_SCRIPT = "Tap an image to open it. With JavaScript switched on you could also swipe through all of them."
OPEN_DOCUMENT = "Open"
SAVE_DOCUMENT = "Download"
FILM = "Film"
FILM_HELP = "If the film does not play, download it and try another player."
START = "Open the link that the clinic gave you, or point your camera at its QR code."

FOR_SCRIPT = {
    "position": "{0} of {1}",
    "picture": "Image {0} of {1}",
    "failed": "This image can’t be shown here. It is part of the download.",
    "offline": "The image did not arrive. Please check your connection and try again.",
    "play": "Play",
    "pause": "Pause",
    "full": "Full screen",
    "small": "Leave full screen",
    "standard": "Standard",
}
"""What the script says, with numbers in braces."""

VIEWER = {
    "label": "Image viewer",
    "previous": "Previous image",
    "next": "Next image",
    "slider": "Image",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "save": "Save this image",
    "windows": "Brightness and contrast",
    "hint": "Swipe for the next image. Pinch or double-tap to zoom.",
    "hint_keys": "Use the arrow keys or the mouse wheel for the next image. Double-click to zoom.",
}


@dataclass(frozen=True)
class Notice:
    """A page that tells why there is nothing to see, and what to do."""

    title: str
    text: str


NOTICES: dict[str, Notice] = {
    "unknown": Notice(
        "This link does not lead anywhere",
        "Please check that the whole link was copied, or scan the QR code once more. "
        "If it still does not work, the clinic can give you a new one.",
    ),
    "expired": Notice(
        "This link has run out",
        "Links work for a limited time to keep your images private. The clinic can give you a new one.",
    ),
    "revoked": Notice(
        "This link has been switched off",
        "The clinic has ended this link. If you still need the images, please ask the clinic for a new one.",
    ),
    "gone": Notice(
        "The images are not here any more",
        "The clinic has removed them from this box. Please ask the clinic if you still need them.",
    ),
    "locked": Notice(
        "This link is locked",
        "A wrong PIN was typed too often, so the link was locked to keep the images safe. "
        "Please call the clinic: it can unlock the link and give you a new PIN.",
    ),
    "no session": Notice("Please type your PIN", "Your images are closed at the moment. Your PIN opens them again."),
    "forbidden": Notice(
        "That did not come from this page",
        "Please open the link again and type your PIN there.",
    ),
    "too many": Notice("One moment, please", "There were many tries in a short time. Please wait a minute."),
    "not found": Notice("There is nothing here", "Please open the link that the clinic gave you."),
    "bad": Notice("That was not understood", "Please open the link that the clinic gave you once more."),
    "busy": Notice("Please try again in a moment", "The box with your images is busy or being serviced."),
    "lost": Notice(
        "This cannot be opened at the moment",
        "The box cannot read a file of your images. That is not your fault: please tell the clinic.",
    ),
    "broken": Notice("Something went wrong", "That is not your fault. Please try again in a few minutes."),
}
BACK = "Open your images"


def attempts_left(count: int) -> str:
    """How often one may still try."""
    return "You can try once more." if count == 1 else f"You can try {count} more times."


def missing(count: int, of: int) -> str:
    """The note in a download that is not complete."""
    files = f"1 of {of} files is" if count == 1 else f"{count} of {of} files are"
    return f"{files} missing here: the box could not read all of your images. Please tell the clinic.\r\n"


def images(count: int) -> str:
    """`24 images`."""
    return "1 image" if count == 1 else f"{count} images"


def written(day: date) -> str:
    """`15 March 2007`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def dicom_date(text: str) -> str:
    """A DICOM date written out; empty when it is none."""
    try:
        return written(datetime.strptime(text, "%Y%m%d").date())  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return ""


def person(name: str) -> str:
    """A PN as its owner says it: `Doe^Jane^^Dr` is `Dr Jane Doe`; other scripts behind (PS3.5 6.2.1)."""
    return " · ".join(filter(None, (_in_order(group) for group in name.split("=")[:2])))


def _in_order(group: str) -> str:
    family, given, middle, prefix, suffix = ([*group.split("^"), "", "", "", ""])[:5]
    return " ".join(part.strip() for part in (prefix, given, middle, family, suffix) if part.strip())


def size(count: int) -> str:
    """`5 MB`."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1e3))} kB"
    return f"{round(count / 1e6)} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def stack_title(stack: Stack) -> str:
    """`MR – left knee`."""
    parts = [_MODALITIES.get(stack.series.modality, stack.series.modality), _part(stack.series)]
    return " – ".join(filter(None, parts)) or "Images"


def stack_count(stack: Stack) -> str:
    """`24 images`, `film`, `document`, `report`."""
    if stack.kind is Kind.CLIP:
        return f"moving, {images(stack.count)}"
    if stack.kind is Kind.OTHER:
        return f"{_files(stack.count)} for doctors’ software, in the download"
    return {Kind.FILM: "film", Kind.DOCUMENT: "document", Kind.REPORT: "report"}.get(stack.kind) or images(stack.count)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _part(series: Series) -> str:
    code = series.body_part_examined.replace(" ", "").upper()
    part = _PARTS.get(code, series.body_part_examined.lower())
    side = {"L": "left", "R": "right"}.get(series.laterality.strip().upper(), "")
    return f"{side} {part}".strip() if part else ""


_MONTHS = "January February March April May June July August September October November December".split()

_MODALITIES = {
    "BMD": "bone density",
    "CR": "X-ray",
    "CT": "CT",
    "DOC": "document",
    "DX": "X-ray",
    "ECG": "ECG",
    "ES": "endoscopy",
    "GM": "microscope",
    "IO": "X-ray of teeth",
    "IVUS": "ultrasound",
    "M3D": "3D model",
    "MG": "mammogram",
    "MR": "MR",
    "NM": "nuclear medicine",
    "OCT": "OCT",
    "OP": "photo of the eye",
    "OPT": "eye scan",
    "OT": "images",
    "PT": "PET",
    "PX": "X-ray of jaw",
    "RF": "X-ray",
    "RG": "X-ray",
    "SC": "images",
    "SM": "microscope",
    "SR": "report",
    "US": "ultrasound",
    "XA": "X-ray",
    "XC": "photo",
}
"""By the code of (0008,0060) (PS3.3 C.7.3.1.1.1); what is missing here is shown as it is."""

_PARTS = {
    "ABDOMEN": "belly",
    "ABDOMENPELVIS": "belly and pelvis",
    "ARM": "arm",
    "BREAST": "breast",
    "BRAIN": "head",
    "CALCANEUS": "heel",
    "CERVICALSPINE": "neck",
    "CHEST": "chest",
    "CHESTABDOMEN": "chest and belly",
    "CHESTABDPELVIS": "chest, belly and pelvis",
    "CLAVICLE": "collarbone",
    "COCCYX": "tailbone",
    "CSPINE": "neck",
    "EXTREMITY": "arm or leg",
    "FEMUR": "thigh",
    "FINGER": "finger",
    "HEADNECK": "head and neck",
    "HUMERUS": "upper arm",
    "LOWEREXTREMITY": "leg",
    "LOWERLEG": "lower leg",
    "LSPINE": "lower back",
    "LSSPINE": "lower back",
    "LUMBARSPINE": "lower back",
    "MANDIBLE": "jaw",
    "ORBIT": "eye",
    "PATELLA": "kneecap",
    "RIB": "ribs",
    "SACRUM": "lower back",
    "SKULL": "head",
    "SPINE": "back",
    "SSPINE": "lower back",
    "THORACICSPINE": "upper back",
    "TIBIAFIBULA": "lower leg",
    "TOE": "toe",
    "TSPINE": "upper back",
    "TLSPINE": "back",
    "UPPEREXTREMITY": "arm",
    "WHOLEBODY": "whole body",
    "WHOLESPINE": "back",
}
"""By the code of (0018,0015) (PS3.16 Annex L) where its own word is not one that everybody uses."""
