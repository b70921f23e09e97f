"""Two cohorts' verdicts as docs/claims.md shows them, from what ``crampstudy claims SOURCE --out DIR`` wrote of each.

``python tests/claims_of_cohorts.py DEFAULT/claims.json NHANES/claims.json --write docs/claims.md``
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from crampstudy import claims
from crampstudy.wording import DASH

MARKS = "<!-- cohorts -->", "<!-- end of cohorts -->"
_MOST = 60


def page(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> str:
    """Return claim, row and verdict of both cohorts in Markdown; of what cannot be tested the reason."""
    lines = ["| claim | section | row of the default cohort | default | NHANES D, E |", "|---|---|---|---|---|"]
    for one, other in zip(first, second, strict=True):
        claim = claims.find(one["claim"])
        row = f"`{_end(one['key'])}`" if one["key"] else DASH
        cells = (f"{claim.claim} {claim.text}", one["analysis"] or DASH, row, _said(one), _said(other))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _end(key: str) -> str:
    """Return the end of a key, in which rows of one section differ."""
    return key if len(key) <= _MOST else f"…/{key[-_MOST:].split('/', 1)[-1]}"


def _said(of: dict[str, Any]) -> str:
    if of["verdict"] == "not testable here":
        return f"*not testable here*: {of['reason']}"
    number = "" if of["estimate"] is None or of["verdict"] == "stated" else f" {of['estimate']:.3g}"
    limits = f" ({of['ci_low']:.3g} to {of['ci_high']:.3g})" if number and of["ci_low"] is not None else ""
    return f"*{of['verdict']}*{number}{limits}"


def main() -> int:
    """Print the table, or renew it in a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("default", type=Path)
    parser.add_argument("nhanes", type=Path)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    asked = parser.parse_args()
    made = page(*(json.loads(path.read_text(encoding="utf-8")) for path in (asked.default, asked.nhanes)))
    if asked.write is None:
        sys.stdout.write(f"{made}\n")
        return 0
    text = asked.write.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    asked.write.write_text(f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
