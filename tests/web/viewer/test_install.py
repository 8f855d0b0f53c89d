"""What `make viewer` fetches is the pinned package or nothing; what it installs is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.box import Box
from appliance.errors import PacsboxError
from appliance.full_viewer import installed
from appliance.health import viewer as health
from appliance.health.finding import Severity
from tests.support.viewer import needed
from web.viewer import install


def test_another_package_is_refused_and_nothing_is_installed(tmp_path: Path) -> None:
    package = tmp_path / "ohif-app.tgz"
    package.write_bytes(b"another")
    with pytest.raises(PacsboxError, match="is not what @ohif/app"):
        install.install(package, tmp_path / "ohif")
    assert list(tmp_path.iterdir()) == [package]


def test_without_npm_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.main([str(tmp_path / "ohif")]) == 1
    assert "npm is not installed." in capsys.readouterr().err


def test_what_is_installed_is_whole_and_compressed() -> None:
    viewer = needed()
    assert viewer.version == install.VERSION
    assert {viewer.script, viewer.style, viewer.codecs, *viewer.early, "LICENSE.txt"} <= viewer.files
    for name in viewer.files:
        whole = (viewer.folder / name).stat().st_size
        for ending in (".br", ".gz") if Path(name).suffix in (".js", ".wasm", ".css", ".svg") else ():
            assert 0 < (viewer.folder / f"{name}{ending}").stat().st_size <= whole + 64
    size = sum((viewer.folder / name).stat().st_size for name in viewer.files)
    assert size < 55_000_000
    assert sum((viewer.folder / f"{name}.br").stat().st_size for name in viewer.files if name.endswith(".js")) < 9e6


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"files": 1}'])
def test_a_viewer_that_is_not_whole_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "viewer.json").write_text(text)
    assert installed(tmp_path) is None


def test_the_doctor_says_where_it_is_missing(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FOLDER", tmp_path)
    (finding,) = health.check(box)
    assert finding.severity is Severity.NOTE
    assert "make viewer" in finding.advice
