"""We as a caller: C-ECHO and C-STORE to a peer."""
