"""Cells of a table of recovery: what many cohorts of one law say of a term that is known."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

COHORTS = 400
LEVEL = 0.001
Found = Mapping[str, tuple[float, float, bool] | None]
"""Of one cohort by term: the error, its standard error, and whether the interval covers; ``None`` without an answer."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What so many cohorts say of a term; ``place`` says of what size and law they are."""

    place: tuple[str, ...]
    term: str
    answered: int
    covered: int
    bias: float
    bias_error: float
    std_error: float

    @property
    def p(self) -> float:
        """The exact binomial p at 95 %."""
        return float(stats.binomtest(self.covered, self.answered, 0.95).pvalue)


def cells(place: tuple[str, ...], results: Sequence[Found]) -> Iterator[Cell]:
    """Yield the cell of each term, of what each cohort of a place gave."""
    for term in results[0]:
        answered = [one for result in results if (one := result[term]) is not None]
        if len(answered) < 2:
            yield Cell(place, term, len(answered), 0, math.nan, math.nan, math.nan)
            continue
        error, se, covered = np.array(answered, dtype=np.float64).T
        spread = float(error.std(ddof=1)) / math.sqrt(len(error))
        yield Cell(place, term, len(error), int(covered.sum()), float(error.mean()), spread, float(se.mean()))


def table(heads: Sequence[str], made: Sequence[Cell]) -> str:
    """Return the cells in Markdown, and which of them are beyond chance (Holm)."""
    lines = [
        f"| {' | '.join(heads)} | term | cohorts | covered | bias | mean standard error |",
        f"|{'---|' * len(heads)}---|---:|---:|---:|---:|",
        *(f"| {' | '.join(c.place)} | {c.term} | {_numbers(c)} |" for c in made),
        "",
    ]
    beyond = []
    known = [cell for cell in made if cell.answered > 1]
    for rank, cell in enumerate(sorted(known, key=lambda c: c.p)):
        if cell.p > LEVEL / (len(known) - rank):
            break
        beyond.append(f"{cell.term} ({', '.join(cell.place)}: {cell.covered / cell.answered:.1%})")
    said = f"beyond chance are {'; '.join(beyond)}" if beyond else "no cell's coverage is beyond chance"
    return "\n".join([*lines, f"By the exact binomial p, Holm over {len(known)} cells at {LEVEL}, {said}."])


def _numbers(cell: Cell) -> str:
    if cell.answered < 2:
        return f"{cell.answered} | – | – | –"
    covered = f"{cell.covered / cell.answered:.1%}"
    return f"{cell.answered} | {covered} | {cell.bias:+.4f} ± {cell.bias_error:.4f} | {cell.std_error:.4f}"


def run(doc: str | None, name: str, make: Callable[[int], str]) -> int:
    """Print the table that ``make`` has of a number of cohorts, or renew it between the marks of its ``name``."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--write", type=Path, metavar="FILE")
    asked = parser.parse_args()
    made = make(asked.cohorts)
    if asked.write is None:
        sys.stdout.write(f"{made}\n")
        return 0
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = asked.write.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    asked.write.write_text(f"{before}{begin}\n{made}\n{end}{after}", encoding="utf-8")
    return 0
