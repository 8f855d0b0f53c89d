"""What staff read when a study was fetched, or was not."""

from __future__ import annotations

import pytest

from appliance.priors import words
from appliance.priors.progress import Progress


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress(1), "1 image came from CLINIC-B."),
        (Progress(44), "44 images came from CLINIC-B."),
        (Progress(40, failed=4), "40 images came from CLINIC-B, 4 could not be sent."),
        (
            Progress(40, 4, 0, "the disk is full"),
            "40 images came from CLINIC-B, 4 could not be sent. The disk is full.",
        ),
        (Progress(3, remaining=41), "Stopped: 3 images came from CLINIC-B, 41 did not."),
        (Progress(0), "CLINIC-B has no images of this study."),
    ],
)
def test_the_end_is_told_in_words(progress: Progress, expected: str) -> None:
    assert words.fetched("CLINIC-B", progress) == expected


def test_a_peers_own_comment_is_passed_on_without_control_characters() -> None:
    said = words.fetch_failed("CLINIC-B", 0xA701, "out of\x1b memory ")
    assert said == "CLINIC-B could not send the study (A701, “out of memory”)."
