"""The one documented table of options: pacsbox.toml, overridden by PACSBOX_* in the environment.

`[dicom] port` is `PACSBOX_DICOM_PORT`; `data_dir`, which stands in no section, is `PACSBOX_DATA_DIR`.
Everything is checked before anything starts, and every fault is named at once.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import socket
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from appliance.errors import ConfigurationError

_NOT_OPTIONS = frozenset(("PACSBOX_CONFIG", "PACSBOX_REQUIRE_PEERS"))
"""Variables with our prefix that are no options: where the file is, and what the tests demand."""
_SHOWN_SECRET = "(set, not shown)"


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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Dicom(_Section):
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


class Web(_Section):
    """The two doors."""

    public_bind: Address = Field("127.0.0.1", description="Patient door; the tunnel runs on this machine.")
    public_port: Port = Field(8080, description="TCP port of the patient door.")
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="How phones reach the patient door; empty: http:// and the address it listens on."
    )
    clinic_bind: Address = Field("127.0.0.1", description="Clinic door: DICOMweb for the LAN.")
    clinic_port: Port = Field(8042, description="TCP port of the clinic door.")
    clinic_tls: bool = Field(
        False, description="Whether the clinic door speaks https, with the box's certificate (`pacsbox tls`)."
    )
    clinic_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="How others on the LAN reach the clinic door; empty: this machine's name, or where it listens."
    )
    trusted_proxies: tuple[Address, ...] = Field(
        ("127.0.0.1", "::1"), description="Whose word on the client's address is taken, if `address_header` is set."
    )
    address_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]*$",
        description="Header in which trusted proxies tell the client's address, such as CF-Connecting-IP; empty: none.",
    )
    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description="Origins whose pages may use DICOMweb at the clinic door, such as https://viewer.example."
    )


class Staff(_Section):
    """People who log in at the clinic door."""

    idle_minutes: int = Field(30, ge=1, le=1440, description="Minutes of silence after which a session is over.")
    session_hours: int = Field(12, ge=1, le=168, description="Hours after which one must log in again in any case.")


class Viewers(_Section):
    """Links that open a study in a viewer on somebody's computer."""

    shown: tuple[Literal["weasis", "slicer", "horos", "osirix", "radiant", "microdicom"], ...] = Field(
        ("weasis", "slicer", "horos", "osirix", "radiant", "microdicom"),
        description="Which of the viewers that we know are offered, in this order.",
    )
    meddream: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="Address of the clinic's MedDream, which must know this box; empty: there is none."
    )
    links: tuple[Annotated[str, AfterValidator(_viewer_link)], ...] = Field(
        (),
        description="Further viewers, each as NAME = TEMPLATE, such as Ours = https://viewer.example/?study={study}.",
    )
    token_minutes: int = Field(
        15, ge=1, le=120, description="Minutes that a link works for which holds a pass to its one study."
    )


class Shares(_Section):
    """Patients' links."""

    days: int = Field(30, ge=1, le=3650, description="Days a link lives unless staff say otherwise.")
    pin: Literal["required", "optional"] = Field("required", description="Whether staff may make a link without PIN.")
    pin_attempts: int = Field(10, ge=3, le=100, description="Wrong PINs in a link's life before it locks.")
    session_minutes: int = Field(60, ge=5, le=1440, description="Minutes until a phone must give the PIN again.")


class Storage(_Section):
    """The disk."""

    reserve_mb: int = Field(
        1024,
        ge=0,
        description="Refuse new images below this free space (or 5 % of the disk, if more), in MB.",
    )


class Transfers(_Section):
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


class Worklist(_Section):
    """Orders for modalities."""

    folder: str = Field(
        "", description="Folder of DICOM worklist files (*.wl) that another program keeps; empty: there is none."
    )
    days: int = Field(
        3, ge=0, le=3650, description="Days after its own on which an order that nobody began is still offered."
    )


class Log(_Section):
    """What the services tell journald."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is written.")


class Config(_Section):
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


@dataclass(frozen=True)
class Option:
    """One row of the table."""

    section: str
    name: str
    field: FieldInfo

    @property
    def key(self) -> str:
        """As in the file: `dicom.port`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """As in the environment: `PACSBOX_DICOM_PORT`."""
        return "PACSBOX_" + self.key.replace(".", "_").upper()

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return bool(self.field.json_schema_extra)


