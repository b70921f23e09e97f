"""How far this package is from R: `make parity` renews the tables of docs/parity.md.

R's numbers are in the JSON files here, each beside the script that wrote it; R is not needed. Ours are computed anew.
A difference is that of a number relative to R's, a coefficient near 0 relative to its standard error instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import parity_compared
import parity_linear
import parity_nights
import parity_people
from parity_cells import Cell, below

from crampstudy.models import MODELS

BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"
NUMBERS = "<!-- numbers: begin -->", "<!-- numbers: end -->"
SCRIPTS = "<!-- scripts: begin -->", "<!-- scripts: end -->"


def cells() -> Iterator[Cell]:
    """Yield every comparison."""
    yield from parity_nights.cells()
    yield from parity_people.cells()
    yield from parity_linear.cells()


def table(found: Sequence[Cell]) -> str:
    """Return the matrix in Markdown: a line per model, outcome, covariance, weights, offset and peer."""
    lines = [
        "| model | outcome | covariance | weights | offset | R | data sets | coefficients | standard errors |",
        "|---|---|---|---|---|---|---:|---:|---:|",
    ]
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for c in found:
        groups.setdefault((c.model, c.outcome, c.covariance, c.weights, c.offset, c.peer), []).append(c)
    order = list(MODELS)

    def place(group: tuple[tuple[str, ...], list[Cell]]) -> tuple[int, bool, bool, bool]:
        model, outcome, _, weights, offset, _ = group[0]
        return order.index(model), outcome != "cramps", weights == "case", offset != "none"

    for names, own in sorted(groups.items(), key=place):
        largest = (max(c.coefficients for c in own), max(c.errors for c in own))
        shown = " | ".join(below(value) for value in largest)
        lines.append(f"| {' | '.join(names)} | {len(own)} | {shown} |")
    return "\n".join(lines)


def tables(found: Sequence[Cell]) -> dict[tuple[str, str], str]:
    """Return each table of the page in Markdown, by the marks that it stands between."""
    return {
        (BEGIN, END): table(found),
        NUMBERS: parity_compared.table(),
        SCRIPTS: parity_compared.script_table(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="make parity", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    parser.add_argument("--each", action="store_true", help="print every comparison on a line of its own instead")
    asked = parser.parse_args()
    found = list(cells())
    if asked.each:
        for c in found:
            sys.stdout.write(
                f"{c.coefficients:.1e} {c.errors:.1e} {c.model} {c.outcome} {c.covariance} {c.data} {c.peer}\n"
            )
    elif asked.write:
        page = asked.write.read_text(encoding="utf-8")
        for (begin, end), made in tables(found).items():
            before, after = page.split(begin)[0], page.split(end)[1]
            page = f"{before}{begin}\n{made}\n{end}{after}"
        asked.write.write_text(page, encoding="utf-8")
    else:
        sys.stdout.write("\n\n".join(tables(found).values()) + "\n")
    return int(not all(c.agrees for c in (*found, *parity_compared.comparisons())))


if __name__ == "__main__":
    sys.exit(main())
