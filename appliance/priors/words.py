"""What went wrong with looking at a peer, in plain words and with what to do; never with anything of a patient's."""

from __future__ import annotations

from appliance.priors.progress import Progress
from appliance.transfers.words import images


def no_queries(peer: str, ours: str) -> str:
    """The peer accepted no C-FIND."""
    return f"{peer} does not answer queries from this box: ask them to allow our AE title {ours} to query."


def no_retrieval(peer: str, ours: str) -> str:
    """The peer accepted neither C-GET nor C-MOVE."""
    return f"{peer} does not let this box fetch studies: ask them to allow our AE title {ours} to retrieve."


def does_not_know_us(peer: str, ours: str) -> str:
    """The peer was asked by C-MOVE to send to a title that it does not know."""
    return (
        f"{peer} does not know where to send images for {ours}: ask them to add this box as a destination, with"
        " its AE title, address and port."
    )


def receiver_is_down(peer: str) -> str:
    """The peer can only send to our receiver, which does not run."""
    return (
        f"{peer} does not hand out images on the line that asks for them (C-GET); it must send them to this box, whose"
        " receiver is not running. Start it, and fetch again."
    )


def move_failed(peer: str, ours: str, status: int, comment: str) -> str:
    """The peer was asked by C-MOVE to send to us, and nothing came of it."""
    return f"{fetch_failed(peer, status, comment)} {_known_there(ours)}"


def move_broken_off(peer: str, ours: str) -> str:
    """The peer was asked by C-MOVE to send to us, and hung up instead of an answer."""
    return f"{peer} hung up when it was asked to send the study. {_known_there(ours)}"


def _known_there(ours: str) -> str:
    return f"Ask them whether they know this box as {ours}, with the right address and port, and can reach it."


def query_failed(peer: str, status: int, comment: str) -> str:
    """The peer answered a C-FIND with a failure."""
    return f"{peer} could not answer the query ({_said(status, comment)})."


def fetch_failed(peer: str, status: int, comment: str) -> str:
    """The peer sent nothing."""
    return f"{peer} could not send the study ({_said(status, comment)})."


def _said(status: int, comment: str) -> str:
    comment = "".join(c for c in comment if c.isprintable()).strip()
    return f"{status:04X}, “{comment}”" if comment else f"{status:04X}"


def fetched(peer: str, progress: Progress) -> str:
    """How it ended."""
    if progress.remaining:
        return f"Stopped: {images(progress.arrived)} came from {peer}, {progress.remaining} did not."
    if progress.failed:
        reason = f" {progress.why[:1].upper()}{progress.why[1:]}." if progress.why else ""
        return f"{images(progress.arrived)} came from {peer}, {progress.failed} could not be sent.{reason}"
    if not progress.arrived:
        return f"{peer} has no images of this study."
    return f"{images(progress.arrived)} came from {peer}."
