"""What every command starts from: the configuration, and the box that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance import log
from appliance.config import Config, Setting, load
from appliance.errors import NotFoundError
from appliance.service import only_one

if TYPE_CHECKING:
    from appliance.box import Box


class Context:
    """The configuration is read, and the box opened, when a command first asks for it."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @cached_property
    def _loaded(self) -> tuple[Config, list[Setting]]:
        return load(self.path)

    @property
    def config(self) -> Config:
        """What is in force. Raises `ConfigurationError` with every fault."""
        return self._loaded[0]

    @property
    def settings(self) -> list[Setting]:
        """The same, with where each value came from."""
        return self._loaded[1]

    @cached_property
    def box(self) -> Box:
        """The box of this configuration."""
        # Late: it brings the whole core, which `config` and `--help` do without.
        from appliance.box import Box

        return Box(self.config, self.path)

    @property
    def existing_box(self) -> Box:
        """The same for who only looks, and shall not make an empty one by it. Raises `NotFoundError`."""
        if "box" not in self.__dict__ and not self.config.data_dir.is_dir():
            raise NotFoundError(
                f"There is no box in {self.config.data_dir.resolve()}.",
                "Name its folder by PACSBOX_DATA_DIR, or start a new one with `pacsbox up`.",
            )
        return self.box


pass_context = click.make_pass_decorator(Context)


@contextmanager
def serving(context: Context, name: str) -> Iterator[None]:
    """Be service `name` of this box: one of its kind, logging to stderr."""
    log.to_stderr(context.config.log.level, name)
    with only_one(context.box.run_dir, name):
        yield
