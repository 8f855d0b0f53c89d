"""The one documented table of options."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.config.values import (
    Address,
    AETitle,
    CharacterSet,
    DimseRight,
    Networks,
    Origin,
    Port,
    PublicUrl,
    TransferSyntax,
    ViewerLink,
)


class Section(BaseModel):
    """Options that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Dicom(Section):
    """The DIMSE server and client."""

    ae_title: AETitle = Field("PACSBOX", description="Our AE title, called and calling.")
    other_titles: tuple[AETitle, ...] = Field((), description="Further AE titles that we answer to.")
    check_called: bool = Field(True, description="Refuse calls to an AE title that is none of ours.")
    strangers_may: tuple[DimseRight, ...] = Field(
        ("echo", "store"), description="What callers on the LAN may do that are not among the peers."
    )
    lan: Networks = Field(
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "127.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ),
        description="Addresses and networks that count as the LAN; strangers from elsewhere are refused.",
    )
    bind: Address = Field("0.0.0.0", description="Address to listen on; modalities must reach it.")
    port: Port = Field(11112, description="TCP port of the DIMSE server.")
    max_associations: int = Field(50, ge=1, le=1000, description="Associations at a time.")
    max_per_peer: int = Field(25, ge=1, le=1000, description="Associations at a time from one address.")
    processes: int = Field(
        0, ge=0, le=32, description="Receiver processes; 0: one less than the machine has cores, at least one."
    )
    max_pdu: int = Field(
        131072, ge=4096, le=16777216, description="Largest PDU that we take, in bytes; 0 is not offered."
    )
    idle_timeout: int = Field(60, ge=5, le=3600, description="Seconds of silence between messages before we hang up.")
    dimse_timeout: int = Field(60, ge=5, le=3600, description="Seconds of silence within a message before we hang up.")
    transfer_syntaxes: tuple[TransferSyntax, ...] = Field(
        (), description="UIDs of the transfer syntaxes that images are taken in, best first; empty: all."
    )
    character_set: CharacterSet = Field(
        "ISO_IR 192", description="Character set of answers to queries where it can carry the names; else UTF-8."
    )
    discovery: bool = Field(False, description="Announce the box on the network (DNS-SD).")
    tls: Literal["off", "beside", "only"] = Field(
        "beside", description="Whether DICOM over TLS is offered: beside the plain port, or without it."
    )
    tls_port: Port = Field(2762, description="TCP port of DICOM over TLS.")
    tls_clients: Literal["anyone", "trusted"] = Field(
        "anyone", description="Who may call by TLS: also callers without a certificate, or only with one we trust."
    )


class Web(Section):
    """The two doors."""

    public_bind: Address = Field("127.0.0.1", description="Patient door; the tunnel runs on this machine.")
    public_port: Port = Field(8080, description="TCP port of the patient door.")
    public_url: PublicUrl = Field(
        "", description="How phones reach the patient door; empty: http:// and the address it listens on."
    )
    clinic_bind: Address = Field("127.0.0.1", description="Clinic door: DICOMweb for the LAN.")
    clinic_port: Port = Field(8042, description="TCP port of the clinic door.")
    clinic_tls: bool = Field(
        False, description="Whether the clinic door speaks https, with the box's certificate (`pacsbox tls`)."
    )
    clinic_url: PublicUrl = Field(
        "", description="How others on the LAN reach the clinic door; empty: this machine's name, or where it listens."
    )
    trusted_proxies: tuple[Address, ...] = Field(
        ("127.0.0.1", "::1"),
        description="Whose word is taken on how clients come: scheme, host, path (X-Forwarded-*, Forwarded); address.",
    )
    address_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]*$",
        description="Where they tell the client's address: CF-Connecting-IP, X-Forwarded-For, Forwarded; empty: none.",
    )
    allowed_origins: tuple[Origin, ...] = Field(
        (), description="Origins whose pages may use DICOMweb at the clinic door, such as https://viewer.example."
    )


