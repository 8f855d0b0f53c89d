"""Remote AEs that we know."""
