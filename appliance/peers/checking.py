"""Whether what is said of a peer can be right: pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from appliance.access.rights import checked_rights, networks
from appliance.dicom import charset
from appliance.storage.rows import Peer
from appliance.tls import certificates

_NAME = re.compile(r"[\w][\w .-]{0,31}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}(?<!-)")
_WEB_PORTS = {"http": 80, "https": 443}


def checked(name: str, ae_title: str, host: str, port: int, **options: Any) -> Peer:
    """A peer whose values can be right; raises ValueError naming the one that can't."""
    return rechecked(Peer(name, ae_title, host, port, **options))


def checked_web(name: str, url: str, **options: Any) -> Peer:
    """A DICOMweb server whose values can be right; raises ValueError naming the one that can't."""
    return rechecked(Peer(name, "", "", 0, rights=(), url=url.strip() or "-", **options))


def rechecked(peer: Peer) -> Peer:
    """A peer of either kind, changed; as `checked`."""
    if peer.url:
        return _checked_server(peer)
    name, ae_title, host, calls_us = (text.strip() for text in (peer.name, peer.ae_title, peer.host, peer.calls_us))
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name is 1 to 32 letters, digits, spaces, dots and dashes, not {name!r}")
    for title in (ae_title, calls_us or ae_title):
        if not 1 <= len(title) <= 16 or "\\" in title or not (title.isascii() and title.isprintable()):
            raise ValueError(f"an AE title is 1 to 16 plain ASCII characters without a backslash, not {title!r}")
    if not _is_host(host):
        raise ValueError(f"give a host name or an IP address, not {host!r}")
    if not 1 <= peer.port <= 65535:
        raise ValueError(f"a port is a number from 1 to 65535, not {peer.port}")
    return replace(
        peer,
        name=name,
        ae_title=ae_title,
        host=host,
        calls_us=calls_us,
        rights=checked_rights(peer.rights),
        calls_from=tuple(str(network) for network in networks(peer.calls_from)),
        fingerprint=checked_fingerprint(peer.fingerprint),
        character_set=charset.checked(peer.character_set),
    )


def _checked_server(peer: Peer) -> Peer:
    name, url, user = peer.name.strip(), peer.url.strip().rstrip("/"), peer.user.strip()
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name is 1 to 32 letters, digits, spaces, dots and dashes, not {name!r}")
    scheme, host, port = _parts(url)
    if ":" in user or not user.isprintable():
        raise ValueError("a user's name has no colon and no control characters")
    fingerprint = checked_fingerprint(peer.fingerprint)
    if scheme == "http" and (fingerprint or peer.authority):
        raise ValueError("a certificate needs a URL that begins with https://")
    return replace(
        peer,
        name=name,
        host=host,
        port=port,
        tls=scheme == "https",
        url=url,
        user=user,
        fingerprint=fingerprint,
        authority=_checked_authority(peer.authority),
        character_set=charset.checked(peer.character_set),
    )


def _parts(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a DICOMweb URL. Raises ValueError, which doesn't quote it: it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f"the URL cannot be read: {fault}") from fault
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave the user and password out of the URL: they are asked for by themselves")
    if parts.scheme not in _WEB_PORTS or not parts.hostname or not _is_host(parts.hostname):
        raise ValueError("a DICOMweb URL is written https://pacs.clinic.example/dicom-web")
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a DICOMweb URL ends with its path, without ? and #, and has plain ASCII characters alone")
    return parts.scheme, parts.hostname, port or _WEB_PORTS[parts.scheme]


def _checked_authority(pem: str) -> str:
    """The certificates of a PEM, without anything else."""
    return certificates.without_key(pem.encode()).decode("ascii") if pem else ""


def checked_fingerprint(text: str) -> str:
    """A certificate's SHA-256 as programs print it, with or without colons; raises ValueError."""
    found = text.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if found and not _FINGERPRINT.fullmatch(found):
        raise ValueError(f"a fingerprint is a SHA-256 of 64 hexadecimal digits, not {text!r}")
    return found


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True
