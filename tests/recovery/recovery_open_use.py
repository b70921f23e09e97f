"""Does open use come out as it was put in, and the fall after entry as the recruited preset has it?

``python tests/recovery/recovery_open_use.py --cohorts 400`` draws cohorts of the simulator, asks :func:`open_use` and
:func:`regression_to_the_mean` of each, and prints how often their intervals cover, by the rule of docs/recovery.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import stats

from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import EXPECTED, OF_FLARE, OF_SELECTION, REMAINS
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.scenario import presets
from crampstudy.treatments.designs import designs
from crampstudy.treatments.open_use import open_use
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean

NIGHTS = 40
SIZES = {250: 0.2, 40: 0.35}
"""People, and the share who would take the treatment at the reference."""
EFFECTS = {"measured, effect": -0.5, "measured, null": 0.0, "latent, null": 0.0}
"""What decides on use, and the log rate ratio. The simulator's use follows the person's own rate: where persons differ
by age and sex alone all of that is measured, and else the run-in shows it with the error of some nights."""
LATENT = "latent, null"
WEIGHTED = {"weighted": kinds.OPEN_USE, "truncated": kinds.OPEN_USE_TRUNCATED, "crude": kinds.OPEN_USE_CRUDE}
MANY = 6000
RECRUITED = 200


@dataclass(frozen=True, slots=True)
class Result:
    """The error of an estimate on its own scale of inference, its standard error, and whether its interval covers."""

    error: float
    std_error: float
    covered: bool


def truth_of(log_rate_ratio: float, share: float, person_shape: float = 1e6) -> Truth:
    """Return a truth in which age and sex act on the rate, the rate on use, and a treatment from its first night on."""
    quiet = Truth().without_effects().with_effects(age_decade=0.3, sex_female=0.6)
    cramps = replace(quiet.cramps, rate_per_week=2.0, near_nightly_share=0.0, person_shape=person_shape)
    agents = tuple(
        replace(a, share_using=share, log_rate_ratio=log_rate_ratio, onset_nights=0)
        if a.column == "tens"
        else replace(a, share_using=0.0)
        for a in quiet.agents
    )
    design = replace(quiet.design, kind="open-use", already_using=0.0, indication=1.0, use_nights=3660.0)
    return replace(quiet, cramps=cramps, agents=agents, design=design)


@cache
def weekly(log_rate_ratio: float) -> float:
    """Return the true difference in cramps a week: what many untreated people have, times the ratio less 1."""
    still = simulate(MANY, 14, 1, truth_of(0.0, 0.0), Mess.none())
    return 7 * float(still.frame("diary")["cramps"].mean()) * math.expm1(log_rate_ratio)  # type: ignore[arg-type]


def open_use_results(effect: str, people: int, seed: int) -> dict[str, Result | None]:
    """Return by weights and scale what one cohort says; ``None`` where it has no estimate."""
    log_ratio = EFFECTS[effect]
    shape = 4.0 if effect == LATENT else 1e6
    drawn = simulate(people, NIGHTS, seed, truth_of(log_ratio, SIZES[people], shape))
    rows = open_use(drawn, designs(drawn)[0])
    found: dict[str, Result | None] = {}
    for name, kind in WEIGHTED.items():
        for scale, value in (("rate_ratio", log_ratio), ("difference", weekly(log_ratio))):
            own = kind.rows(rows)
            row = next(iter(own[own["scale"] == scale].to_dict("records")), None)
            found[f"{name}, {scale.replace('_', ' ')}"] = row and _result(row, value, ratio=scale == "rate_ratio")
    return found


def recruited_results(seed: int, expected: Mapping[str, float]) -> dict[str, Result | None]:
    """Return what one recruited cohort says of the fall that was to be expected, and of what remains of it."""
    chosen = presets.preset("recruited")
    drawn = simulate(RECRUITED, chosen.nights, seed, chosen.truth, chosen.mess)
    rows = {row["level"]: row for row in regression_to_the_mean(drawn).to_dict("records")}
    return {level: _result(rows[level], value, ratio=True) for level, value in expected.items()}


def _result(row: Mapping[str, object], value: float, *, ratio: bool) -> Result | None:
    if row["status"] != "converged":
        return None
    estimate, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))  # type: ignore[arg-type]
    if ratio:
        estimate, low, high = math.log(estimate), math.log(low), math.log(high)
    return Result(estimate - value, float(row["std_error"]), low <= value <= high)  # type: ignore[arg-type]


@cache
def expected_of_recruited() -> Mapping[str, float]:
    """Return the logs of the preset's ratios: in all, of a flare if nobody is selected, and of selection beside it."""
    chosen = presets.preset("recruited")

    def fall(criterion: int) -> float:
        truth = replace(chosen.truth, recruitment=replace(chosen.truth.recruitment, minimum_cramps=criterion))
        counts = simulate(MANY, 42, 7, truth, Mess.none()).frame("diary")["cramps"].to_numpy().reshape(MANY, 42)
        return float(np.log(counts[:, 14:].mean() / counts[:, :14].mean()))

    whole, flare = fall(chosen.truth.recruitment.minimum_cramps), fall(0)
    return {OF_SELECTION: whole - flare, OF_FLARE: flare, EXPECTED: whole, REMAINS: 0.0}


def cell(name: str, drawn: list[dict[str, Result | None]]) -> list[str]:
    """Return the lines of a table: by estimate how often the interval covered, its exact test, bias and errors."""
    lines = []
    for estimate in drawn[0]:
        every = [each.get(estimate) for each in drawn]
        known = [result for result in every if result is not None]
        if len(known) < 2:
            lines.append(f"| {name} | {estimate} | – | – | – | – | {len(every) - len(known)} |")
            continue
        covered, errors = sum(result.covered for result in known), np.array([result.error for result in known])
        p = stats.binomtest(covered, len(known), 0.95).pvalue
        spread = float(errors.std(ddof=1))
        told = float(np.mean([result.std_error for result in known])) / spread
        bias = f"{errors.mean():+.3f} ({spread / math.sqrt(len(errors)):.3f})"
        missing = len(every) - len(known)
        lines.append(f"| {name} | {estimate} | {covered} of {len(known)} | {p:.3f} | {bias} | {told:.2f} | {missing} |")
    return lines


def table(cohorts: int, seed: int) -> str:
    """Return the table of all cells."""
    lines = [
        "| cohorts | estimate | covered | p | bias (its error) | SE over spread | no estimate |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    number = 0
    for effect in EFFECTS:
        for people in SIZES:
            seeds = np.random.default_rng([seed, number]).integers(2**31, size=cohorts)
            drawn = [open_use_results(effect, people, int(each)) for each in seeds]
            lines += cell(f"{effect}, {people} people", drawn)
            number += 1
    seeds = np.random.default_rng([seed, number]).integers(2**31, size=cohorts)
    recruited = [recruited_results(int(each), expected_of_recruited()) for each in seeds]
    return "\n".join([*lines, *cell(f"recruited, {RECRUITED} people", recruited)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.stdout.write(f"{table(asked.cohorts, asked.seed)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
