"""The one documented table of options: pacsbox.toml, overridden by PACSBOX_* in the environment.

`[dicom] port` is `PACSBOX_DICOM_PORT`; `data_dir`, which stands in no section, is `PACSBOX_DATA_DIR`.
Everything is checked before anything starts, and every fault is named at once.
"""

from __future__ import annotations

from appliance.config.loading import Option, Setting, file_of, load, options
from appliance.config.table import Config, Dicom, Log, Shares, Staff, Storage, Transfers, Viewers, Web, Worklist
from appliance.config.values import PLACES

__all__ = [
    "PLACES",
    "Config",
    "Dicom",
    "Log",
    "Option",
    "Setting",
    "Shares",
    "Staff",
    "Storage",
    "Transfers",
    "Viewers",
    "Web",
    "Worklist",
    "file_of",
    "load",
    "options",
]
