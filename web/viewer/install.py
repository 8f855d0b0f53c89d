"""Install the full viewer: `python -m web.viewer.install [folder]`, which `make viewer` does.

npm fetches the pinned package from the registry that it is set up with, or from its own cache. The package's prebuilt
files are enough: none of its scripts is run and none of what it depends on is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from appliance.errors import PacsboxError
from appliance.full_viewer import ABOUT, FOLDER
from web.viewer.patch import is_kept, patched, plain

PACKAGE, VERSION = "@ohif/app", "3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
_DIST = "package/dist/"
_LICENCE = "package/LICENSE"
_EARLY = (1673, 6938, 6489, 6495, 8478, 89, 2623, 6749)
"""The parts of the viewer that are needed for whatever it shows."""
_PRESSED = {".css", ".js", ".svg", ".wasm"}
_PRESS = Path(__file__).with_name("press.mjs")


def main(arguments: list[str]) -> int:
    """Install into the folder named, or where the box looks for it; 1 when it can't be done."""
    folder = Path(arguments[0]) if arguments else FOLDER
    try:
        with tempfile.TemporaryDirectory() as place:
            install(fetch(Path(place)), folder)
    except PacsboxError as fault:
        sys.stderr.write(f"{fault}\n{fault.hint}\n")
        return 1
    sys.stdout.write(f"OHIF {VERSION} is in {folder}. Restart `pacsbox web` to have it shown.\n")
    return 0


def fetch(place: Path) -> Path:
    """The package as npm brings it into `place`. Raises `PacsboxError` when there is no npm, or it can't."""
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--prefer-offline", "--silent"]
    try:
        subprocess.run([*command, "--pack-destination", place], check=True, capture_output=True, text=True)
    except FileNotFoundError as fault:
        raise PacsboxError(
            "npm is not installed.", "Install Node.js with npm; the box itself needs neither."
        ) from fault
    except subprocess.CalledProcessError as fault:
        raise PacsboxError(
            f"npm could not fetch {PACKAGE} {VERSION}: {fault.stderr.strip() or f'status {fault.returncode}'}",
            "Is this machine connected, and npm set up for the registry that it should use?",
        ) from fault
    (package,) = place.glob("*.tgz")
    return package


def install(package: Path, folder: Path = FOLDER) -> None:
    """Put what a clinic needs of `package` into `folder`, all at once.

    Raises `PacsboxError` for a package that is not the pinned one, and `OtherPackageError`.
    """
    check(package)
    files = patched(unpacked(package))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        new, old = Path(place, "new"), Path(place, "old")
        _write(files, new)
        _press(new / name for name in files)
        (new / ABOUT).write_text(json.dumps(_about(files)), "utf-8")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


def check(package: Path) -> None:
    """Raise `PacsboxError` unless the package is, bit for bit, the pinned one."""
    kind, _, expected = INTEGRITY.partition("-")
    with package.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, kind).digest()).decode()
    if found != expected:
        raise PacsboxError(
            f"{package.name} is not what {PACKAGE} {VERSION} was: its {kind} is {found}.",
            "Don't use it. Look where npm has it from.",
        )


def unpacked(package: Path) -> dict[str, bytes]:
    """What is kept of the package, by name; and its licence."""
    files = {}
    with tarfile.open(package, "r:gz") as archive:
        for member in archive:
            name = member.name.removeprefix(_DIST)
            if member.name == _LICENCE:
                name = "LICENSE.txt"
            elif name == member.name or not is_kept(name):
                continue
            if file := archive.extractfile(member):
                files[name] = file.read()
    return files


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def _press(paths: Iterable[Path]) -> None:
    """Compress on all cores; what does not get smaller by it is left alone."""
    names = "\n".join(str(path) for path in paths if path.suffix in _PRESSED)
    cores = {"UV_THREADPOOL_SIZE": str(os.cpu_count() or 1)}
    subprocess.run([shutil.which("node") or "node", _PRESS], input=names, text=True, check=True, env=os.environ | cores)


def _about(files: Mapping[str, bytes]) -> dict[str, object]:
    digest = hashlib.sha256()
    for name, body in sorted(files.items()):
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
    return {
        "version": VERSION,
        "digest": digest.hexdigest()[:12],
        "script": _only("app.bundle.js", files),
        "style": _only("app.bundle.css", files),
        "codecs": _only("8097.bundle.js", files),
        "early": [_only(f"{number}.bundle.js", files) for number in _EARLY],
        "files": sorted(files),
    }


def _only(wanted: str, files: Mapping[str, bytes]) -> str:
    (name,) = (name for name in files if plain(name) == wanted)
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
