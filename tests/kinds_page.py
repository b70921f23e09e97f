"""The kinds of results as docs/estimates.md lists them; ``python tests/kinds_page.py --write docs/estimates.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    asked = parser.parse_args()
    if asked.write:
        text = asked.write.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{page()}\n{END}{after}", encoding="utf-8")
    else:
        sys.stdout.write(f"{page()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
