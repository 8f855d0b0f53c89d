"""What went wrong with a DICOMweb server, in plain words and with what to do; never with anything of a patient's."""

from __future__ import annotations

from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer

_FAULTS = {
    Fault.UNKNOWN_HOST: "The name {host} is not known on the network: check the URL of {name} under peers.",
    Fault.UNREACHABLE: "{host} cannot be reached: is {name} switched on, and is the network in order?",
    Fault.NOT_LISTENING: (
        "{host} is there, but nothing listens on port {port}: is the server of {name} running, and is its URL right?"
    ),
    Fault.SILENT: "Nothing answers at {host} port {port}: is {name} switched on, and is its URL right?",
    Fault.TLS: "{name} does not speak TLS as we do on port {port}: does its URL begin with http:// in truth?",
    Fault.CERTIFICATE: (
        "{name} shows a certificate of nobody whom we trust: give its CA (pacsbox peer change --ca), or pin the"
        " certificate (--fingerprint)."
    ),
    Fault.NOT_DICOMWEB: (
        "What answers at {url} is no DICOMweb server: check the URL of {name}; it often ends in /dicom-web or /rs."
    ),
    Fault.UNAUTHORIZED: (
        "{name} does not let us in (401): give the token or password that they have given you"
        " (pacsbox peer change --token or --user); one that worked before may be over."
    ),
    Fault.FORBIDDEN: (
        "{name} knows us, but does not allow us this (403): ask them to let us query, retrieve and store."
    ),
    Fault.UNSUPPORTED: "{name} does not offer what we ask for: ask them whether it takes images by STOW-RS.",
    Fault.BUSY: "{name} is busy or being restarted, and takes no more requests at the moment.",
    Fault.LOST: "The connection to {name} was lost in the middle.",
    Fault.NO_ANSWER: "{name} has stopped answering; its own log may say why.",
    Fault.NONSENSE: "{name} answered with what is not DICOMweb; its own log may say why.",
    Fault.FULL: "{name} has no room for more images: ask them to look at its disk.",
    Fault.FAILED: "{name} answered with a failure of its own; its log may say why.",
}

_CERTIFICATES = {
    9: "The certificate of {name} is not valid yet: is the date of this box right?",
    10: "The certificate of {name} has expired: ask them to renew it, and look whether the date of this box is right.",
    62: "{name} shows a certificate for another name than {host}: check its URL, or pin it (--fingerprint).",
    64: "{name} shows a certificate for another address than {host}: use its name, or pin it (--fingerprint).",
}
"""By OpenSSL's X509_V_ERR numbers."""
_PINNED = "{name} shows another certificate than the one that it is pinned to: ask them whether they have a new one."


def trouble(fault: Fault, peer: Peer) -> PeerError:
    """What is wrong between us and `peer`, and what to do."""
    return _error(fault, _FAULTS[fault], peer)


def certificate(peer: Peer, code: int) -> PeerError:
    """Its certificate is not good, as OpenSSL says by a number; 0 for another than the pinned one."""
    told = _CERTIFICATES.get(code, _FAULTS[Fault.CERTIFICATE]) if code else _PINNED
    return _error(Fault.CERTIFICATE, told, peer)


def redirected(peer: Peer) -> PeerError:
    """It sends us elsewhere, where our token must not follow by itself."""
    told = "{name} says that its address is another (redirect): ask them for the URL, and put that under peers."
    return _error(Fault.NOT_DICOMWEB, told, peer)


class FailedError(PeerError):
    """The server answered with an HTTP status that is no success."""

    def __init__(self, peer: Peer, status: int) -> None:
        super().__init__(
            Fault.FAILED, f"{peer.name} answered with a failure of its own (HTTP {status}); its log may say why."
        )
        self.status = status


def not_handed_out(peer: Peer) -> PeerError:
    """It tells of a study, and has none when it is asked for it (404)."""
    told = "{name} knows the study, but does not hand it out (404): ask them whether it is still there."
    return _error(Fault.UNSUPPORTED, told, peer)


def lost_with_large(peer: Peer, size: int) -> PeerError:
    """The connection broke while one large image was on its way."""
    told = (
        f"The connection to {{name}} was lost while an image of {_megabytes(size)} was on its way: if that happens"
        " again, something between us may cut what is over 100 MB; send to them by DICOM instead."
    )
    return _error(Fault.LOST, told, peer)


def too_large(peer: str, size: int) -> str:
    """The server, or a proxy before it, does not take one image of so many bytes (413)."""
    return (
        f"{peer} takes no image of {_megabytes(size)} (413): ask them to raise the limit of their web server"
        " (client_max_body_size in nginx); tunnels often end at 100 MB: then send to them by DICOM."
    )


def refused(peer: str, status: int) -> str:
    """One image was refused by an HTTP status alone."""
    return f"{peer} did not take it, and said no more than HTTP {status}."


def unsaid(peer: str) -> str:
    """The server took a request without saying which images."""
    return f"{peer} took it without saying what became of it (202)."


def _error(fault: Fault, told: str, peer: Peer) -> PeerError:
    return PeerError(fault, told.format(name=peer.name, host=peer.host, port=peer.port, url=peer.url))


def _megabytes(size: int) -> str:
    return f"{max(1, round(size / 1e6)):,} MB"
