"""What a picture may say of itself in its corners: whose it is, and how it was made (PS3.18 8.3.5.1.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from appliance.dicom.names import display

KINDS = ("patient", "technique")

Part = tuple[str, str, str]
"""What stands before a value, its tag, what stands behind."""

_PATIENT: tuple[tuple[Part, ...], ...] = (
    (("", "00100010", ""),),
    (("ID ", "00100020", ""),),
    (("born ", "00100030", ""), ("", "00100040", "")),
)
_TECHNIQUE: tuple[tuple[Part, ...], ...] = (
    (("", "00080060", ""), ("", "00080020", ""), ("", "00080030", "")),
    (("", "0008103E", ""),),
    (("image ", "00200013", ""), ("at ", "00201041", " mm"), ("thickness ", "00180050", " mm")),
    (("", "00180060", " kV"), ("", "00181151", " mA"), ("", "00181152", " mAs")),
    (("TR ", "00180080", " ms"), ("TE ", "00180081", " ms"), ("", "00180087", " T")),
)
_LONGEST = 64
"""Characters of a value."""


@dataclass(frozen=True)
class Annotation:
    """Lines of text, for two corners."""

    patient: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()


def annotation(metadata: bytes, kinds: Collection[str], frame: int = 0) -> Annotation:
    """What `kinds` ask for of an instance, by its DICOM JSON (PS3.18 Annex F).

    `frame` is from 1 where the picture is one of many.
    """
    model: dict[str, Any] = orjson.loads(metadata)
    patient = _lines(model, _PATIENT) if "patient" in kinds else ()
    technique = _lines(model, _TECHNIQUE) if "technique" in kinds else ()
    if frame and "technique" in kinds:
        technique = (*technique, f"frame {frame}")
    return Annotation(patient, technique)


def _lines(model: dict[str, Any], rows: Iterable[tuple[Part, ...]]) -> tuple[str, ...]:
    lines = (_line(model, row) for row in rows)
    return tuple(line for line in lines if line)


def _line(model: dict[str, Any], row: tuple[Part, ...]) -> str:
    return "  ".join(before + said + behind for before, tag, behind in row if (said := _text(model, tag)))


def _text(model: dict[str, Any], tag: str) -> str:
    """The first value as people read it; empty where there is none."""
    element = model.get(tag, {})
    value = (element.get("Value") or [""])[0]
    match element.get("vr"):
        case "PN":
            value = display(str((value or {}).get("Alphabetic", "")))
        case "DA" if len(str(value)) == 8:
            value = f"{value[:4]}-{value[4:6]}-{value[6:]}"
        case "TM":
            value = ":".join((str(value)[:2], str(value)[2:4])) if len(str(value)) >= 4 else ""
        case "DS" | "FL" | "FD":
            value = f"{value:.4g}" if isinstance(value, float) else value
    text = "" if value is None else str(value)
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST].strip()
