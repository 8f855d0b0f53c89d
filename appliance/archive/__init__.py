"""Where indexed instances live for good."""
