"""What can go wrong between us and a peer."""

from __future__ import annotations

from enum import StrEnum

from appliance.errors import PacsboxError


class Fault(StrEnum):
    """Kinds of trouble, each with words of its own and a decision whether waiting may cure it."""

    UNKNOWN_HOST = "unknown host"
    """The name has no address, or the name server doesn't answer."""
    UNREACHABLE = "unreachable"
    """No way there: our network, or theirs, is down."""
    NOT_LISTENING = "not listening"
    """The machine answers that nothing listens on that port."""
    SILENT = "silent"
    """No answer to the call: switched off, wrong address, or a firewall."""
    NO_GREETING = "no greeting"
    """The call was taken, the association request never answered."""
    TLS = "TLS"
    """It does not speak TLS there, or none that we do."""
    CERTIFICATE = "certificate"
    """Its certificate is not the one that it is pinned to, nor of a CA that we trust."""
    HUNG_UP = "hung up"
    """The call was taken, and ended before the association request was answered."""
    NOT_DICOM = "not DICOM"
    """What answers speaks something else, or breaks PS3.8."""
    CALLING_AE = "calling AE title"
    """It doesn't know our AE title."""
    CALLED_AE = "called AE title"
    """It doesn't go by the AE title that we know."""
    REFUSED = "refused"
    """The association was refused for good, without a reason."""
    UNSUPPORTED = "unsupported"
    """It doesn't know DICOM's one application context or protocol version, or not the service asked for."""
    BUSY = "busy"
    """The association was refused for now."""
    ABORTED = "aborted"
    """It broke off in the middle."""
    LOST = "lost"
    """The connection broke in the middle."""
    NO_ANSWER = "no answer"
    """It took a message and never answered."""
    NONSENSE = "nonsense"
    """In the middle, it answered what is no answer."""
    NOT_DICOMWEB = "not DICOMweb"
    """What answers by HTTP is no DICOMweb server, or not at that URL."""
    UNAUTHORIZED = "unauthorized"
    """It doesn't accept our token or password, or wants one (401)."""
    FORBIDDEN = "forbidden"
    """It knows us, and doesn't allow it (403)."""
    FULL = "full"
    """It has no room for images, or says so (status A7xx)."""
    FAILED = "failed"
    """It answered an echo with a failure."""
    OURS = "ours"
    """The peer is blameless: a fault of this box."""


class PeerError(PacsboxError):
    """Talking with a peer failed; `fault` says how, `str()` says it to people."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
