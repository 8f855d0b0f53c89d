"""What staff see at the clinic door with a browser: logging in, and links that open a study elsewhere."""
