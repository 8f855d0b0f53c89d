"""The `pacsbox` command: one file per command group, each command one call into the core."""
