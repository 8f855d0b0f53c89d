"""The values last used stay, up to so many bytes."""

from __future__ import annotations

from web.cache import Cache


def test_what_was_used_least_recently_goes_first() -> None:
    cache = Cache(10)
    cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert cache.get("a") == b"12345"
    cache.put("c", b"1")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"12345", None, b"1")


def test_a_value_put_twice_counts_once() -> None:
    cache = Cache(10)
    for _ in range(5):
        cache.put("a", b"123456")
    cache.put("b", b"1234")
    assert cache.get("a") == b"123456"


def test_what_is_too_large_is_not_kept() -> None:
    cache = Cache(10)
    cache.put("a", b"x" * 11)
    assert cache.get("a") is None
