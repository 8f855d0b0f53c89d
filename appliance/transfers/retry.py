"""Whether a transfer that failed is tried again, and when: a pure decision."""

from __future__ import annotations

from appliance.peers.faults import Fault

DELAYS = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0)
"""Seconds after the first, second, ... try; the last one holds from then on."""

BEYOND = DELAYS[-1] + 60
"""Seconds: nothing is put off for longer, unless the clock was ahead when it was."""

FINAL = frozenset(
    (
        *(Fault.NOT_DICOM, Fault.CALLING_AE, Fault.CALLED_AE, Fault.REFUSED, Fault.UNSUPPORTED, Fault.CERTIFICATE),
        *(Fault.NOT_DICOMWEB, Fault.UNAUTHORIZED, Fault.FORBIDDEN),
    )
)
"""Someone has to change something first: waiting cures none of them."""


def delay(fault: Fault, attempts: int, limit: int) -> float | None:
    """Seconds until the next try, or None to give up.

    `attempts` counts the tries since an image last went through, this one included; `limit` is how many of
    them there may be.
    """
    if fault in FINAL or attempts >= limit:
        return None
    return DELAYS[min(max(attempts, 1), len(DELAYS)) - 1]
