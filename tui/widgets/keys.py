"""The last line of every screen: the keys that do something here."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.events import Click
from textual.screen import Screen
from textual.widgets import Static

from tui.commands import Command, possible


class KeyLine(Static):
    """`Enter Open s Share t Send`; one widget, for a footer of many takes a small computer long to draw."""

    COMPONENT_CLASSES = {"keys--key", "keys--label"}

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._commands: list[Command] = []

    def on_mount(self) -> None:
        """Follow what is possible."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def _follow(self, screen: Screen[Any]) -> None:
        if screen is not self.screen or not self.is_attached:
            return
        commands = [command for command in possible(screen) if command.shown]
        if commands != self._commands:
            self._commands = commands
            self.update(self._line())

    def _line(self) -> Text:
        key = self.get_component_rich_style("keys--key", partial=True)
        label = self.get_component_rich_style("keys--label", partial=True)
        line = Text(no_wrap=True)
        for command in self._commands:
            line.append(f"{command.keys[0]} ", key)
            line.append(f"{command.label} ", label)
        return line

    def on_click(self, event: Click) -> None:
        """A click does what the key does."""
        end = 0
        for command in self._commands:
            end += len(f"{command.keys[0]} {command.label} ")
            if event.x < end:
                self.app.simulate_key(command.name)
                return
