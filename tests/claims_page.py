"""The tables of docs/claims.md: rules, claims and rows; ``python tests/claims_page.py --write docs/claims.md``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from claims_spec import CASES, SEASONS, Case
from claims_spec import PARTS as OF_PARTS
from page_table import main

from crampstudy import claims
from crampstudy.claims import specifications
from crampstudy.wording import DASH, estimate


def of_rules() -> str:
    """Return the cases of one row in Markdown."""
    lines = ["| the claim lies | estimate (interval) | verdict | why |", "|---|---|---|---|"]
    for case in CASES:
        lines.append(f"| {_side(case)} | {_number(case)} | *{case.verdict}* | {case.because} |")
    return "\n".join(lines)


def of_parts() -> str:
    """Return the cases of several parts in Markdown."""
    lines = ["| parts | verdict | why |", "|---|---|---|"]
    lines += [f"| {', '.join(parts) or DASH} | *{verdict}* | {why} |" for parts, verdict, why in OF_PARTS]
    return "\n".join(lines)


def of_seasons() -> str:
    """Return the cases of the annual cycle in Markdown."""
    lines = ["| day of the peak | peak to trough | hemisphere | verdict | why |", "|---|---|---|---|---|"]
    for day, ratio, hemisphere, verdict, why in SEASONS:
        cells = (_number(Case("", "day_of_year", day, "", "")), _number(Case("", "rate_ratio", ratio, "", "")))
        lines.append(f"| {cells[0]} | {cells[1]} | {hemisphere} | *{verdict}* | {why} |")
    return "\n".join(lines)


def of_claims() -> str:
    """Return the claims with their rules in Markdown."""
    lines = ["| | claim | rule | contrast | smallest effect | published |", "|---|---|---|---|---|---|"]
    for each in claims.claims():
        cells = (
            each.claim,
            each.text,
            each.rule,
            each.contrast,
            each.smallest_effect,
            f"*{claims.published(each).verdict}*",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def of_rows() -> str:
    """Return in Markdown which rows answer which claim, a line a row."""
    lines = ["| claim | part | section | `analysis` | `term` | `level` | else | side | needs |", f"|{'---|' * 9}"]
    for row in claims.CLAIM_ROWS:
        more = {"a": row.kind, "outcome": row.outcome, "population": row.population}
        more |= {"of people": "at large" if row.at_large else ""}
        beside = ", ".join(f"{name} {cell}" for name, cell in more.items() if cell) or DASH
        cells = (f"`{cell}`" if cell else DASH for cell in (row.section, row.analysis, row.term, row.level))
        lines.append(
            f"| {row.claim} | {row.part} | {' | '.join(cells)} | {beside} | {row.side or DASH} | `{row.needs}` |"
        )
    return "\n".join(lines)


def of_specifications() -> str:
    """Return in Markdown what of each recipe may be decided otherwise, a line a dimension."""
    lines = ["| rows | cohort | dimension | choices | specifications |", "|---|---|---|---|---:|"]
    for recipe, kind in dict.fromkeys((each.recipe, each.kind) for each in specifications.choices()):
        own = [each for each in specifications.choices() if (each.recipe, each.kind) == (recipe, kind)]
        n = str(len(list(specifications.specifications([recipe], kind))))
        heads = (recipe, kind)
        for dimension in dict.fromkeys(each.dimension for each in own):
            named = "; ".join(each.choice for each in own if each.dimension == dimension)
            lines.append(f"| {' | '.join(heads)} | {dimension} | {named} | {n} |")
            heads, n = ("", ""), ""
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "rules": of_rules,
    "parts": of_parts,
    "seasons": of_seasons,
    "specifications": of_specifications,
    "claims": of_claims,
    "rows": of_rows,
}
"""The tables by the name of their marks."""


def marks(name: str) -> tuple[str, str]:
    """Return the marks between which a table stands."""
    return f"<!-- {name} -->", f"<!-- end of {name} -->"


def _side(case: Case) -> str:
    return f"{case.side}, {case.scale.replace('_', ' ')}"


def _number(case: Case) -> str:
    return estimate(case.row) if case.numbers else DASH


if __name__ == "__main__":
    sys.exit(max(main(made(), marks(name), __doc__) for name, made in PARTS.items()))
