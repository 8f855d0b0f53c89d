"""Reading the options: from the file, from the environment over it; every fault is named at once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from appliance.config.table import Config, Section
from appliance.errors import ConfigurationError

_NOT_OPTIONS = frozenset(("PACSBOX_CONFIG", "PACSBOX_REQUIRE_PEERS"))
"""Variables with our prefix that are no options: where the file is, and what the tests demand."""
_SHOWN_SECRET = "(set, not shown)"


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
        if isinstance(section, type) and issubclass(section, Section):
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
