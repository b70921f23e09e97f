"""The analyses as docs/analyses.md lists them; ``python tests/analyses_page.py --write docs/analyses.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import main

from crampstudy.analyses import ANALYSES

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- analyses -->", "<!-- end of analyses -->"


def page() -> str:
    """Return the analyses in Markdown, in the order of the registry."""
    lines = ["| analysis | question | answered from | tables and figures |", "|---|---|---|---|"]
    for analysis in ANALYSES.values():
        parts = ", ".join(f"`{label}`" for label in analysis.parts)
        own = [(kind, answer.question) for kind, answer in analysis.answers.items() if answer.question]
        asked = " ".join([analysis.question, *(f"Of a {kind}: {question}" for kind, question in own)])
        lines.append(f"| `{analysis.name}` | {asked} | {', '.join(analysis.answers)} | {parts} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(page(), (BEGIN, END), __doc__))
