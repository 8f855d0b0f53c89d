"""Is the full viewer installed?"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.box import Box
from appliance.full_viewer import FOLDER, installed
from appliance.health.finding import Finding, Severity


def check(_box: Box) -> Iterator[Finding]:
    """A note when it is not: patients see their images without it, and clinics may have a viewer of their own."""
    found = installed(FOLDER)
    if found:
        yield Finding(Severity.OK, "viewer", f"The full viewer is installed (OHIF {found.version}).")
    else:
        yield Finding(
            Severity.NOTE,
            "viewer",
            "The full viewer is not installed: staff and patients see images without its tools.",
            "Run `make viewer` where the box was installed from, then restart `pacsbox web`.",
        )
