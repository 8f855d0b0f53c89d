"""Parts of a multipart answer, however its bytes come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.dicomweb.parts import Parts, boundary

FILES = [b"one", b"", b"\r\n--twp\r\n-", b"x" * 70000]
BODY = b"preamble\r\n" + b"".join(b"--two\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % each for each in FILES)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_they_come_whole_in_pieces_of_any_size(size: int) -> None:
    found = [(head.get_content_type(), b"".join(body)) for head, body in Parts(pieces(BODY + b"--two--", size), "two")]
    assert found == [("application/dicom", each) for each in FILES]


def test_what_is_not_read_is_passed_over() -> None:
    assert len(list(Parts(pieces(BODY + b"--two--", 100), "two"))) == len(FILES)


@pytest.mark.parametrize("end", [b"", b"--two", b"--two\r\nContent-Type: a/b", b"--two\r\n\r\nmore"])
def test_an_early_end_is_told(end: bytes) -> None:
    with pytest.raises(EOFError):
        for _, body in Parts(pieces(BODY + end, 100), "two"):
            b"".join(body)


def test_a_head_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="without end"):
        list(Parts(pieces(b"--two\r\n" + b"x" * (1 << 20), 4096), "two"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ('multipart/related; type="application/dicom"; boundary=two', "two"),
        ('Multipart/Related; boundary="two three"', "two three"),
        ("multipart/related", ""),
        ("application/dicom", ""),
        ("", ""),
    ],
)
def test_the_boundary_is_in_the_content_type(kind: str, expected: str) -> None:
    assert boundary(kind) == expected
