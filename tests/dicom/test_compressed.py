"""Transfer syntaxes of pixel data that come by media type."""

from __future__ import annotations

import pytest

from appliance.dicom.compressed import NotTakenError, syntax_of

JPEG = "1.2.840.10008.1.2.4."


@pytest.mark.parametrize(
    ("kind", "said", "told", "syntax"),
    [
        ("", "", JPEG + "50", "1.2.840.10008.1.2.1"),
        ("application/octet-stream", "1.2.840.10008.1.2", "", "1.2.840.10008.1.2.1"),
        ("application/octet-stream", JPEG + "90", "", JPEG + "90"),
        ("image/jpeg", "", "", JPEG + "70"),
        ("image/jpeg", "", JPEG + "57", JPEG + "57"),
        ("image/jpeg", "", JPEG + "90", JPEG + "70"),
        ("image/jp2", "", "", JPEG + "90"),
        ("image/x-jls", JPEG + "81", "", JPEG + "81"),
        ("video/mp4", JPEG + "102.1", "", JPEG + "102.1"),
        ("video/mpeg", "", "", JPEG + "100"),
    ],
)
def test_the_media_type_and_what_was_said_tell(kind: str, said: str, told: str, syntax: str) -> None:
    assert syntax_of(kind, said, told, lambda: b"") == syntax


@pytest.mark.parametrize(("marker", "syntax"), [(0xC0, "50"), (0xC1, "51"), (0xC3, "70"), (0xC2, "70")])
def test_a_jpeg_tells_its_process_itself(marker: int, syntax: str) -> None:
    stream = b"\xff\xd8\xff\xe0\0\4ab" + bytes((0xFF, marker)) + b"\0\2"
    assert syntax_of("image/jpeg", "", "", lambda: stream) == JPEG + syntax


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("image/png", ""),
        ("text/plain", ""),
        ("image/jpeg", JPEG + "90"),
        ("image/jpeg", "nonsense"),
        ("application/octet-stream", "1.2.840.10008.1.2.2"),
        ("application/octet-stream", "1.2.840.10008.1.2.1.99"),
        ("application/octet-stream", "1.2.3"),
    ],
)
def test_what_no_transfer_syntax_has_is_refused(kind: str, said: str) -> None:
    with pytest.raises(NotTakenError):
        syntax_of(kind, said, "", lambda: b"")
