"""Which way pictures are drawn; kept ones are told apart by it."""

DRAWN = 2
"""To be counted up when a stored instance is drawn otherwise than before. Since 2 overlays are drawn over it."""
