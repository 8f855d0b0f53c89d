"""What the documents name exists: commands, options, settings, files."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from appliance.cli.main import cli
from appliance.config import options

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMAND = re.compile(r"pacsbox((?: +(?:--?[a-z][a-z-]*|[A-Za-z0-9_.\"-]+))+)")
_KEY = re.compile(r"`((?:dicom|web|shares|staff|storage|transfers|viewers|log|worklist)\.[a-z_]+)`?")


def code(document: Path) -> list[str]:
    """What stands in back-ticks and code blocks."""
    text = document.read_text("utf-8")
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.S)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


def follow(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words lead to, and the words left over."""
    command: click.Command = cli
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found, f"pacsbox has no command {words[0]!r}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document: Path) -> None:
    for piece in code(document):
        for line in piece.splitlines():
            for match in _COMMAND.finditer(line.split("#")[0]):
                if line[: match.start()].endswith(("/", "-", ".", ":")):
                    continue
                command, rest = follow(match[1].split())
                known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
                for option in (word for word in rest if word.startswith("--")):
                    assert option in known | {"--help"}, f"{document.name}: {line.strip()}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_settings_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    variables = {option.variable for option in options()} | {"PACSBOX_CONFIG", "PACSBOX_REQUIRE_PEERS"}
    assert set(re.findall(r"PACSBOX_[A-Z][A-Z_]+", text)) <= variables
    assert set(_KEY.findall(text)) <= {option.key for option in options()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_links_exist(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_every_command_is_documented() -> None:
    text = "\n".join(document.read_text("utf-8") for document in DOCUMENTS)
    assert [name for name in cli.list_commands(click.Context(cli)) if f"pacsbox {name}" not in text] == []


def test_every_document_is_led_to_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [path.name for path in DOCUMENTS[2:] if f"docs/{path.name}" not in readme] == []
