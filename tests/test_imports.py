"""Imports run one way: dicom <- storage <- concepts <- dimse, health <- box <- cli, web, tui."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_CONCEPTS = {
    "spool",
    "archive",
    "peers",
    "priors",
    "shares",
    "transfers",
    "routing",
    "worklist",
    "access",
    "reports",
    "media",
    "tls",
    "discovery",
    "commitment",
    "viewers",
}
_PLAIN = {"errors", "events", "config", "log", "service", "keys", "rereading", "full_viewer", "multipart"}
"""Modules beside the layers that know none of them."""
LAYER = {
    **dict.fromkeys(_PLAIN, 0),
    "dicom": 1,
    "storage": 2,
    **dict.fromkeys(_CONCEPTS, 3),
    **dict.fromkeys(("dimse", "dicomweb", "backup"), 4),
    "box": 5,
    **dict.fromkeys(("health", "supervise", "conformance"), 6),
    **dict.fromkeys(("cli", "demo"), 7),
}


def imports(path: Path) -> list[str]:
    """The modules that a file imports, wherever in it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return found


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_the_core_knows_nothing_of_its_faces() -> None:
    assert files("appliance")
    for path in files("appliance"):
        assert not [name for name in imports(path) if name.split(".")[0] in ("web", "tui")], path


@pytest.mark.parametrize(("face", "other"), [("web", "tui"), ("tui", "web")])
def test_the_faces_do_not_know_each_other(face: str, other: str) -> None:
    assert files(face)
    for path in files(face):
        assert not [name for name in imports(path) if name.split(".")[0] == other], path


def test_within_the_core_imports_run_one_way() -> None:
    for path in files("appliance"):
        place = path.relative_to(ROOT / "appliance").parts[0].removesuffix(".py")
        if place == "__init__":
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "appliance" and len(parts) > 1 and parts[1] in LAYER:
                assert LAYER[parts[1]] <= LAYER[place], f"{path.relative_to(ROOT)} imports {name}"


def test_every_part_of_the_core_has_its_layer() -> None:
    parts = {path.name.removesuffix(".py") for path in (ROOT / "appliance").iterdir() if not path.name.startswith("_")}
    assert parts <= LAYER.keys()


def test_sql_is_in_storage_alone() -> None:
    marks = ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA")
    for package in ("appliance", "web", "tui"):
        for path in files(package):
            if "storage" in path.parts:
                continue
            text = path.read_text("utf-8")
            assert not [mark for mark in marks if f'"{mark}' in text], path
