"""What every storage backend promises, and the backends."""
