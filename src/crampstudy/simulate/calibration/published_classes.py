"""The published shares of the 30-day classes of cramps, by age, with their design-based standard errors.

NHANES asked 10,902 adults of 2005-2008 how often leg cramps had kept them from sleeping in the past month.
``nhanes_classes.csv`` holds the answers by age: weighted shares with their design-based standard errors, computed
from the public files by :func:`crampstudy.descriptive.prevalence.prevalence`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from crampstudy.errors import ParameterError

SOURCE = "NHANES 2005-2008, public files, weighted (own computation)"
ID_OR_DOI = "10.1371/journal.pone.0178465"


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of the classes in one age band: weighted, with standard errors on the proportion scale.

    ``n_effective`` is ``n`` over the mean design effect of the classes (Rao and Scott 1981).
    """

    band: str
    share: tuple[float, ...]
    std_error: tuple[float, ...]
    n: int
    n_effective: float


def published_shares(population: str | None = None) -> tuple[Shares, ...]:
    """Return the NHANES shares of every age band from 20, or of ``population`` alone (``20+``, ``60+``, a band).

    Raises:
        ParameterError: the table has no such population.
    """
    text = files("crampstudy.simulate.calibration").joinpath("nhanes_classes.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    names = list(dict.fromkeys(row["population"] for row in rows))
    if population is not None and population not in names:
        raise ParameterError(f"population is {population!r}; allowed: {', '.join(names)}")
    chosen = [population] if population else [name for name in names if not name.startswith("<") and name not in _SUMS]
    return tuple(_shares(name, [row for row in rows if row["population"] == name]) for name in chosen)


_SUMS = ("20+", "50+", "60+")


def _shares(name: str, rows: Sequence[dict[str, str]]) -> Shares:
    return Shares(
        band=name,
        share=tuple(float(row["share"]) for row in rows),
        std_error=tuple(float(row["std_error"]) for row in rows),
        n=int(rows[0]["n"]),
        n_effective=float(rows[0]["n_effective"]),
    )
