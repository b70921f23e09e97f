"""The kinds of results as docs/estimates.md lists them; ``python tests/kinds_page.py --write docs/estimates.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import main

from crampstudy.estimates import kinds

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- kinds -->", "<!-- end of kinds -->"


def page() -> str:
    """Return the kinds in Markdown, in the order of the register."""
    lines = ["| analysis | what a row says | table | figure |", "|---|---|---|---|"]
    for kind in kinds.KINDS.values():
        figure = f"`figures.{kind.figure}`" if kind.figure else "–"
        lines.append(f"| `{kind.name}` | {kind.meaning} | `tables.{kind.table}` | {figure} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(page(), (BEGIN, END), __doc__))
