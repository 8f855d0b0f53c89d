"""Where the console tells what it can't say on the screen: a file, since the terminal is the front desk's."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.box import Box


@contextmanager
def logging_to_file(box: Box) -> Iterator[Path]:
    """Warnings and worse go to `log/console.log` of the data folder, readable by the service alone."""
    path = box.data_dir / "log" / "console.log"
    try:
        path.parent.mkdir(exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        handler: logging.Handler = logging.FileHandler(path)
    except OSError:
        handler = logging.NullHandler()  # a full disk must not keep the console shut
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield path
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
