"""Overlays over images made to order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

Bits = NDArray[np.bool_]

BIG = "1.2.840.10008.1.2.2"


def bits(rows: int, columns: int, frames: int = 1) -> Bits:
    """Some that look nowhere like elsewhere."""
    return np.random.default_rng(rows).random((frames, rows, columns)) < 0.3


def plane(path: Path, marks: Bits | None, *, group: int = 0x6000, **said: Any) -> Path:
    """`path` with an overlay; `said` of the header, by keyword, has the last word, None leaves it out."""
    dataset = pydicom.dcmread(path)
    big = dataset.file_meta.TransferSyntaxUID == BIG
    elements: dict[int, tuple[str, Any]] = {
        0x0010: ("US", said.get("rows", marks.shape[-2] if marks is not None else dataset.Rows)),
        0x0011: ("US", said.get("columns", marks.shape[-1] if marks is not None else dataset.Columns)),
        0x0015: ("IS", said.get("frames")),
        0x0040: ("CS", said.get("kind", "G")),
        0x0050: ("SS", said.get("origin", [1, 1])),
        0x0051: ("US", said.get("first")),
        0x0100: ("US", said.get("allocated", 1)),
        0x0102: ("US", said.get("position", 0)),
    }
    if marks is not None:
        packed = np.packbits(marks.ravel(), bitorder="little").tobytes()
        packed += b"\0" * (len(packed) % 2)
        vr = said.get("vr", "OW")
        turned = np.frombuffer(packed, "<u2").astype(">u2").tobytes() if big and vr == "OW" else packed
        elements[0x3000] = (vr, turned[: said.get("size", len(turned))])
    for element, (vr, value) in elements.items():
        if value is not None:
            dataset.add_new(group << 16 | element, vr, value)
    dataset.save_as(path)
    return path
