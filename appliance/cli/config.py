"""config."""

COMMANDS: list[object] = []
