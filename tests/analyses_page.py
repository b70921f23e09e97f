"""The analyses as docs/analyses.md lists them; ``python tests/analyses_page.py --write docs/analyses.md``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crampstudy.analyses import ANALYSES

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- analyses -->", "<!-- end of analyses -->"


def page() -> str:
    """Return the analyses in Markdown, in the order of the registry."""
    lines = ["| analysis | question | answered from | tables and figures |", "|---|---|---|---|"]
    for analysis in ANALYSES.values():
        parts = ", ".join(f"`{label}`" for label in analysis.parts)
        lines.append(f"| `{analysis.name}` | {analysis.question} | {', '.join(analysis.answers)} | {parts} |")
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
