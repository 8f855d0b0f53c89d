"""What is kept of the viewer's package and what is changed in it; each change says how often it must occur.

The package is built to live at the root of a host of its own. Ours lives below `/ohif/<digest>/`, wherever a proxy
may show that, so that addresses come to be relative to the script or style sheet that they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from appliance.errors import PacsboxError

_KEPT = {".css", ".ico", ".js", ".png", ".svg", ".wasm", ".woff2"}
_LEFT_OUT = (
    "ort/",  # segmentation by artificial intelligence, 136 MB
    "dicom-microscopy-viewer/",  # whole slides, 20 MB
    "customizations/",
    "assets/android-",
    "assets/apple-",
    "assets/coast-",
    "assets/firefox-",
    "assets/mstile-",
    "assets/yandex-",
    "app-config.js",  # ours says it, for each door
    "sw.js",  # a service worker would outlive the page, and it loads from a host outside
    "init-service-worker.js",
    "google.js",
    "oidc-client.min.js",
    "es6-shim.min.js",
    "polyfill.min.js",
)
_AT_ROOT = b'__webpack_require__.p = "/";'
_BESIDE = b'__webpack_require__.p = self.PUBLIC_URL || new URL("./", self.location.href).href;'
"""The page tells its scripts where they are; a worker sees it by its own address."""
_NAMED = b"} = ConceptNameCodeSequence;\n  const isChildFirstNode"
_NAMED_OR_NOT = _NAMED.replace(b";", b" ?? {};")
_MODE = b'pluginImports_modes.push("@ohif/mode-%s");'


@dataclass(frozen=True)
class Change:
    """Bytes for other bytes, so many times in each of these files."""

    old: bytes
    new: bytes
    times: Mapping[str, int]
    """By the file's name without the hash in it."""


CHANGES = (
    Change(
        _AT_ROOT,
        _BESIDE,
        dict.fromkeys(
            (
                "136.bundle.js",
                "2299.bundle.js",
                "8097.bundle.js",
                "app.bundle.js",
                "compute.bundle.js",
                "histogram-worker.bundle.js",
                "interpolation.bundle.js",
                "polySeg.bundle.js",
            ),
            1,
        ),
    ),
    Change(b"url(/", b"url(", {"app.bundle.css": 5}),
    # Modes for research, and those whose files are left out: they would only slow down each start.
    *(
        Change(_MODE % mode, b"", {"app.bundle.js": 1})
        for mode in (b"segmentation", b"tmtv", b"microscopy", b"preclinical-4d", b"ultrasound-pleura-bline")
    ),
    Change(b'pluginImports_extensions.push("@ohif/extension-ultrasound-pleura-bline");', b"", {"app.bundle.js": 1}),
    # Items of structured reports need no concept name (PS3.3 C.17.3), and one without ended the whole viewer.
    Change(_NAMED, _NAMED_OR_NOT, {"9068.bundle.js": 1}),
)


class OtherPackageError(PacsboxError):
    """The package is not the one that the changes were made for."""


def is_kept(name: str) -> bool:
    """Whether a clinic needs the file of this name, below the package's `dist`."""
    return PurePosixPath(name).suffix in _KEPT and not name.startswith(_LEFT_OUT)


def patched(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with all changes made.

    Raises `OtherPackageError` unless each change fits exactly where, and as often as, it should.
    """
    done = dict(files)
    for change in CHANGES:
        found = {name: count for name, body in done.items() if (count := _count(name, body, change))}
        if {plain(name): count for name, count in found.items()} != change.times:
            raise OtherPackageError(
                f"{change.old.decode()} stands in {found or 'no file'}, and should in {dict(change.times)}.",
                "The viewer's package is another version than web/viewer/patch.py knows: look at what has changed.",
            )
        done |= {name: done[name].replace(change.old, change.new) for name in found}
    return done


def _count(name: str, body: bytes, change: Change) -> int:
    same_kind = {PurePosixPath(known).suffix for known in change.times}
    return body.count(change.old) if PurePosixPath(name).suffix in same_kind else 0


def plain(name: str) -> str:
    """`app.bundle.0f6159c501addfe9.js` without its hash."""
    return re.sub(r"\.[0-9a-f]{16}(?=\.)", "", name)
