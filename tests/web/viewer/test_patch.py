"""The package's changes fit exactly, or nothing is installed."""

from __future__ import annotations

import pytest

from web.viewer.patch import CHANGES, OtherPackageError, is_kept, patched


def package() -> dict[str, bytes]:
    """Files that hold everything which is changed, as often as it must be there."""
    files: dict[str, bytes] = {}
    for change in CHANGES:
        for name, times in change.times.items():
            files[hashed(name)] = files.get(hashed(name), b"") + b"a;" + change.old * times + b"z;"
    return files | {"5.bundle.0123456789abcdef.js": b"nothing", "assets/a.png": b"url(/"}


def hashed(name: str) -> str:
    return name.replace(".bundle.js", ".bundle.0f6159c501addfe9.js")


def test_every_change_is_made_and_nothing_else() -> None:
    done = patched(package())
    assert done.keys() == package().keys()
    for change in CHANGES:
        assert not any(change.old in body for name, body in done.items() if name != "assets/a.png")
    assert done["5.bundle.0123456789abcdef.js"] == b"nothing"
    assert done["assets/a.png"] == b"url(/"
    assert b"self.PUBLIC_URL" in done[hashed("8097.bundle.js")]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.old.decode())
@pytest.mark.parametrize("more", [-1, 1])
def test_once_too_often_or_too_seldom_is_an_error_that_names_the_place(change: object, more: int) -> None:
    (one,) = (each for each in CHANGES if each is change)
    files = package()
    name = hashed(next(iter(one.times)))
    files[name] = files[name] + one.old if more > 0 else files[name].replace(one.old, b"", 1)
    with pytest.raises(OtherPackageError, match="stands in"):
        patched(files)


def test_a_change_in_another_file_is_an_error() -> None:
    files = package() | {"new.bundle.0123456789abcdef.js": CHANGES[0].old}
    with pytest.raises(OtherPackageError, match=r"new\.bundle"):
        patched(files)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("app.bundle.0f6159c501addfe9.js", True),
        ("37fa160cc3a47cfd.wasm", True),
        ("assets/images/CT-Bone.png", True),
        ("app.bundle.0f6159c501addfe9.js.map", False),
        ("sw.js", False),
        ("init-service-worker.js", False),
        ("ort/ort-wasm-simd.wasm", False),
        ("index.html", False),
        ("app-config.js", False),
    ],
)
def test_what_a_clinic_needs_is_kept(name: str, kept: bool) -> None:
    assert is_kept(name) is kept
