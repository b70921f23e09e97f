"""Shares and means of rows that have participants as clusters: of a group, with intervals that hold for few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from crampstudy import codebook, estimates
from crampstudy.arrays import Array, Flags
from crampstudy.estimates import FEWEST, kinds
from crampstudy.models.surveys.domain_means import Means, boundary_interval, domain_means, logit_interval
from crampstudy.models.surveys.sampling import SamplingDesign

Row = dict[str, Any]


def clusters(persons: pl.Series) -> SamplingDesign:
    """Return the design of rows (n) of equal weight whose clusters are the ``persons`` that they belong to."""
    n = len(persons)
    return SamplingDesign.of(np.zeros(n), persons.rank("dense").to_numpy(), np.ones(n))


@dataclass(frozen=True, slots=True)
class ClusteredGroup:
    """Rows of a group: which of all rows (n) they are, in a design whose clusters are the participants."""

    inside: Flags
    design: SamplingDesign
    cells: Row
    ci_level: float

    def means(self, values: Array) -> Means:
        """Return the mean of ``values`` (n), NaN where unknown, with its variance."""
        return domain_means(values, (self.inside & np.isfinite(values))[:, None], self.design)

    def row(self, values: Array, kind: kinds.Kind, few: str = "", **cells: Any) -> tuple[Row, Means | None]:
        """Return the cells that rows of ``values`` (n) share and their mean; of too few people no mean.

        ``few`` says what fewer than enough participants have, by default that they logged the variable in ``term``.
        """
        made = self.cells | {"analysis": kind.name} | cells
        known = self.inside & np.isfinite(values)
        people = len(np.unique(self.design.psu[known]))
        made |= {"n_participants": people, "n_groups": people}
        if people < FEWEST:
            why = few or f"logged {codebook.variable(made['term']).label.lower()}"
            return estimates.row(status="not_estimable", note=f"fewer than {FEWEST} participants {why}", **made), None
        return made, self.means(values)

    def share(self, values: Array, kind: kinds.Kind, few: str = "", **cells: Any) -> Row:
        """Return the share of a group's rows whose ``values`` (n) are 1; limits on the logit scale."""
        made, means = self.row(values, kind, few, **{"scale": "proportion"} | cells)
        if means is None:
            return made
        share, df, error = float(means.estimate[0]), int(means.df[0]), float(means.std_error[0])
        made |= {"estimate": share, "df": float(df), "n_events": round(share * int(means.n[0]))}
        if share in (0, 1):
            people = int(means.psus[0])
            # Of no event at all a participant tells no more than one row would.
            low, high = boundary_interval(share, people, float(people), df, self.ci_level)
            return estimates.row(status="boundary", ci_low=low, ci_high=high, **made)
        low, high = logit_interval(share, error, df, self.ci_level)
        return estimates.row(status="converged", ci_low=low, ci_high=high, std_error=error, **made)
