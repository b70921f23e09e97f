"""The analyses as docs/analyses.md lists them; ``python tests/analyses_page.py --write docs/analyses.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import main

from crampstudy.analyses import ANALYSES
from crampstudy.analyses.claim_rows import CLAIM_ROWS

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- analyses -->", "<!-- end of analyses -->"
CLAIMS = "<!-- claims -->", "<!-- end of claims -->"


def page() -> str:
    """Return the analyses in Markdown, in the order of the registry."""
    lines = ["| analysis | question | answered from | tables and figures |", "|---|---|---|---|"]
    for analysis in ANALYSES.values():
        parts = ", ".join(f"`{label}`" for label in analysis.parts)
        lines.append(f"| `{analysis.name}` | {analysis.question} | {', '.join(analysis.answers)} | {parts} |")
    return "\n".join(lines)


def claims() -> str:
    """Return in Markdown which rows answer which claim of the article, a line a row."""
    lines = ["| claim | section | `analysis` | `term` | `level` | else |", "|---|---|---|---|---|---|"]
    for row in CLAIM_ROWS:
        more = {"outcome": row.outcome, "population": row.population}
        beside = ", ".join(f"{name} {cell}" for name, cell in more.items() if cell) or "–"
        cells = (f"`{cell}`" if cell else "–" for cell in (row.analysis, row.term, row.level))
        lines.append(f"| {row.claim} | `{row.section}` | {' | '.join(cells)} | {beside} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(page(), (BEGIN, END), __doc__) or main(claims(), CLAIMS, __doc__))
