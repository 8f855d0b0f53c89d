"""The page a patient opens on a phone."""
