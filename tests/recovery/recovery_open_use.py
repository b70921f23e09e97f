"""Open use and the fall after entry: ``python tests/recovery/recovery_open_use.py --write docs/recovery.md``.

Cohorts of the simulator are asked :func:`open_use` and :func:`regression_to_the_mean`: how often intervals cover.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import recovery_cells as recovery
import recovery_counts as counts
from scipy.special import expit, logit

from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import EXPECTED, OF_FLARE, OF_SELECTION, REMAINS
from crampstudy.estimates.verdicts import too_few
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.scenario import presets
from crampstudy.treatments.designs import designs
from crampstudy.treatments.open_use import open_use
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean

HEADS = ("use", "people", "log rate ratio")
NIGHTS, RUN_IN = 40, 14
EFFECTS = (0.0, -0.5)
MEASURED, PAST, LATENT = "measured", "past cramps", "latent"
SIZES = {"40": (40, 0.35), "100": (100, 0.2), "250": (250, 0.2), "250, few treated": (250, 0.02)}
"""People, and the share who take the treatment at the reference."""
LAWS = {
    MEASURED: [(size, effect) for size in SIZES for effect in EFFECTS],
    PAST: [(size, effect) for size in SIZES for effect in EFFECTS],
    LATENT: [("40", 0.0), ("250", 0.0)],
}
"""What decides on use, with sizes and log rate ratios. The simulator's use follows the person's own rate: where persons
differ by age and sex alone all of that is measured, and else the run-in shows it with the error of some nights. Use by
what was logged before is a law of its own (:func:`of_past`)."""
WEIGHTED = {"weighted": kinds.OPEN_USE, "truncated": kinds.OPEN_USE_TRUNCATED, "crude": kinds.OPEN_USE_CRUDE}
START = date(2024, 3, 1)
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


RATE, BY_AGE, BY_SEX = 2.0, 0.2, 0.3
"""Of use by what was logged: cramps a week of a man of 60, and log rate ratios of a decade and of women."""


def of_past(people: int, seed: int, log_rate_ratio: float, share: float) -> Cohort:
    """Draw people who begin a treatment after a fortnight by their age, and by how many cramps they logged until then.

    Persons are gamma of shape 1 and nights of shape 1, so that a few have most of the cramps; one night in seven is
    not logged.
    """
    rng = np.random.default_rng(seed)
    age, female = rng.uniform(20, 90, people).round(), rng.random(people) < 0.5
    eta = BY_AGE * (age - 60) / 10 + BY_SEX * female
    rate = RATE / 7 * np.exp(eta) * rng.gamma(1.0, 1.0, people)
    nightly = rate[:, None] * rng.gamma(1.0, 1.0, (people, NIGHTS))
    logged = rng.random((people, NIGHTS)) > 1 / 7
    # All begin on one night, which is that of time zero.
    logged[:, 0] = True
    before = rng.poisson(nightly[:, :RUN_IN])
    own = logged[:, :RUN_IN]
    seen = np.log(((before * own).sum(axis=1) + 0.5) / own.sum(axis=1))
    lean = logit(share) + 0.5 * (seen - math.log(RATE / 7)) + 0.15 * (age - 55) / 10
    treated = rng.random(people) < expit(lean)
    after = rng.poisson(nightly[:, RUN_IN:] * np.exp(log_rate_ratio * treated)[:, None])
    ids = pl.Series("participant_id", [f"P{i:04}" for i in range(people)])
    nights = pl.date_range(START, START + timedelta(days=NIGHTS - 1), eager=True)
    diary = pl.DataFrame(
        {
            "participant_id": ids.gather(np.repeat(np.arange(people), NIGHTS)),
            "date": pl.concat([nights] * people),
            "entry_made": True,
            "cramps": np.hstack([before, after]).ravel(),
        }
    ).filter(pl.Series(logged.ravel()))
    who = pl.DataFrame({"participant_id": ids, "age_years": age, "sex": np.where(female, "female", "male")})
    periods = pl.DataFrame(
        {"participant_id": ids.filter(pl.Series(treated)), "agent": "tens", "start": START + timedelta(days=RUN_IN)}
    )
    tables = {"participants": who, "diary": diary, "treatments": periods}
    return Cohort("drawn", "diary", tables, synthetic=True)


def weekly_of_past(log_rate_ratio: float) -> float:
    """Return the true difference in cramps a week where use follows what was logged."""
    by_age = (math.exp(3 * BY_AGE) - math.exp(-4 * BY_AGE)) / (7 * BY_AGE)
    return RATE * by_age * (1 + math.exp(BY_SEX)) / 2 * math.expm1(log_rate_ratio)


def of_open_use(law: str, size: str, log_ratio: float, seed: int) -> recovery.Found:
    """Return by weights and scale what one cohort says; ``None`` where it says that there are too few."""
    people, share = SIZES[size]
    if law == PAST:
        cohort, difference = of_past(people, seed, log_ratio, share), weekly_of_past(log_ratio)
    else:
        truth = truth_of(log_ratio, share, 4.0 if law == LATENT else 1e6)
        cohort, difference = counts.draw(people, NIGHTS, seed, truth).cohort, weekly(log_ratio)
    found = designs(cohort)
    rows = open_use(cohort, found[0]) if found else None
    made: dict[str, _Result] = {}
    for name, kind in WEIGHTED.items():
        for scale, value in (("rate_ratio", log_ratio), ("difference", difference)):
            term = f"{name}, {scale.replace('_', ' ')}"
            own = None if rows is None else kind.rows(rows)
            row = None if own is None else next(iter(own[own["scale"] == scale].to_dict("records")), None)
            made[term] = row and _result(row, value, ratio=scale == "rate_ratio")
    return made


def of_recruited(seed: int) -> recovery.Found:
    """Return what one recruited cohort says of the fall that was to be expected, and of what remains of it."""
    chosen = presets.preset("recruited")
    cohort = counts.draw(RECRUITED, chosen.nights, seed, chosen.truth, chosen.mess).cohort
    rows = {row["level"]: row for row in regression_to_the_mean(cohort).to_dict("records")}
    return {level: _result(rows[level], value, ratio=True) for level, value in expected_of_recruited().items()}


def _result(row: Mapping[str, object], value: float, *, ratio: bool) -> _Result:
    if row["status"] != "converged" or too_few(row):
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
    for number, (law, places) in enumerate(LAWS.items()):
        for size, log_ratio in places:
            rng = np.random.default_rng([1, number, list(SIZES).index(size), int(-100 * log_ratio)])
            seeds = rng.integers(2**31, size=cohorts)
            # Without weights nothing is meant to cover.
            results = [_weighted(of_open_use(law, size, log_ratio, int(each))) for each in seeds]
            yield from recovery.cells((law, size, f"{log_ratio:g}"), results)
    seeds = np.random.default_rng([1, len(LAWS)]).integers(2**31, size=cohorts)
    yield from recovery.cells(("recruited", str(RECRUITED), "–"), [of_recruited(int(each)) for each in seeds])


def _weighted(found: recovery.Found) -> recovery.Found:
    return {term: one for term, one in found.items() if not term.startswith("crude")}


def table(cohorts: int) -> str:
    """Return the table in Markdown."""
    return recovery.table(HEADS, list(cells(cohorts)))


if __name__ == "__main__":
    sys.exit(recovery.run(__doc__, "open use", table))