@dataclass(frozen=True)
class Setting:
    """What is in force for one option, and who said so."""

    option: Option
    value: Any
    source: str
    """`default`, the file's name, or the environment variable."""

    @property
    def shown(self) -> str:
        """The value as TOML would have it; secrets masked."""
        if self.option.secret and self.value:
            return _SHOWN_SECRET
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, tuple):
            return "[" + ", ".join(f'"{item}"' for item in self.value) + "]"
        return str(self.value) if isinstance(self.value, int) else f'"{self.value}"'


def options() -> Iterator[Option]:
    """Every option there is, in the order of the file."""
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            for inner, inner_field in section.model_fields.items():
                yield Option(name, inner, inner_field)
        else:
            yield Option("", name, field)


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> tuple[Config, list[Setting]]:
    """The configuration, and where each value came from.

    `path` is the TOML file; without it PACSBOX_CONFIG names it, else there is none. Raises
    `ConfigurationError` with every fault.
    """
    environment = os.environ if environment is None else environment
    path = path or file_of(environment)
    faults: list[str] = []
    values, sources = _from_file(path, faults)
    _from_environment(environment, values, sources, faults)
    try:
        config = Config.model_validate(values)
    except ValidationError as fault:
        faults.extend(_named(error, sources) for error in fault.errors())
        config = None
    if config is None or faults:
        raise ConfigurationError(faults)
    faults.extend(_across(config))
    if faults:
        raise ConfigurationError(faults)
    return config, [
        Setting(option, _look_up(config, option), sources.get(option.key, "default")) for option in options()
    ]


def file_of(environment: Mapping[str, str]) -> Path | None:
    """The file that PACSBOX_CONFIG names."""
    return Path(environment["PACSBOX_CONFIG"]) if environment.get("PACSBOX_CONFIG") else None


def _from_file(path: Path | None, faults: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    if path is None:
        return {}, {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        faults.append(f"{path} cannot be read: {fault.strerror}")
        return {}, {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        faults.append(f"{path} is not TOML: {fault}")
        return {}, {}
    sources: dict[str, str] = {}
    for name, value in values.items():
        keys = [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]
        sources.update((key, str(path)) for key in keys)
    return values, sources


def _from_environment(
    environment: Mapping[str, str], values: dict[str, Any], sources: dict[str, str], faults: list[str]
) -> None:
    by_variable = {option.variable: option for option in options()}
    for variable in sorted(environment):
        if not variable.startswith("PACSBOX_") or variable in _NOT_OPTIONS:
            continue
        option = by_variable.get(variable)
        if option is None:
            faults.append(f"{variable} is not an option{_nearest(variable, by_variable)}")
            continue
        value: Any = environment[variable]
        if get_args(option.field.annotation) and "tuple" in str(option.field.annotation):
            value = [item.strip() for item in value.split(",") if item.strip()]
        section = values.setdefault(option.section, {}) if option.section else values
        if isinstance(section, dict):
            section[option.name] = value
            sources[option.key] = variable


def _named(error: Any, sources: Mapping[str, str]) -> str:
    """One fault of pydantic's as a sentence that names the option, its source and what would do."""
    parts = [str(part) for part in error["loc"] if not isinstance(part, int)]
    key = ".".join(parts[:2])
    if error["type"] == "extra_forbidden":
        return f"{key} is not an option{_nearest(key, {option.key: option for option in options()})}"
    source = sources.get(key, "")
    said = f" ({source} says {error['input']!r})" if source else ""
    message = error["msg"].removeprefix("Value error, ")
    return f"{key}: {message[:1].lower()}{message[1:]}{said}"


def _nearest(name: str, known: Mapping[str, Option]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _across(config: Config) -> Iterator[str]:
    """Rules between options."""
    taken: dict[int, str] = {}
    for key, port in (
        ("dicom.port", config.dicom.port),
        ("dicom.tls_port", 0 if config.dicom.tls == "off" else config.dicom.tls_port),
        ("web.public_port", config.web.public_port),
        ("web.clinic_port", config.web.clinic_port),
    ):
        if port and port in taken:
            yield f"{key} and {taken[port]} are both {port}: each door needs a port of its own"
        taken[port] = key


def _look_up(config: Config, option: Option) -> Any:
    section = getattr(config, option.section) if option.section else config
    return getattr(section, option.name)
