"""How far this package is from R, model by model: `make parity` renews the table of docs/parity.md.

R's numbers are in the JSON files here, each beside the script that wrote it; R is not needed. Ours are computed anew.
A difference is that of a number relative to R's, a coefficient near 0 relative to its standard error instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import parity_linear
import parity_nights
import parity_people
from parity_cells import Cell

from crampstudy.models import MODELS

BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"


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


def below(value: float) -> str:
    """Return a difference as the power of ten that it is below: its digits are those of a machine's rounding."""
    if np.isnan(value):
        return "no number"
    return f"< 1e{max(int(np.floor(np.log10(value))) + 1, -9):+03d}" if value else "0"


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
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}", encoding="utf-8")
    else:
        sys.stdout.write(f"{table(found)}\n")
    return int(not all(c.agrees for c in found))


if __name__ == "__main__":
    sys.exit(main())
