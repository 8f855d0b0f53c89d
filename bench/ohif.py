"""OHIF side by side: from opening its address to the first image drawn, on this box and on Orthanc.

    python -m bench.ohif [--images 300] [--rounds 5] [--folder DIR]

Both show the same study in the same build of OHIF (`make viewer`) with the same settings, in Chromium drawing without
a graphics card. Orthanc gives out the viewer's files by its own plugin, twice: compressing at each request, as it does
by default, and not. First visits begin with an empty cache; the second visit of each follows at once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from appliance.full_viewer import Viewer, installed
from bench import dicomweb, images
from web.viewer.settings import Place, script

_STUDY = "1.2.826.0.1.3680043.8.498.1"
_PLUGIN = Path("/usr/share/orthanc/plugins/libServeFolders.so")
_ARGUMENTS = (
    "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist"
).split()
_WATCH = """window.drawn = new Promise((done) => {
  addEventListener("CORNERSTONE_IMAGE_RENDERED", () => done(performance.now()), true);
});"""


class Pacsbox(dicomweb.Pacsbox):
    """This box, whose clinic door has the viewer."""

    page = "/ohif/viewer"


class Orthanc(dicomweb.Orthanc):
    """Orthanc as Debian ships it, with its plugin for folders."""

    page = "/ohif/start.html"
    compresses = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._files = folder / "ohif"
        self._lay_out(needed())

    def command(self) -> tuple[list[str], dict[str, str]]:
        command, environment = super().command()
        configuration = Path(command[1])
        settings = json.loads(configuration.read_text())
        settings["Plugins"].append(str(_PLUGIN))
        settings["HttpCompressionEnabled"] = self.compresses
        types = {".wasm": "application/wasm", ".woff2": "font/woff2", ".ico": "image/x-icon"}
        folders = {"/ohif": str(self._files)}
        settings["ServeFolders"] = {"AllowCache": True, "GenerateETag": True, "Folders": folders, "Extensions": types}
        configuration.write_text(json.dumps(settings))
        return command, environment

    def _lay_out(self, viewer: Viewer) -> None:
        """The viewer's files beside a page like the box's own; it takes on the address that the viewer wants."""
        for name in viewer.files:
            path = self._files / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(viewer.folder / name, path)
        place = Place("/ohif/", "/ohif", "/dicom-web", "/ohif/settings.js", lists=True)
        move = b'history.replaceState(null, "", "/ohif/viewer" + location.search);\n'
        (self._files / "settings.js").write_bytes(move + script(place))
        (self._files / "start.html").write_text(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>OHIF</title>'
            f'<link rel="stylesheet" href="/ohif/{viewer.style}"><script src="/ohif/settings.js"></script>'
            f'<script defer src="/ohif/{viewer.script}"></script></head>'
            '<body><div id="react-portal"></div><div id="root"></div></body></html>'
        )


class Uncompressed(Orthanc):
    """Orthanc told not to compress, which is the quicker way on one machine."""

    name = "Orthanc, uncompressed"
    compresses = False


def needed() -> Viewer:
    """The installed viewer."""
    viewer = installed()
    assert viewer, "the viewer is not installed: run make viewer"
    return viewer


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, so that nothing compiled is left over from another."""
    program = shutil.which("chromium")
    assert program, "Chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


def visit(context: BrowserContext, address: str) -> float:
    """Seconds from opening the address until the first image is drawn."""
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(address)
    seconds = float(page.evaluate("window.drawn")) / 1000
    page.close()
    return seconds


def visits(server: Pacsbox | Orthanc) -> tuple[float, float]:
    """The first visit, and the second."""
    address = f"http://127.0.0.1:{server.port}{server.page}?StudyInstanceUIDs={_STUDY}"
    with server.running(), chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        return visit(context, address), visit(context, address)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=300, help="CT slices of the study")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, help="on the disk that is measured")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        files = images.ct(Path(folder) / "files", chosen.images)
        servers = [kind(Path(folder) / kind.name) for kind in (Pacsbox, Orthanc, Uncompressed)]
        for server in servers:
            server.fill(files, 0)
        found: dict[str, list[tuple[float, float]]] = {server.name: [] for server in servers}
        for _ in range(chosen.rounds):
            for server in servers:
                found[server.name].append(visits(server))
    report(found)


def report(found: dict[str, list[tuple[float, float]]]) -> None:
    """Medians of the rounds, and how many times quicker the box is."""
    medians = {name: [statistics.median(kind) for kind in zip(*rounds, strict=True)] for name, rounds in found.items()}
    ours = medians[Pacsbox.name]
    print("| | first visit | again | box is quicker |\n|---|---|---|---|")
    for name, row in medians.items():
        ratios = " / ".join(f"{theirs / own:.2f}" for theirs, own in zip(row, ours, strict=True))
        print(f"| {name} | {row[0]:.2f} s | {row[1]:.2f} s | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
