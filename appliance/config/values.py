"""What the values of options may be, and what is wrong with those that may not."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field


def _ae_title(value: str) -> str:
    value = value.strip()
    if not 1 <= len(value) <= 16 or "\\" in value or not value.isascii() or not value.isprintable():
        raise ValueError("an AE title is 1 to 16 plain ASCII characters without a backslash (PS3.5 6.2)")
    return value


def _bind(value: str) -> str:
    ipaddress.ip_address(value)
    return value


def _public_url(value: str) -> str:
    value = value.rstrip("/")
    if value and (not value.startswith(("https://", "http://")) or len(value.split("/")) < 3 or "?" in value):
        raise ValueError("give the address as the phone sees it, such as https://images.clinic.example")
    return value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        ipaddress.ip_network(value, strict=False)
    return values


def _origin(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s?#*]+", value):
        raise ValueError("an origin is a scheme and a host, such as https://viewer.example")
    return value


def _viewer_link(value: str) -> str:
    """`NAME = TEMPLATE`; what may stand in it, `appliance.viewers.links` puts in."""
    name, _, template = (part.strip() for part in value.partition("="))
    held = set(re.findall(r"{(.*?)}", template))
    if not name or not re.match(r"[a-z][a-z0-9+.-]*:", template) or re.match(r"(javascript|data|vbscript):", template):
        raise ValueError("a viewer is NAME = TEMPLATE, such as Ours = https://viewer.example/?study={study}")
    if "study" not in held or held - set(PLACES):
        raise ValueError(f"a viewer's template holds {{study}}, and of {{{'}, {'.join(PLACES)}}} what else it needs")
    if "token" in held and template.startswith("http"):
        raise ValueError("a web page's address is written down on its way, so it must not hold {token}")
    return value


PLACES = ("study", "token", "dicomweb", "ae_title", "dicom_host", "dicom_port")
"""What the template of a viewer's link may hold in braces."""

AETitle = Annotated[str, AfterValidator(_ae_title)]
Address = Annotated[str, AfterValidator(_bind)]
Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose one, for tests."""
Networks = Annotated[tuple[str, ...], AfterValidator(_networks)]
"""Addresses such as 10.0.0.7 and networks such as 10.0.0.0/24."""
TransferSyntax = Annotated[str, Field(pattern=r"^1\.2\.840\.10008\.1\.2(\.[1-9]\d*)*$")]
DimseRight = Literal["echo", "store", "query", "retrieve", "worklist", "mpps", "commitment"]
CharacterSet = Literal[
    "ISO_IR 192",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 148",
    "ISO 2022 IR 87",
    "ISO 2022 IR 149",
    "GB18030",
    "",
]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Origin = Annotated[str, AfterValidator(_origin)]
ViewerLink = Annotated[str, AfterValidator(_viewer_link)]
