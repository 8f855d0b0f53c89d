"""A report as a page, in HTML that is XML too (PS3.18 8.7.4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from appliance.dicom.report import Item, Report
from web import templates
from web.report import texts

_STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""What the page needs; whoever serves it adds who may frame it."""
_LONGEST = 100
"""Characters by which an item is called elsewhere: there may be thousands that stand for the same one."""
_STATES = ("PreliminaryFlag", "CompletionFlag", "VerificationFlag")


@dataclass(frozen=True)
class Link:
    """Where another instance of the same study is shown."""

    page: str
    small: str = ""
    """A little picture of it, if it is one."""
    title: str = ""


Links = Mapping[str, Link]
"""By SOP Instance UID."""


def page(report: Report, links: Links) -> str:
    """The report as a document of its own; what it says is text in it and never markup."""
    return _template().render(
        report=report,
        title=title(report),
        facts=list(facts(report)),
        remark=report.facts.get("CompletionFlagDescription", ""),
        states=[(texts.STATES[state], state in texts.OPEN_STATES) for state in states(report)],
        links=links,
        named=named(report.root),
    )


@cache
def _template() -> Template:
    environment = templates.of_package("web.report")
    environment.globals.update(t=texts, style=Markup(_STYLE))
    return environment.get_template("report.html")


def title(report: Report) -> str:
    """What stands above it."""
    return report.root.name or report.facts.get("SeriesDescription", "") or texts.TITLE


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Labels and what stands beside them."""
    sex = report.facts.get("PatientSex", "")
    said = report.facts | {"Content": report.made, "PatientSex": texts.SEXES.get(sex, sex)}
    return ((label, said[keyword]) for keyword, label in texts.LABELS.items() if said.get(keyword))


def states(report: Report) -> Iterator[str]:
    """How far it is, as far as it tells."""
    return (state for keyword in _STATES if (state := report.facts.get(keyword, "")) in texts.STATES)


def named(root: Item) -> dict[str, str]:
    """By place: what the items are called, for those that stand for another one."""
    names, left = {}, [root]
    while left:
        item = left.pop()
        names[item.place] = (item.name or item.text.partition("\n")[0])[:_LONGEST]
        left += item.items
    return names
