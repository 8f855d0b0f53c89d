"""What went wrong with a peer, in plain words and with what to do; never with anything of a patient's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydicom.uid import UID

from appliance.peers.faults import Fault
from appliance.storage.rows import Peer

_FAULTS = {
    Fault.UNKNOWN_HOST: "The name {host} is not known on the network: check the address of {name} under peers.",
    Fault.UNREACHABLE: "{host} cannot be reached: is {name} switched on, and is the network in order?",
    Fault.NOT_LISTENING: (
        "{host} is there, but nothing listens on port {port}: is the DICOM program of {name} running,"
        " and is the port right?"
    ),
    Fault.SILENT: ("Nothing answers at {host} port {port}: is {name} switched on, and is the address right?"),
    Fault.NO_GREETING: ("{name} took the call but did not answer: is {port} its DICOM port, and is its program well?"),
    Fault.TLS: (
        "{name} does not speak TLS as we do on port {port}: check its port (often 2762), or ask which versions it has."
    ),
    Fault.CERTIFICATE: (
        "{name} shows a certificate that we don't trust: if it is a new one of theirs, import it"
        " (pacsbox tls import --peer)."
    ),
    Fault.HUNG_UP: "{name} hung up without an answer: it may let in only machines that it knows; ask them.",
    Fault.NOT_DICOM: "What answers at {host} port {port} does not speak DICOM: check the port of {name}.",
    Fault.CALLING_AE: "{name} did not accept our AE title {ours}: ask them to add it.",
    # dcmtk's archive for one says the same of a caller that it does not know.
    Fault.CALLED_AE: (
        "{name} says it is not called {theirs}: check the AE title under peers; if it is right, ask them to add"
        " ours, {ours}."
    ),
    Fault.REFUSED: (
        "{name} refused us without giving a reason: most often it does not know our AE title {ours} or the"
        " address of this box; ask them to add both."
    ),
    Fault.UNSUPPORTED: "{name} does not offer what we ask for: check that port {port} takes images.",
    Fault.BUSY: "{name} is busy and takes no more calls at the moment.",
    Fault.ABORTED: "{name} broke off in the middle; its own log may say why.",
    Fault.LOST: "The connection to {name} was lost in the middle.",
    Fault.NO_ANSWER: "{name} has stopped answering; its own log may say why.",
    Fault.NONSENSE: "{name} answered with what is not DICOM; its own log may say why.",
    Fault.FULL: "{name} has no room for more images: ask them to look at its disk.",
    Fault.FAILED: "{name} answered the echo with a failure.",
    Fault.OURS: "A fault of this box stopped the transfer to {name}: its log says more.",
}

_FORMATS = {
    "1.2.840.10008.1.2": "uncompressed images",
    "1.2.840.10008.1.2.1": "uncompressed images",
    "1.2.840.10008.1.2.1.99": "deflated images",
    "1.2.840.10008.1.2.2": "big-endian images",
    "1.2.840.10008.1.2.4.57": "lossless JPEG images",
    "1.2.840.10008.1.2.4.70": "lossless JPEG images",
    "1.2.840.10008.1.2.4.80": "JPEG-LS images",
    "1.2.840.10008.1.2.4.81": "JPEG-LS images",
    "1.2.840.10008.1.2.4.110": "JPEG XL images",
    "1.2.840.10008.1.2.4.111": "JPEG XL images",
    "1.2.840.10008.1.2.4.112": "JPEG XL images",
    "1.2.840.10008.1.2.5": "RLE images",
}
_FORMAT_FAMILIES = (
    ("1.2.840.10008.1.2.4.10", "films"),  # .100 to .108: MPEG-2, H.264, H.265
    ("1.2.840.10008.1.2.4.20", "HTJ2K images"),  # .201 to .203
    ("1.2.840.10008.1.2.4.9", "JPEG 2000 images"),  # .90 to .95
    ("1.2.840.10008.1.2.4.", "JPEG images"),
)

_STATUSES = {
    0x0106: "says that a value in it is not allowed",
    0x0110: "had a fault of its own with it",
    0x0117: "says that its identity is not valid",
    0x0118: "does not know its kind",
    0x0122: "does not take its kind",
    0x0124: "does not allow us to store it",
}


def trouble(fault: Fault, peer: Peer, our_title: str) -> str:
    """What is wrong between us and `peer`, and what to do."""
    return _FAULTS[fault].format(name=peer.name, host=peer.host, port=peer.port, theirs=peer.ae_title, ours=our_title)


def fault_of_ours(peer: str) -> str:
    """Something unexpected stopped the transfer to `peer`."""
    return _FAULTS[Fault.OURS].format(name=peer)


def image_format(transfer_syntax_uid: str) -> str:
    """Plural, in people's words: `JPEG 2000 images`."""
    if transfer_syntax_uid in _FORMATS:
        return _FORMATS[transfer_syntax_uid]
    for start, words in _FORMAT_FAMILIES:
        if transfer_syntax_uid.startswith(start):
            return words
    return "images of a private format"


