"""Open use and the fall after entry: ``python tests/recovery/recovery_open_use.py --write docs/recovery.md``.

Cohorts of the simulator are asked :func:`open_use` and :func:`regression_to_the_mean`: how often intervals cover.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import recovery_cells as recovery
import recovery_counts as counts

from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import EXPECTED, OF_FLARE, OF_SELECTION, REMAINS
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.scenario import presets
from crampstudy.treatments.designs import designs
from crampstudy.treatments.open_use import open_use
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean

HEADS = ("use", "people")
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
_Result = tuple[float, float, bool] | None


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
    """Return the true difference in cramps a week: what many people have without treatment, times the ratio less 1."""
    many = counts.draw(MANY, 14, 1, truth_of(0.0, 0.0), Mess.none())
    return float(many.per_week.mean()) * math.expm1(log_rate_ratio)


def of_open_use(effect: str, people: int, seed: int) -> recovery.Found:
    """Return by weights and scale what one cohort says; ``None`` where it has no estimate."""
    log_ratio = EFFECTS[effect]
    shape = 4.0 if effect == LATENT else 1e6
    cohort = counts.draw(people, NIGHTS, seed, truth_of(log_ratio, SIZES[people], shape)).cohort
    rows = open_use(cohort, designs(cohort)[0])
    made: dict[str, _Result] = {}
    for name, kind in WEIGHTED.items():
        for scale, value in (("rate_ratio", log_ratio), ("difference", weekly(log_ratio))):
            own = kind.rows(rows)
            row = next(iter(own[own["scale"] == scale].to_dict("records")), None)
            made[f"{name}, {scale.replace('_', ' ')}"] = row and _result(row, value, ratio=scale == "rate_ratio")
    return made


def of_recruited(seed: int) -> recovery.Found:
    """Return what one recruited cohort says of the fall that was to be expected, and of what remains of it."""
    chosen = presets.preset("recruited")
    cohort = counts.draw(RECRUITED, chosen.nights, seed, chosen.truth, chosen.mess).cohort
    rows = {row["level"]: row for row in regression_to_the_mean(cohort).to_dict("records")}
    return {level: _result(rows[level], value, ratio=True) for level, value in expected_of_recruited().items()}


def _result(row: Mapping[str, object], value: float, *, ratio: bool) -> _Result:
    if row["status"] != "converged":
        return None
    estimate, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))  # type: ignore[arg-type]
    if ratio:
        estimate, low, high = math.log(estimate), math.log(low), math.log(high)
    return estimate - value, float(row["std_error"]), low <= value <= high  # type: ignore[arg-type]


@cache
def expected_of_recruited() -> Mapping[str, float]:
    """Return the logs of the preset's ratios: in all, of a flare if nobody is selected, and of selection beside it."""
    chosen = presets.preset("recruited")

    def fall(criterion: int) -> float:
        truth = replace(chosen.truth, recruitment=replace(chosen.truth.recruitment, minimum_cramps=criterion))
        drawn = counts.draw(MANY, 42, 7, truth, Mess.none()).cohort
        nights = drawn.frame("diary")["cramps"].to_numpy().reshape(MANY, 42)
        return float(np.log(nights[:, 14:].mean() / nights[:, :14].mean()))

    whole, flare = fall(chosen.truth.recruitment.minimum_cramps), fall(0)
    return {OF_SELECTION: whole - flare, OF_FLARE: flare, EXPECTED: whole, REMAINS: 0.0}


def cells(cohorts: int = recovery.COHORTS) -> Iterator[recovery.Cell]:
    """Yield every cell, of so many cohorts each."""
    for number, effect in enumerate(EFFECTS):
        for people in SIZES:
            seeds = np.random.default_rng([1, number, people]).integers(2**31, size=cohorts)
            # Without weights nothing is meant to cover.
            results = [_weighted(of_open_use(effect, people, int(each))) for each in seeds]
            yield from recovery.cells((effect, str(people)), results)
    seeds = np.random.default_rng([1, len(EFFECTS)]).integers(2**31, size=cohorts)
    yield from recovery.cells(("recruited", str(RECRUITED)), [of_recruited(int(each)) for each in seeds])


def _weighted(found: recovery.Found) -> recovery.Found:
    return {term: one for term, one in found.items() if not term.startswith("crude")}


def table(cohorts: int) -> str:
    """Return the table in Markdown."""
    return recovery.table(HEADS, list(cells(cohorts)))


if __name__ == "__main__":
    sys.exit(recovery.run(__doc__, "open use", table))
