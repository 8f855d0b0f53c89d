"""archive."""

COMMANDS: list[object] = []
