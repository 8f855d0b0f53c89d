"""Settings that are allowed, but seldom meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from appliance.box import Box
from appliance.health.finding import Finding, Severity


def check(box: Box) -> Iterator[Finding]:
    """What an installer would want to know before leaving."""
    web, links = box.config.web, box.public_url()
    if not web.public_url and not links.startswith("https://"):
        yield Finding(
            Severity.NOTE,
            "settings",
            f"Patients' links begin with {links}, which phones outside cannot reach.",
            "Set web.public_url to the address of the tunnel.",
        )
    elif not links.startswith("https://"):
        yield Finding(
            Severity.PROBLEM,
            "settings",
            "Patients' links are not encrypted: web.public_url begins with http://.",
            "Use the tunnel's https:// address.",
        )
    if not ipaddress.ip_address(web.public_bind).is_loopback:
        yield Finding(
            Severity.NOTE,
            "settings",
            f"The patient door listens on {web.public_bind}, not only for the tunnel on this machine.",
            "Leave web.public_bind at 127.0.0.1 unless phones on the LAN use it directly.",
        )
    if not (ipaddress.ip_address(web.clinic_bind).is_loopback or web.clinic_tls):
        yield Finding(
            Severity.NOTE,
            "settings",
            f"The clinic door listens on {web.clinic_bind} without encryption: passwords and images can be overheard.",
            "Set web.clinic_tls = true, or have a proxy with https before it.",
        )
    if box.config.dicom.ae_title == "PACSBOX":
        yield Finding(
            Severity.NOTE,
            "settings",
            "The AE title is PACSBOX, as on every new box.",
            "Where peers have a box too, set dicom.ae_title to one of your own.",
        )
