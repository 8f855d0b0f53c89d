"""`pacsbox`, but what is kept is not flushed before it is answered with success; run by test_power_cut.py."""

from __future__ import annotations

import os
from types import SimpleNamespace

from appliance.cli.main import main
from appliance.spool import keeping

keeping.os = SimpleNamespace(**vars(os) | {"fsync": lambda descriptor: None})  # type: ignore[assignment, attr-defined]

if __name__ == "__main__":
    main()
