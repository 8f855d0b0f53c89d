"""The full viewer, as `make viewer` installs it; and a small one, for what does not need a browser."""

from __future__ import annotations

import gzip
from pathlib import Path

from appliance.full_viewer import Viewer, installed
from tests.support.programs import lacking


def needed() -> Viewer:
    """The installed viewer; skips where there is none, unless peers are required."""
    found = installed()
    if found is None:
        lacking("the full viewer is not installed: run make viewer")
    return found


BODIES = {
    "app.bundle.js": b"'use strict';" * 20,
    "decode.js": b"'decode';" * 20,
    "early.js": b"'early';" * 20,
    "app.bundle.css": b"body{}",
    "codec.wasm": b"\0asm" * 20,
    "assets/picture.png": b"\x89PNG",
}


def small(folder: Path) -> Viewer:
    """A viewer of a few files in `folder`; each script has its compressed forms beside it."""
    for name, body in BODIES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        if name.endswith(".js"):
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(body))
            path.with_name(f"{path.name}.br").write_bytes(b"brotli")
    (folder / "secret.js").write_bytes(b"not of the viewer")
    return Viewer(
        folder,
        "3.0.0",
        "0123456789ab",
        "app.bundle.js",
        "app.bundle.css",
        "decode.js",
        ("early.js",),
        frozenset(BODIES),
    )
