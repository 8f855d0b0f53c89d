"""`pacsbox tui` itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.files import ROOT


def test_without_a_terminal_it_says_so_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", "tui"],
        cwd=ROOT,
        env=os.environ | {"PACSBOX_DATA_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "The console needs a terminal." in done.stderr
