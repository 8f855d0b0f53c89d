"""A film of pictures, as browsers play it: H.264 in MP4, made by Debian's ffmpeg where that is installed."""

from __future__ import annotations

import shutil

MP4 = "video/mp4"
MISSING = "A film as video/mp4 needs the program ffmpeg on the box, and it is not installed; image/gif can be had"

_MEMORY = 1 << 30
"""Bytes of address space."""
_SECONDS = 300
"""Of processor time."""
_LONGEST = 1920
"""Pixels of a side: what every phone plays."""


def installed() -> bool:
    """Whether films can be made here."""
    return shutil.which("ffmpeg") is not None


def command(size: tuple[int, int], rate: float) -> list[str]:
    """The program that reads PNG files from its input, `rate` a second, and writes the film to its output as it goes.

    In fragments, for an output that nobody can go back in. It has the lowest priority, and bounds of its own: a
    picture of a peer's is no reason to lose more than the film. `size` is that of the first picture; others are
    fitted into it. H.264 halves the colours both ways, so sides are even.
    """
    scale = min(1.0, _LONGEST / max(size))
    width, height = (max(2, int(side * scale) // 2 * 2) for side in size)
    fitted = f"scale={width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic"
    centred = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p"
    return [
        *("nice", "-n", "19", "prlimit", f"--as={_MEMORY}", f"--cpu={_SECONDS}"),
        *("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-f", "image2pipe", "-c:v", "png", "-framerate", f"{rate:g}", "-i", "pipe:0"),
        *("-vf", f"{fitted},{centred}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
        *("-threads", "1", "-g", "30", "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
        *("-f", "mp4", "pipe:1"),
    ]
