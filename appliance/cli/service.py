"""service."""

COMMANDS: list[object] = []
