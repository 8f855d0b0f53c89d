"""A real terminal: the console in tmux, its keys, its screen as text and as a picture."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

from tests.support.programs import program
from tests.support.waiting import wait_for

_CELL = (8, 16)
_SGR = re.compile(r"\x1b\[([\d;:]*)m")
_OTHER = re.compile(r"\x1b(\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|\x0f)")
_SIXTEEN = (
    *((0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170)),
    *((85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255)),
    (255, 255, 255),
)
_BLOCKS = {" ": (), "█": ((0, 0, 1, 1),), "▀": ((0, 0, 1, 0.5),), "▄": ((0, 0.5, 1, 1),)}

Colour = tuple[int, int, int]


class Terminal:
    """A tmux of our own, with nothing of anybody's configuration, running one command."""

    def __init__(self, socket: Path, size: tuple[int, int], command: str, environment: Mapping[str, str]) -> None:
        self._tmux = [program("tmux"), "-u", "-S", str(socket), "-f", "/dev/null"]
        width, height = size
        self._run(
            *("new-session", "-d", "-s", "t", "-x", str(width), "-y", str(height), command),
            *(";", "set-option", "-g", "remain-on-exit", "on"),
            environment=environment,
        )

    def _run(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run([*self._tmux, *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Keys by tmux's names, all in one burst."""
        self._run("send-keys", "-t", "t", *keys)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self._run("capture-pane", "-p", "-t", "t")

    def sees(self, *parts: str, seconds: float = 60) -> str:
        """Wait until all of `parts` are on the screen; the screen."""

        def seen() -> str:
            text = self.text
            return text if all(part in text for part in parts) else ""

        return wait_for(seen, seconds, f"{parts} on this screen:\n{self.text}")

    def codes(self) -> str:
        """The screen with its colours, as escape sequences."""
        return self._run("capture-pane", "-p", "-e", "-N", "-t", "t")

    @property
    def pid(self) -> int:
        """The process that runs in it."""
        return int(self._run("display-message", "-p", "-t", "t", "#{pane_pid}"))

    @property
    def server(self) -> int:
        """The process that is the terminal."""
        return int(self._run("display-message", "-p", "#{pid}"))

    @property
    def alive(self) -> bool:
        """Whether the command still runs."""
        return self._run("list-panes", "-a", "-F", "#{pane_dead}").strip() == "0"

    def picture(self) -> Image.Image:
        """The screen as it is drawn: blocks in their colours; letters are left out."""
        return drawn(self.codes())

    def close(self) -> None:
        """Take the terminal away, and see that what runs in it ends with it."""
        listed = subprocess.run(
            [*self._tmux, "list-panes", "-a", "-F", "#{pane_pid}"], capture_output=True, text=True, check=False
        )
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)
        for pid in map(int, listed.stdout.split()):
            wait_for(lambda pid=pid: not psutil.pid_exists(pid), what="the end of what ran in a terminal that is gone")


def drawn(captured: str) -> Image.Image:
    """Captured text with its colours, drawn cell by cell."""
    lines = [_OTHER.sub("", line) for line in captured.split("\n")]
    width, height = _CELL
    columns = max(len(_SGR.sub("", line)) for line in lines)
    image = Image.new("RGB", (columns * width, len(lines) * height), (0, 0, 0))
    pen = ImageDraw.Draw(image)
    pens: list[Colour] = [(170, 170, 170), (0, 0, 0)]
    for y, line in enumerate(lines):
        x = 0
        for part in re.split(r"(\x1b\[[\d;:]*m)", line):
            if match := _SGR.fullmatch(part):
                pens = _coloured(pens, match[1])
                continue
            for character in part:
                _draw(pen, (x, y), character, pens)
                x += 1
    return image


def _draw(pen: ImageDraw.ImageDraw, at: tuple[int, int], character: str, pens: list[Colour]) -> None:
    width, height = _CELL
    left, top = at[0] * width, at[1] * height
    pen.rectangle((left, top, left + width - 1, top + height - 1), pens[1])
    for x1, y1, x2, y2 in _BLOCKS.get(character, ()):
        pen.rectangle((left + x1 * width, top + y1 * height, left + x2 * width - 1, top + y2 * height - 1), pens[0])


def _coloured(pens: list[Colour], codes: str) -> list[Colour]:
    """Foreground and background after an SGR sequence (ECMA-48 8.3.117)."""
    numbers = [int(code or 0) for code in re.split("[;:]", codes)] or [0]
    fore, back = pens
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            fore, back = (170, 170, 170), (0, 0, 0)
        elif code in (38, 48):
            colour = _extended(numbers)
            fore, back = (colour, back) if code == 38 else (fore, colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            fore = _SIXTEEN[code - 30 if code < 90 else code - 82]
        elif 40 <= code <= 47 or 100 <= code <= 107:
            back = _SIXTEEN[code - 40 if code < 100 else code - 92]
        elif code in (39, 49):
            fore, back = ((170, 170, 170), back) if code == 39 else (fore, (0, 0, 0))
    return [fore, back]


def _extended(numbers: list[int]) -> Colour:
    if numbers.pop(0) == 2:
        red, green, blue = numbers[:3]
        del numbers[:3]
        return red, green, blue
    index = numbers.pop(0)
    if index < 16:
        return _SIXTEEN[index]
    if index >= 232:
        return (8 + (index - 232) * 10,) * 3
    steps: Callable[[int], int] = lambda n: 0 if n == 0 else 55 + 40 * n  # noqa: E731
    return steps((index - 16) // 36), steps((index - 16) // 6 % 6), steps((index - 16) % 6)