def kind(sop_class_uid: str) -> str:
    """Plural, in people's words: `CT Images`."""
    name = UID(sop_class_uid).name
    if name == sop_class_uid:
        return "objects of a private kind"
    name = name.replace(" Storage", "", 1)
    return f"{name}s" if name.endswith("Image") else f"{name} objects"


def format_not_taken(peer: str, transfer_syntax_uid: str) -> str:
    """The peer accepted the SOP class, but not as we have it."""
    return f"{peer} does not take {image_format(transfer_syntax_uid)}."


def kind_not_taken(peer: str, sop_class_uid: str) -> str:
    """The peer did not accept the SOP class in any form."""
    return f"{peer} does not take {kind(sop_class_uid)}."


def refused(peer: str, status: int, comment: str = "") -> str:
    """Why one image was refused for good; `comment` is the peer's own (0000,0902)."""
    if status in _STATUSES:
        words = _STATUSES[status]
    elif status & 0xFF00 == 0xA900:
        words = "says that it is not what it claims to be"
    else:
        words = "could not make sense of it"
    comment = "".join(c for c in comment if c.isprintable()).strip()
    said = f"{status:04X}, “{comment}”" if comment else f"{status:04X}"
    return f"{peer} {words} ({said})."


def warned(peer: str, status: int) -> str:
    """What the peer did to an image that it took (PS3.4 B.2.3)."""
    what = {
        0xB000: "took it with some values changed",
        0x0107: "took it, though it does not know all of its values",
        0x0111: "had it already",
        0xB006: "took it without some of its values",
        0xB007: "took it, though it is not quite what it claims to be",
    }.get(status, "took it with a warning")
    return f"{peer} {what} ({status:04X})."


DELETED_HERE = "It was deleted here before it was sent."


def unreadable(fault: Exception) -> str:
    """Why the file of an image could not be read here."""
    if isinstance(fault, FileNotFoundError):
        return "Its file is not in the archive any more."
    if isinstance(fault, EOFError):
        return "Its file is damaged on this box."
    if isinstance(fault, OSError):
        return f"It could not be read here: {fault.strerror}."
    return "Its file in the archive is damaged, or cannot be converted to what the peer takes."


def peer_removed(name: str) -> str:
    """The peer of a transfer is not in the book any more."""
    return f"There is no peer {name} any more: add it and try again, or send the study to another."


def study_deleted(sent: int, total: int) -> str:
    """The study of a transfer is not here any more."""
    return f"The study was deleted here when {sent} of {images(total)} had been sent."


def given_up(message: str, attempts: int) -> str:
    """The last of many tries."""
    return f"{message} Given up after {attempts} tries." if attempts > 1 else message


def interrupted(attempts: int) -> str:
    """The sender itself ended in each try."""
    return f"Sending was cut short {attempts} times without one image getting through: look at this box's log."


def left_out(reasons: Sequence[str], total: int) -> str:
    """How many of `total` images were refused for good, and the main reason."""
    reason, times = Counter(reasons).most_common(1)[0]
    mainly = "" if times == len(reasons) else ", mainly"
    return f"{len(reasons)} of {images(total)} not sent{mainly}: {reason}"


def done(notes: Sequence[str], total: int, since: int) -> str:
    """All images went: what the peer remarked on some of them, and how many came `since`; empty without either."""
    told = []
    if notes:
        note, _ = Counter(notes).most_common(1)[0]
        told.append(f"All sent. {len(notes)} of {images(total)}: {note}")
    if since > 0:
        those = "that" if since == 1 else "those"
        told.append(f"{images(since)} arrived since the {total} that were sent: send the study again for {those}.")
    return " ".join(told)


def images(number: int) -> str:
    """`1 image`, `2 images`."""
    return "1 image" if number == 1 else f"{number} images"
