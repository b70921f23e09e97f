"""Open use and the fall after entry: ``python tests/recovery/recovery_open_use.py --write docs/recovery.md``.

Cohorts are asked for weighted rates and :func:`regression_to_the_mean`: how often intervals cover.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import recovery_cells as recovery
import recovery_counts as counts
from scipy.special import expit, logit

from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.estimates.treatments import EXPECTED, OF_FLARE, OF_SELECTION, REMAINS, RUN_IN_RATE
from crampstudy.estimates.verdicts import FEWEST_DF, FEWEST_EXPOSED
from crampstudy.models.inference.covariance import quantile
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.scenario import presets
from crampstudy.treatments.designs import UNTREATED, designs
from crampstudy.treatments.open_use.deletion import deleted, without_each, without_each_crude
from crampstudy.treatments.open_use.propensity import FIRST, Covariates
from crampstudy.treatments.open_use.weights import FollowUp, Propensity, crude_rates, difference, weighted_rates
from crampstudy.treatments.open_use.weights import log_ratio as log_ratio_of
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean
from crampstudy.treatments.time_zero import time_zero

HEADS = ("use", "people", "log rate ratio")
NIGHTS, RUN_IN = 40, 14
EFFECTS = (0.0, -0.5)
MEASURED, PAST, LATENT = "measured", "past cramps", "latent"
SIZES = {"40": (40, 0.35), "100": (100, 0.2), "250": (250, 0.2), "250, few treated": (250, 0.04)}
"""People, and the share who take the treatment at the reference."""
LAWS = {
    MEASURED: [(size, effect) for size in SIZES for effect in EFFECTS],
    PAST: [(size, effect) for size in SIZES for effect in EFFECTS],
    LATENT: [("40", 0.0), ("250", 0.0)],
}
"""What decides on use, with sizes and log rate ratios. The simulator's use follows the person's own rate: where persons
differ by age and sex alone all of that is measured, and else the run-in shows it with the error of some nights. Use by
what was logged before is a law of its own (:func:`of_past`)."""
PEOPLE_AT_ONCE = 20_000
MANY = 6000
RECRUITED = 200
WEIGHTS = ("weighted", "truncated", "crude")
_Result = tuple[float, float, bool] | None
_Numbers = tuple[pl.DataFrame, FollowUp]


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


def by_choice(law: str, size: str, log_ratio: float, cohorts: int, seed: int) -> Iterator[_Numbers]:
    """Yield cohorts in which use follows a law, as numbers: a tenth of the time of tables.

    Of the simulator many people are drawn at once, who have nothing to do with one another, and put into cohorts; the
    untreated wait as long as the median of all treated who were drawn.
    """
    people, share = SIZES[size]
    rng = np.random.default_rng([seed, *map(ord, law[:1]), list(SIZES).index(size), int(-100 * log_ratio)])
    if law == PAST:
        yield from (of_past(people, rng, log_ratio, share) for _ in range(cohorts))
        return
    truth = truth_of(log_ratio, share, 4.0 if law == LATENT else 1e6)
    while cohorts:
        now = min(cohorts, PEOPLE_AT_ONCE // people)
        drawn = counts.draw(now * people, NIGHTS, int(rng.integers(2**31)), truth).cohort
        # Cohorts are made of people, and not of those who can be compared.
        place = drawn.frame("participants").select("participant_id", "age_years", "sex").with_row_index("of")
        yield from _apart(drawn, place.with_columns(pl.col("of") // people))
        cohorts -= now


def _apart(cohort: Cohort, place: pl.DataFrame) -> Iterator[_Numbers]:
    """Yield those who can be compared, by the cohort that they are ``of``."""
    zero = time_zero(cohort, designs(cohort)[0]).compared
    after = (
        cohort.frame("diary")
        .drop_nulls("cramps")
        .join(zero.select("participant_id", "time_zero"), on="participant_id")
        .filter(pl.col("date") >= pl.col("time_zero"))
        .group_by("participant_id")
        .agg(pl.col("cramps").sum())
    )
    people = place.join(zero, on="participant_id").join(after, on="participant_id").sort("of", "participant_id")
    for own in people.partition_by("of", maintain_order=True):
        cramps, nights = (own[name].cast(pl.Float64).to_numpy() for name in ("cramps", "nights"))
        yield own.select(FIRST), FollowUp((own["arm"] != UNTREATED).to_numpy(), cramps, nights)


def of_past(people: int, rng: np.random.Generator, log_rate_ratio: float, share: float) -> _Numbers:
    """Draw people who begin a treatment after a fortnight by their age, and by how many cramps they logged until then.

    Persons are gamma of shape 1 and nights of shape 1, so that a few have most of the cramps; one night in seven is
    not logged.
    """
    age, female = rng.uniform(20, 90, people), rng.random(people) < 0.5
    eta = BY_AGE * (age - 60) / 10 + BY_SEX * female
    rate = RATE / 7 * np.exp(eta) * rng.gamma(1.0, 1.0, people)

    def logged(nights: int, rates: Array) -> tuple[Array, Array]:
        seen = 1.0 + rng.binomial(nights - 1, 6 / 7, people)
        return rng.poisson(rates * rng.gamma(seen, 1.0)).astype(np.float64), seen

    cramps, nights = logged(RUN_IN, rate)
    before = np.log((cramps + 0.5) / nights)
    lean = logit(share) + 0.5 * (before - math.log(RATE / 7)) + 0.15 * (age - 55) / 10
    treated = rng.random(people) < expit(lean)
    who = pl.DataFrame({"age_years": age, "sex": np.where(female, "female", "male"), RUN_IN_RATE: before})
    return who, FollowUp(treated, *logged(NIGHTS - RUN_IN, rate * np.exp(log_rate_ratio * treated)))


def weekly_of_past(log_rate_ratio: float) -> float:
    """Return the true difference in cramps a week where use follows what was logged."""
    by_age = (math.exp(3 * BY_AGE) - math.exp(-4 * BY_AGE)) / (7 * BY_AGE)
    return RATE * by_age * (1 + math.exp(BY_SEX)) / 2 * math.expm1(log_rate_ratio)


def of_open_use(who: pl.DataFrame, of: FollowUp, log_ratio: float, weekly: float) -> recovery.Found:
    """Return by weights and scale what a cohort says.

    Args:
        who: the covariates of its people.
        of: what followed.
        log_ratio: the true log rate ratio.
        weekly: the true difference in cramps a week.

    Returns:
        The results, ``None`` where there are too few for a verdict.
    """
    made: dict[str, _Result] = {f"{name}, {scale}": None for name in WEIGHTS for scale in ("rate ratio", "difference")}
    few = min(of.treated.sum(), (~of.treated).sum()) < FEWEST_EXPOSED
    if few or not of.cramps[of.treated].sum() or not of.cramps[~of.treated].sum():
        return made
    fitted = Propensity.of(Covariates.of(who, FIRST).matrix, of.treated)
    if fitted.problem:
        return made
    gone = deleted(fitted, of.treated)
    rates = {
        "weighted": without_each(weighted_rates(of, fitted), of, fitted, gone),
        "truncated": without_each(weighted_rates(of, fitted, truncate=True), of, fitted, gone, truncate=True),
        "crude": without_each_crude(crude_rates(of), of),
    }
    for name, each in rates.items():
        for scale, found, value in (
            ("rate ratio", log_ratio_of(each, of.treated), log_ratio),
            ("difference", difference(each, of.treated), weekly),
        ):
            if found.problem is None and found.df >= FEWEST_DF:
                error, reach = found.value - value, quantile(0.95, found.df) * found.std_error
                made[f"{name}, {scale}"] = (error, found.std_error, abs(error) <= reach)
    return made


def of_recruited(seed: int) -> recovery.Found:
    """Return what one recruited cohort says of the fall that was to be expected, and of what remains of it."""
    chosen = presets.preset("recruited")
    cohort = counts.draw(RECRUITED, chosen.nights, seed, chosen.truth, chosen.mess).cohort
    rows = {row["level"]: row for row in regression_to_the_mean(cohort).to_dict("records")}
    return {level: _result(rows[level], value) for level, value in expected_of_recruited().items()}


def _result(row: Mapping[str, object], value: float) -> _Result:
    if row["status"] != "converged":
        return None
    shown = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))  # type: ignore[arg-type]
    estimate, low, high = map(math.log, shown)
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
    for law, places in LAWS.items():
        for size, log_ratio in places:
            right = (weekly_of_past if law == PAST else weekly)(log_ratio)
            # Without weights nothing is meant to cover.
            results = [
                _weighted(of_open_use(*each, log_ratio, right)) for each in by_choice(law, size, log_ratio, cohorts, 1)
            ]
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
