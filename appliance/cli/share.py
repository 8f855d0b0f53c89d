"""share."""

COMMANDS: list[object] = []
