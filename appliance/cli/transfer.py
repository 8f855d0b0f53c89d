"""transfer."""

COMMANDS: list[object] = []
