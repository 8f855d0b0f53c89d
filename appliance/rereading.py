"""The configuration while a service runs: its file is read again when it was changed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from appliance.config import Config, file_of, load
from appliance.errors import ConfigurationError

log = logging.getLogger(__name__)


class Rereading:
    """What is in force; a changed file that is wrong leaves it as it was, and is told once."""

    def __init__(self, config: Config, path: Path | None) -> None:
        """`config` was read from `path`; without one, from the file that PACSBOX_CONFIG names, if there is."""
        self._config = config
        self._path = path or file_of(os.environ)
        self._seen = self._look()

    def __call__(self) -> Config:
        """The configuration now."""
        found = self._look()
        if found != self._seen:
            self._seen = found
            try:
                self._config = load(self._path)[0]
                log.info("%s was changed and is in force", self._path)
            except ConfigurationError as fault:
                log.error("%s was changed, but what was in force stays so. %s", self._path, fault)
        return self._config

    def _look(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            status = self._path.stat()
        except OSError:
            # Between two states of an editor's; what is in force stays so until it is back.
            return getattr(self, "_seen", None)
        return (status.st_ino, status.st_size, status.st_mtime_ns)
