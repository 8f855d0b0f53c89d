"""Every key of a screen, in words: what help and the command palette are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen


@dataclass(frozen=True)
class Command:
    """Something that a key does now."""

    keys: tuple[str, ...]
    """As people write them: `Enter`, `F1`, `s`."""
    label: str
    explanation: str
    """A sentence about it; the label where there is no more to say."""
    action: str
    node: DOMNode
    """Whose action it is."""
    possible: bool
    shown: bool
    """Whether there is room for it at the foot of the screen."""
    name: str
    """The first key as the toolkit calls it."""


def commands(screen: Screen[Any]) -> list[Command]:
    """What the keys of `screen` do, in its own order; editing keys and the toolkit's own go without saying."""
    same: dict[tuple[DOMNode, str], list[ActiveBinding]] = {}
    for each in screen.active_bindings.values():
        if not each.binding.system and (each.binding.show or each.binding.tooltip):
            same.setdefault((each.node, each.binding.action), []).append(each)
    return [_command(bindings) for bindings in same.values()]


def _command(same: list[ActiveBinding]) -> Command:
    node, binding, enabled, _ = same[0]
    keys = tuple(node.app.get_key_display(each.binding) for each in same)
    explanation = binding.tooltip or binding.description
    return Command(
        keys, binding.description, explanation, binding.action, node, enabled, binding.show, name=binding.key
    )


def possible(screen: Screen[Any]) -> Iterator[Command]:
    """Those that would do something at this moment."""
    return (command for command in commands(screen) if command.possible)
