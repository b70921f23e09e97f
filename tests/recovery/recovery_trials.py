"""Trials recovered: ``python tests/recovery/recovery_trials.py --write docs/recovery.md``.

Parallel arms, crossover and n-of-1 of the simulator with its dispersion, serial dependence and gaps, with an effect and
without one: how often the intervals of the rows with a verdict cover, of the ratio and of the difference.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np
import polars as pl
import recovery_cells as recovery
import recovery_counts as counts

from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.simulate import Truth
from crampstudy.simulate.estimands.treatment_effects import treatment_effects
from crampstudy.simulate.truth.design import StudyDesign, nights_needed
from crampstudy.treatments import pairs, parallel
from crampstudy.treatments.crossover import Turns
from crampstudy.treatments.designs import TreatmentDesign, designs
from crampstudy.treatments.n_of_1 import paired_nights
from crampstudy.treatments.question import Row, TreatmentQuestion, cells_of

HEADS = ("design", "people", "log rate ratio")
ARMS = ("tens", "placebo")
DESIGNS: Mapping[str, StudyDesign] = {
    "parallel": StudyDesign("parallel", ARMS, run_in_nights=14, period_nights=28),
    "crossover": StudyDesign("crossover", ARMS, run_in_nights=7, period_nights=21, washout_nights=7),
    "n-of-1": StudyDesign("n-of-1", ARMS, run_in_nights=2, period_nights=7, washout_nights=1, pairs=4),
}
SIZES, EFFECTS = (12, 30, 250), (0.0, -0.5)
RATE = 3.0
"""Cramps a week."""
ASKED = TreatmentQuestion()
TERMS = {"rate_ratio": "rate ratio", DIFFERENCE: "cramps a week"}


def truth_of(kind: str, log_ratio: float) -> Truth:
    """Return a truth in which a treatment acts from its first night to its last, and nothing else but persons does."""
    quiet = Truth().without_effects()
    agents = tuple(
        replace(a, log_rate_ratio=log_ratio if a.column == "tens" else 0.0, onset_nights=0, carry_over_nights=0)
        for a in quiet.agents
    )
    cramps = replace(quiet.cramps, rate_per_week=RATE, near_nightly_share=0.0, season_amplitude=0.0)
    return replace(quiet, design=DESIGNS[kind], agents=agents, cramps=cramps)


def value(truth: Truth) -> float:
    """Return the true log rate ratio over a period."""
    effects = treatment_effects(truth.agents, truth.design, nights_needed(truth.design))
    return float(effects["tens"]["log_rate_ratio_over_period"])


def judged(cohort: Cohort, design: TreatmentDesign) -> tuple[list[Row], pl.Series | None]:
    """Return ratio and difference of the row with the verdict, and of whom the difference is the mean, if not of all.

    What else a design's analysis has is not asked: models of persons' levels take a hundred times as long.
    """
    if design.kind == "parallel":
        followed = parallel.Followed.of(cohort, design, ASKED)
        return list(islice(parallel.effects(cohort, design, ASKED, followed), 2)), None
    main = cells_of(cohort, design, kinds.TREATMENT_EFFECT, "", estimand="", ci_level=ASKED.ci_level)
    if design.kind == "crossover":
        turns = Turns.of(cohort, design, ASKED)
        return list(pairs.pair_rows(turns.pairs(), main, ASKED)), turns.people["participant_id"]
    nights = paired_nights(cohort, design, ASKED)
    return list(pairs.pair_rows(pairs.PairTotals.of(nights), main, ASKED)), nights["participant_id"].unique()


def found(kind: str, log_ratio: float, people: int, seed: int) -> recovery.Found:
    """Return what one cohort says of the ratio and of the difference; ``None`` without an interval or a verdict.

    In parallel arms the difference is that of all people there might be, within persons that of the participants.
    """
    truth = truth_of(kind, log_ratio)
    drawn = counts.draw(people, nights_needed(truth.design), seed, truth)
    rows, who = judged(drawn.cohort, designs(drawn.cohort)[0])
    rate = RATE if who is None else drawn.mean_of(who)
    made: dict[str, tuple[float, float, bool] | None] = dict.fromkeys(TERMS.values())
    for row in rows:
        if row["status"] != "converged" or row["verdict"] in (None, "too few") or math.isnan(row["ci_low"]):
            continue
        ratio = row["scale"] != DIFFERENCE
        right = math.exp(log_ratio) if ratio else rate * math.expm1(log_ratio)
        error = math.log(row["estimate"] / right) if ratio else row["estimate"] - right
        made[TERMS[row["scale"]]] = (error, row["std_error"], row["ci_low"] <= right <= row["ci_high"])
    return made


def cells(cohorts: int = recovery.COHORTS) -> Iterator[recovery.Cell]:
    """Yield every cell, of so many cohorts each."""
    for number, kind in enumerate(DESIGNS):
        for people in SIZES:
            for log_ratio in EFFECTS:
                rng = np.random.default_rng([18, number, people, int(-100 * log_ratio)])
                seeds = rng.integers(2**31, size=cohorts)
                results = [found(kind, log_ratio, people, int(seed)) for seed in seeds]
                yield from recovery.cells((kind, str(people), f"{log_ratio:g}"), results)


def table(cohorts: int) -> str:
    """Return the table in Markdown."""
    return recovery.table(HEADS, list(cells(cohorts)))


if __name__ == "__main__":
    sys.exit(recovery.run(__doc__, "trials", table))
