"""peer."""

COMMANDS: list[object] = []
