"""The embedded index: SQLite, one file per concept."""
