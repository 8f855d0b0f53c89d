"""Several pictures as one that moves. Meant for worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image

GIF = "image/gif"
MOST = 300
"""Pictures in one: more would take minutes to load."""


def gif(pictures: Sequence[bytes], rate: float) -> bytes:
    """A GIF of picture files, `rate` a second, again and again; all take the size of the first."""
    first, *rest = (Image.open(BytesIO(picture)) for picture in pictures)
    size = first.size
    following = [each if each.size == size else each.resize(size) for each in rest]
    body = BytesIO()
    # GIF counts in hundredths of a second, and browsers slow down what is faster than two of them.
    duration = max(20, round(100 / rate) * 10)
    first.save(body, "GIF", save_all=True, append_images=following, duration=duration, loop=0)
    return body.getvalue()


def spread(count: int, most: int = MOST) -> list[int]:
    """Places of at most `most` out of `count`, evenly spread, the first and in order."""
    return list(range(count)) if count <= most else [place * count // most for place in range(most)]
