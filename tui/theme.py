"""Two palettes: a calm one, and one for consoles with sixteen colours."""

from __future__ import annotations

from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True)
class Palette:
    """The colours of the console by what they are for."""

    primary: str
    accent: str
    success: str
    error: str
    foreground: str
    quiet: str
    background: str
    surface: str
    panel: str
    marked: str
    """The chosen row where the keys go; `blurred` elsewhere."""
    blurred: str
    line: str

    def theme(self, name: str) -> Theme:
        """For Textual, with the parts that it paints by itself."""
        return Theme(
            name=name,
            primary=self.primary,
            accent=self.accent,
            warning=self.accent,
            success=self.success,
            error=self.error,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            variables={
                "quiet": self.quiet,
                "marked": self.marked,
                "marked-blurred": self.blurred,
                "line": self.line,
                "input-selection-background": self.marked,
                "block-cursor-background": self.marked,
                "block-cursor-foreground": self.foreground,
                "block-cursor-blurred-background": self.marked,
                "block-cursor-blurred-foreground": self.foreground,
            },
        )


CALM = Palette(
    primary="#6fb1d6",
    accent="#e3bd74",
    success="#86b97a",
    error="#e0787c",
    foreground="#d5dde5",
    background="#14171a",
    surface="#1a1e22",
    panel="#22272c",
    quiet="#8796a5",
    marked="#2b5078",
    blurred="#2c3136",
    line="#3a444d",
).theme("pacsbox")
"""Nearly grey where it is dark, so that a terminal of 256 colours shows grey too, and no navy."""

SIXTEEN = Palette(
    primary="#55ffff",
    accent="#ffff55",
    success="#55ff55",
    error="#ff5555",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    quiet="#aaaaaa",
    marked="#0000aa",
    blurred="#0000aa",
    line="#aaaaaa",
).theme("pacsbox-16")
"""Exactly the colours of a Linux virtual terminal, so that none is guessed."""


def fitting(color_system: str | None) -> Theme:
    """The palette for a terminal; `color_system` is Rich's name for what it can show."""
    return CALM if color_system in ("truecolor", "256") else SIXTEEN
