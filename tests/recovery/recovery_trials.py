"""Do trials come out as they were put in? Parallel arms, crossover and n-of-1, with an effect and without one.

``python tests/recovery/recovery_trials.py --cohorts 400`` draws cohorts of the simulator with its dispersion, serial
dependence and gaps, which end with the last period, and prints how often the intervals of ratio and difference cover,
by the rule of docs/recovery.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import stats

from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands.treatment_effects import treatment_effects
from crampstudy.simulate.truth.design import StudyDesign, nights_needed
from crampstudy.treatments import crossover, n_of_1, parallel
from crampstudy.treatments.designs import designs
from crampstudy.treatments.trials import trial_effect

ARMS = ("tens", "placebo")
DESIGNS: Mapping[str, StudyDesign] = {
    "parallel": StudyDesign("parallel", ARMS, run_in_nights=14, period_nights=28),
    "crossover": StudyDesign("crossover", ARMS, run_in_nights=7, period_nights=21, washout_nights=7),
    "n-of-1": StudyDesign("n-of-1", ARMS, run_in_nights=2, period_nights=7, washout_nights=1, pairs=4),
}
LEVEL = {"parallel": parallel.PRIMARY, "crossover": crossover.CLUSTER, "n-of-1": n_of_1.POOLED}
"""The row with the verdict."""
LEVELS: Mapping[str, tuple[str, ...]] = {
    "parallel": (parallel.PRIMARY, parallel.TOTALS),
    "crossover": (crossover.PRIMARY, crossover.CLUSTER, crossover.CONDITIONAL),
    "n-of-1": (n_of_1.POOLED,),
}
SIZES, EFFECTS = (30, 250), (0.0, -0.5)
MANY = 6000


@dataclass(frozen=True, slots=True)
class Cell:
    """How many of so many ``cohorts`` with an estimate have an interval that covers, and the mean ``error``."""

    level: str
    scale: str
    cohorts: int
    covered: int
    error: float

    @property
    def p_value(self) -> float:
        """Of the exact binomial test that 95 % cover."""
        return float(stats.binomtest(self.covered, self.cohorts, 0.95).pvalue) if self.cohorts else math.nan


def truth_of(kind: str, log_ratio: float) -> Truth:
    """Return a truth in which a treatment acts from its first night to its last, and nothing else but persons does."""
    quiet = Truth().without_effects()
    agents = tuple(
        replace(a, log_rate_ratio=log_ratio if a.column == "tens" else 0.0, onset_nights=0, carry_over_nights=0)
        for a in quiet.agents
    )
    cramps = replace(quiet.cramps, rate_per_week=3.0, near_nightly_share=0.0, season_amplitude=0.0)
    return replace(quiet, design=DESIGNS[kind], agents=agents, cramps=cramps)


def value(truth: Truth) -> float:
    """Return the true log rate ratio over a period."""
    effects = treatment_effects(truth.agents, truth.design, nights_needed(truth.design))
    return float(effects["tens"]["log_rate_ratio_over_period"])


@cache
def weekly(kind: str, log_ratio: float) -> float:
    """Return the true difference in cramps a week: what many people have without treatment, times the ratio less 1."""
    still = simulate(MANY, nights_needed(DESIGNS[kind]), 1, truth_of(kind, 0.0), Mess.none()).frame("diary")["cramps"]
    return 7 * float(still.mean()) * math.expm1(log_ratio)  # type: ignore[arg-type]


def cells(kind: str, log_ratio: float, people: int, cohorts: int, seed: int = 18) -> list[Cell]:
    """Draw cohorts, and count of each analysis how many intervals cover."""
    truth = truth_of(kind, log_ratio)
    asked = [(level, "rate_ratio") for level in LEVELS[kind]] + [(LEVELS[kind][0], "difference")]
    errors: dict[tuple[str, str], list[float]] = {each: [] for each in asked}
    covered = dict.fromkeys(asked, 0)
    for rng in np.random.default_rng([seed, people, int(-100 * log_ratio), len(kind)]).spawn(cohorts):
        drawn = simulate(people, nights_needed(truth.design), int(rng.integers(2**31)), truth)
        for row in trial_effect(drawn, designs(drawn)[0]):
            key = str(row["level"]), str(row["scale"])
            if key not in errors or row["status"] != "converged" or math.isnan(row["ci_low"]):
                continue
            ratio = key[1] == "rate_ratio"
            right = math.exp(log_ratio) if ratio else weekly(kind, log_ratio)
            errors[key].append(math.log(row["estimate"] / right) if ratio else row["estimate"] - right)
            covered[key] += row["ci_low"] <= right <= row["ci_high"]
    return [Cell(*key, len(errors[key]), covered[key], float(np.mean(errors[key]))) for key in asked]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=400)
    asked = parser.parse_args()
    print("| design | people | log rate ratio | analysis | scale | cohorts | covered | bias | p |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    for kind in DESIGNS:
        for people in SIZES:
            for log_ratio in EFFECTS:
                for cell in cells(kind, log_ratio, people, asked.cohorts):
                    share = cell.covered / cell.cohorts if cell.cohorts else math.nan
                    print(  # noqa: T201
                        f"| {kind} | {people} | {log_ratio:g} | {cell.level} | {cell.scale} | {cell.cohorts} | "
                        f"{share:.3f} | {cell.error:+.3f} | {cell.p_value:.3f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