class Staff(Section):
    """People who log in at the clinic door."""

    idle_minutes: int = Field(30, ge=1, le=1440, description="Minutes of silence after which a session is over.")
    session_hours: int = Field(12, ge=1, le=168, description="Hours after which one must log in again in any case.")


class Viewers(Section):
    """Links that open a study in a viewer on somebody's computer."""

    shown: tuple[Literal["weasis", "slicer", "horos", "osirix", "radiant", "microdicom"], ...] = Field(
        ("weasis", "slicer", "horos", "osirix", "radiant", "microdicom"),
        description="Which of the viewers that we know are offered, in this order.",
    )
    meddream: PublicUrl = Field(
        "", description="Address of the clinic's MedDream, which must know this box; empty: there is none."
    )
    links: tuple[ViewerLink, ...] = Field(
        (),
        description="Further viewers, each as NAME = TEMPLATE, such as Ours = https://viewer.example/?study={study}.",
    )
    token_minutes: int = Field(
        15, ge=1, le=120, description="Minutes that a link works for which holds a pass to its one study."
    )


class Shares(Section):
    """Patients' links."""

    days: int = Field(30, ge=1, le=3650, description="Days a link lives unless staff say otherwise.")
    pin: Literal["required", "optional"] = Field("required", description="Whether staff may make a link without PIN.")
    pin_attempts: int = Field(10, ge=3, le=100, description="Wrong PINs in a link's life before it locks.")
    session_minutes: int = Field(60, ge=5, le=1440, description="Minutes until a phone must give the PIN again.")


class Storage(Section):
    """The disk."""

    reserve_mb: int = Field(
        1024,
        ge=0,
        description="Refuse new images below this free space (or 5 % of the disk, if more), in MB.",
    )


class Transfers(Section):
    """The outgoing queue."""

    attempts: int = Field(
        150,
        ge=1,
        le=1000,
        description="Tries before a transfer counts as failed; 150 go on for about three days, a long weekend.",
    )
    parallel: int = Field(2, ge=1, le=16, description="Peers that are sent to at the same time.")
    associations: int = Field(
        2, ge=1, le=16, description="Associations to a peer at a time, for many images and if it takes more than one."
    )
    confirm_hours: int = Field(
        24,
        ge=0,
        le=720,
        description="Hours that a peer has to confirm that it keeps what it was sent; 0: it is not asked.",
    )


class Worklist(Section):
    """Orders for modalities."""

    folder: str = Field(
        "", description="Folder of DICOM worklist files (*.wl) that another program keeps; empty: there is none."
    )
    days: int = Field(
        3, ge=0, le=3650, description="Days after its own on which an order that nobody began is still offered."
    )


class Log(Section):
    """What the services tell journald."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is written.")


class Config(Section):
    """Everything that an installer may set."""

    data_dir: Path = Field(Path("var"), description="Folder for images, index, spool and secrets.")
    dicom: Dicom = Dicom()
    web: Web = Web()
    staff: Staff = Staff()
    viewers: Viewers = Viewers()
    shares: Shares = Shares()
    storage: Storage = Storage()
    transfers: Transfers = Transfers()
    worklist: Worklist = Worklist()
    log: Log = Log()

    @property
    def clinic_url(self) -> str:
        """The root of the clinic door as others on the LAN reach it, without a slash at the end."""
        if self.web.clinic_url:
            return self.web.clinic_url
        bind = ipaddress.ip_address(self.web.clinic_bind)
        host = socket.gethostname() if bind.is_unspecified else f"[{bind}]" if bind.version == 6 else str(bind)
        return f"{'https' if self.web.clinic_tls else 'http'}://{host}:{self.web.clinic_port}"

    @property
    def public_url(self) -> str:
        """The root of patients' links, without a slash at the end."""
        if self.web.public_url:
            return self.web.public_url
        host = f"[{self.web.public_bind}]" if ":" in self.web.public_bind else self.web.public_bind
        return f"http://{host}:{self.web.public_port}"
