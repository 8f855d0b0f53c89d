"""Where patients' links lead: the running web service tells it to who makes links with other settings than its own."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from appliance.service import sign

_FILE = "web.url"


def tell(run_dir: Path, url: str) -> None:
    """The web service, which runs in this process, shows patients' links below `url`."""
    draft = run_dir / f".{_FILE}"
    # With the process, so that nobody believes what one before this has told.
    draft.write_text(f"{os.getpid()} {url}\n", "utf-8")
    draft.replace(run_dir / _FILE)


def told(run_dir: Path) -> str:
    """What the web service that runs now has told; empty when none runs or it does not listen yet."""
    try:
        pid, _, url = (run_dir / _FILE).read_text("utf-8").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        return ""
    return url if pid == str(sign(run_dir, "web").pid) else ""


def is_only_here(address: str) -> bool:
    """Whether nobody beyond this machine reaches that address."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
