"""doctor."""

COMMANDS: list[object] = []
