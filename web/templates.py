"""Templates of pages: what is put into them is text and never markup, and nothing that is missing passes for empty."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def of_package(name: str) -> Environment:
    """Those in the folder `templates` of a package, which don't change while we run."""
    return Environment(
        loader=PackageLoader(name),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
