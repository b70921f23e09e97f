"""The columns of estimates in docs/estimates.md; ``python tests/columns_page.py --write docs/estimates.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import main

from crampstudy.estimates import frame
from crampstudy.estimates.columns import LINKS, MEANINGS

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- columns -->", "<!-- end of columns -->"
_TYPES = {"string": "text", "float64": "number", "Int64": "whole number"}


def page() -> str:
    """Return the columns in Markdown, in their order, and the scales of the standard error."""
    types = {name: _TYPES[str(dtype)] for name, dtype in frame([]).dtypes.items()}
    lines = ["| column | holds | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {types[name]} | {meaning} |" for name, meaning in MEANINGS.items()]
    lines += ["", "| `scale` of the estimate | scale of `std_error` |", "|---|---|"]
    lines += [f"| {', '.join(f'`{each}`' for each in scales.split(', '))} | {link} |" for scales, link in LINKS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(page(), (BEGIN, END), __doc__))
