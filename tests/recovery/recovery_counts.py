"""Cohorts of the simulator with nothing but people, counts and treatments: what trials and open use are asked of.

The draws of a whole cohort without habits, single cramps, scores and blood, at a tenth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.corruption.degrade import degrade_tables
from crampstudy.simulate.draw.cohort import draw_cramps, draw_rates
from crampstudy.simulate.truth.design import TRIALS, period_starts


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cohort, and the cramps a week that each participant has without treatment in the long run."""

    cohort: Cohort = field(repr=False)
    per_week: Floats = field(repr=False)

    def mean_of(self, participants: pl.Series) -> float:
        """Return the mean of these participants."""
        own = self.cohort.frame("participants")["participant_id"].is_in(participants.implode())
        return float(self.per_week[own.to_numpy()].mean())


def draw(people: int, nights: int, seed: int, truth: Truth, mess: Mess | None = None) -> Drawn:
    """Draw a cohort with the usual gaps, or those of ``mess``."""
    rates_rng, cramps_rng, gaps_rng = np.random.default_rng(seed).spawn(3)
    drawn = draw_rates(truth, people, nights, rates_rng, ())
    asked, ids = drawn.asked, pl.Series("participant_id", [f"P{i:04}" for i in range(people)])
    starts = {"enrolled_on": truth.recruitment.run_in_nights}
    if truth.design.kind in TRIALS:
        starts["randomised_on"] = int(period_starts(truth.design)[0])
    who = pl.DataFrame([ids]).with_columns(
        pl.Series("age_years", asked.people["age_years"].astype(np.float64)),
        pl.Series("sex", asked.people["sex"].astype(str)),
        *(pl.Series(name, _dates(asked.first_night + night)) for name, night in starts.items() if night),
    )
    counts = draw_cramps(truth, drawn, cramps_rng)
    diary = pl.DataFrame([ids.gather(np.repeat(np.arange(people), nights))]).with_columns(
        pl.Series("date", _dates(asked.date.ravel())),
        pl.Series("entry_made", np.ones(people * nights, dtype=np.bool_)),
        pl.Series("cramps", counts.ravel()),
    )
    tables = {"participants": who, "diary": diary, "treatments": drawn.assigned.frame(ids)}
    thinned, _, _ = degrade_tables(tables, mess or Mess(), gaps_rng)
    untreated = 7 * np.exp(asked.log_terms).mean(axis=1) * asked.multiplier
    return Drawn(Cohort("drawn", "diary", dict(thinned), synthetic=True), np.asarray(untreated))


def _dates(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]")
