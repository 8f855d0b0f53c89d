"""Do the four services run?"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.box import Box
from appliance.health.finding import Finding, Severity

MEANING = {
    "receiver": "no images can come in by DICOM",
    "indexer": "images come in safely but don't show up",
    "sender": "nothing is sent to peers",
    "web": "patients' links and DICOMweb don't open",
}
"""What it means for people when a service is down."""


def check(box: Box) -> Iterator[Finding]:
    """One finding a service that is down."""
    down = [sign.name for sign in box.signs() if not sign.up]
    for name in down:
        yield Finding(
            Severity.PROBLEM,
            "services",
            f"The {name} is down: {MEANING[name]}.",
            f"Start it with `pacsbox {name}`, or all of them with `pacsbox up`.",
        )
    if not down:
        yield Finding(Severity.OK, "services", "All four services are up.")
