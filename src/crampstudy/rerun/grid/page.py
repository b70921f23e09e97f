"""The page that sets the reports of a grid side by side."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from crampstudy.rerun.moves import nameless

if TYPE_CHECKING:
    from crampstudy.rerun.grid.made import CellOutcome

INDEX = "index.html"
_STYLE = """
body { font-family: sans-serif; margin: 2rem; color: #222 }
table { border-collapse: collapse; font-size: 0.85rem }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid #ccc; text-align: right; vertical-align: top }
th:first-child { text-align: left; position: sticky; left: 0; background: #fff; max-width: 28rem }
caption { text-align: left; padding: 0.5rem 0 }
"""
_MAIN = ("incidence rate", "prevalence")
_NONE = "–"


def page(folder: Path, outcomes: Sequence[CellOutcome]) -> str:
    """Return the page as HTML: a column a report, a row an estimate that any of them has; what failed says why."""
    found = [_main(folder / each.cell.name / "estimates.csv") for each in outcomes]
    keys = dict.fromkeys(key for rows in found for key in rows)
    body = "".join(f"<tr><th scope=row>{escape(key)}</th>{_cells(key, found)}</tr>\n" for key in keys)
    heads = "".join(f"<th scope=col>{_head(each)}</th>" for each in outcomes)
    problems = "".join(
        f"<li><strong>{escape(each.cell.name)}</strong>: {escape(each.problem)}</li>\n"
        for each in outcomes
        if each.problem is not None
    )
    failed = f"<h2>Reports that could not be made</h2>\n<ul>\n{problems}</ul>\n" if problems else ""
    return (
        f"<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>Reports side by side</title>"
        f"<style>{_STYLE}</style></head>\n<body><main><h1>Reports side by side</h1>\n"
        "<p>Research output, not medical advice.</p>\n"
        f"{failed}<table><caption>Incidence rates, prevalences and declared contrasts, each with its interval; "
        f"all else stands in the reports</caption>\n<thead><tr><th scope=col>Estimate</th>{heads}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></main></body></html>\n"
    )


def _head(outcome: CellOutcome) -> str:
    cell = outcome.cell
    name = escape(cell.name)
    linked = name if outcome.problem is not None else f'<a href="{name}/report.html">{name}</a>'
    return "<br>".join([linked, *(escape(setting.replace("=", " ")) for setting in cell.settings)])


def _cells(key: str, found: Sequence[Mapping[str, str]]) -> str:
    return "".join(f"<td>{rows.get(key, _NONE)}</td>" for rows in found)


def _main(file: Path) -> dict[str, str]:
    """Return the main estimates of a report as printed, by their keys without the cohort; none where it failed."""
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as text:
        return dict(_printed(csv.DictReader(text)))


def _printed(rows: csv.DictReader[str]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row["verdict"] or row["analysis"].endswith(_MAIN):
            numbers = [f"{float(row[name]):.3g}" if row[name] else "" for name in ("estimate", "ci_low", "ci_high")]
            value, low, high = numbers
            yield nameless(row["key"]), f"{value} ({low} to {high})" if low and high else value or escape(row["status"])
