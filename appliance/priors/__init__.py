"""Studies that a peer has: looking for them, and fetching them."""
