"""The line at the foot of every screen: disk, services, transfers, what needs a person."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui.pulse import Pulse, parts


class StatusLine(Static):
    """Shows the app's `pulse`."""

    COMPONENT_CLASSES = {"status--good", "status--quiet", "status--warn", "status--bad"}

    def on_mount(self) -> None:
        """Follow it."""
        self.watch(self.app, "pulse", self._show)

    def _show(self, pulse: Pulse | None) -> None:
        self.update(self._text(pulse) if pulse else "")

    def _text(self, pulse: Pulse) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for said, tone in parts(pulse):
            line.append(" │ " if line else "", self._tone("quiet"))
            line.append(said, self._tone(tone))
        return line

    def _tone(self, tone: str) -> Any:
        return self.get_component_rich_style(f"status--{tone}", partial=True)


class Banner(Static):
    """Says what is wrong with the index as long as it is."""

    def on_mount(self) -> None:
        """Follow the app's `trouble`."""
        self.watch(self.app, "trouble", self._show)

    def _show(self, trouble: str) -> None:
        self.update(Text(f"{trouble} Trying again ..." if trouble else ""))
        self.display = bool(trouble)
