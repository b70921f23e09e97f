"""Parallel arms: a negative binomial model of the nights from time zero on, with the arm and the rate of the run-in.

Treatment policy: who stopped, or took something besides, stays in the arm. The difference in cramps a week is the mean
over all compared participants of what the model expects with the treatment less with the comparator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.nights import Diary, beside, observed_nights
from crampstudy.readable import OneLine
from crampstudy.treatments.designs import UNTREATED, TreatmentDesign
from crampstudy.treatments.period_nights import BUILDING_UP, TREATED, in_periods
from crampstudy.treatments.question import (
    GIVEN,
    POLICY,
    RUN_IN,
    Row,
    TreatmentQuestion,
    arm,
    cells_of,
    effect,
    nothing,
    of_term,
    of_those,
    rates_of,
    set_apart,
    taken,
    weekly,
    weekly_difference,
    without_cramp,
    without_offset,
    without_ratio,
)
from crampstudy.treatments.time_zero import TimeZero, time_zero
from crampstudy.wording import counted

MODEL = "negative-binomial"
PRIMARY, TOTALS, ON_TREATMENT = "parallel arms", "person totals", "while on treatment"
NIGHTS = "nights_counted"


@dataclass(frozen=True, slots=True, repr=False)
class Followed(OneLine):
    """Whom a design compares, with their nights from time zero on.

    ``people``: participant_id, ``treated``, ``run_in_log_rate``. ``nights``: participant_id, date, cramps, and ``on``,
    whether the night is one of what the participant was to take. ``zero``: participant_id, time_zero; ``said`` is how
    it was found, and ``notes`` say who and what was left out. ``compared`` are the people before nights were set apart
    as it was ``asked``.
    """

    people: pl.DataFrame = field(repr=False)
    nights: pl.DataFrame = field(repr=False)
    zero: pl.DataFrame = field(repr=False)
    said: str
    notes: tuple[str, ...]
    compared: pl.DataFrame = field(repr=False)
    asked: TreatmentQuestion

    @classmethod
    def of(
        cls, cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion, zero: TimeZero | None = None
    ) -> Followed:
        """Follow the participants of a design from their time zero on, which is found where it is not given."""
        zero = zero or time_zero(cohort, design, run_in=asked.run_in)
        people = zero.compared.select(
            "participant_id", "time_zero", "arm", RUN_IN, (pl.col("arm") == design.agent).alias(GIVEN)
        )
        logged = observed_nights(cohort)
        first = pl.col("time_zero") + pl.duration(days=asked.build_up)
        nights = beside(logged, people).filter(pl.col("date") >= pl.col("time_zero"))
        kept = nights.filter(pl.col("date") >= first)
        periods = in_periods(kept, design.periods).select("participant_id", "date", "state", "agent")
        on = (pl.col("arm") == UNTREATED) | (
            pl.col("state").is_in([TREATED, BUILDING_UP]) & (pl.col("agent") == pl.col("arm"))
        )
        kept = kept.join(periods, on=["participant_id", "date"], how="left", maintain_order="left").select(
            "participant_id", "date", "cramps", on=on.fill_null(value=False)
        )
        reasons = zero.people["left_out"].drop_nulls().value_counts(sort=True).rows()
        left_out = [f"{counted(n, 'participants')} left out: {reason}" for reason, n in reasons]
        apart = set_apart(nights.height - kept.height, "build-up")
        seen = people.join(kept, on="participant_id", how="semi").sort("participant_id")
        when = seen.select("participant_id", "time_zero")
        own, notes = seen.select("participant_id", GIVEN, RUN_IN), (*left_out, apart)
        return cls(own, kept, when, zero.said, notes, people, asked)

    def diary(self, cohort: Cohort, nights: pl.DataFrame) -> Diary:
        """Return nights as a diary of the participants."""
        return Diary(cohort.name, self.people, nights.lazy())

    def too_few(self, design: TreatmentDesign) -> str | None:
        """Return why an arm has too few participants for an estimate, ``None`` where both have enough."""
        for given, name in ((True, design.agent), (False, design.against)):
            n = self.people.filter(pl.col(GIVEN) == given).height
            if n < FEWEST_EXPOSED:
                every = self.compared.filter(pl.col(GIVEN) == given).height
                having = f"with {arm(name)} and nights on both sides of time zero"
                return of_those(n, having, self.asked, every)
        return None

    def rates(self, design: TreatmentDesign) -> dict[str, tuple[int, float]]:
        """Return the cramps and the nights of each arm from time zero on, by its name, that of the agent first."""
        return rates_of(self.nights.join(self.people, on="participant_id"), design)


def parallel(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion | None = None) -> list[Row]:
    """Return the effect of an agent in parallel arms as a ratio and in cramps a week, and its sensitivities."""
    asked = asked or TreatmentQuestion()
    return list(effects(cohort, design, asked, Followed.of(cohort, design, asked)))


def effects(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion, followed: Followed) -> Iterator[Row]:
    """Yield the rows of :func:`parallel` of participants who are followed already."""
    main = cells_of(cohort, design, kinds.TREATMENT_EFFECT, PRIMARY, ci_level=asked.ci_level)
    main |= {"estimand": f"{effect(design)}: {POLICY}", "adjusted_for": "run-in"}
    if reason := followed.too_few(design):
        yield nothing(main, reason, exposed=int(followed.people[GIVEN].sum()))
        return
    rates = followed.rates(design)
    if without_cramp(rates):
        yield from without_ratio(main, rates, followed.people.height, int(followed.people[GIVEN].sum()))
        return
    # Where all had the same run-in there is nothing to hold equal.
    varies = followed.people[RUN_IN].n_unique() > 1
    main |= {} if varies else {"adjusted_for": None}
    terms = f"{GIVEN} + {RUN_IN}" if varies else GIVEN
    nights = followed.nights.drop("on")
    shared: dict[str, Any] = {"model": MODEL, "adjusted_for": (RUN_IN,), "ci_level": asked.ci_level}
    fitted = fit(followed.diary(cohort, nights), terms=terms, **shared)
    first = of_term(fitted, GIVEN)
    from_zero = main | {"facts": {"time zero": followed.said}}
    yield taken(first, from_zero, followed.said, *followed.notes, judged=asked.margins)
    held = from_zero if RUN_IN not in fitted.left_out else from_zero | {"adjusted_for": None}
    yield _difference(fitted, first, held, followed, asked)
    other = main | {"analysis": kinds.TREATMENT_EFFECT_OTHERWISE.name}
    totals = nights.group_by("participant_id", maintain_order=True).agg(
        pl.col("date").min(), pl.col("cramps").sum(), pl.len().cast(pl.Float64).alias(NIGHTS)
    )
    of_totals = fit(followed.diary(cohort, totals), terms=f"{terms} + offset(log({NIGHTS}))", **shared)
    one_each = without_offset(of_term(of_totals, GIVEN)) | {"n_nights": nights.height}
    yield taken(one_each, other | {"level": TOTALS}, "one count a person")
    on = followed.nights.filter("on").drop("on")
    still = followed.people.join(on, on="participant_id", how="semi")
    own = replace(followed, people=still, nights=on, compared=still)
    cells = other | {"level": ON_TREATMENT, "estimand": f"{effect(design)}: nights up to the end of what was allocated"}
    if reason := own.too_few(design):
        yield nothing(cells, reason)
        return
    if reason := without_cramp(own.rates(design)):
        yield nothing(cells, reason)
        return
    while_on = fit(own.diary(cohort, on), terms=terms, **shared)
    stopped = followed.nights.height - on.height
    yield taken(of_term(while_on, GIVEN), cells, set_apart(stopped, "no treatment"))


def _difference(fitted: Fit, first: Row, main: Row, followed: Followed, asked: TreatmentQuestion) -> Row:
    """Return the standardised difference in cramps a week, with its delta-method interval."""
    run_in = np.asarray(followed.people[RUN_IN], dtype=np.float64)
    run_in = run_in[:, None] if main["adjusted_for"] else np.empty((len(run_in), 0))

    def over_all(beta: Array, covariance: Array) -> tuple[float, float]:
        return standardised(beta, covariance, run_in)

    if not main["adjusted_for"]:
        return weekly(fitted, first, main, asked, over_all, followed.said, *followed.notes)
    cells = main | {"estimand": f"{main['estimand']}, standardised to the run-in of all compared participants"}
    return weekly(fitted, first, cells, asked, over_all, followed.said, *followed.notes)


def standardised(beta: Array, covariance: Array, run_in: Array) -> tuple[float, float]:
    """Return the mean difference of the expected cramps a week over all participants, and its delta-method error.

    ``beta`` (2 + k) and its ``covariance`` are of the intercept, the treatment and the columns of ``run_in`` (n x k):
    the log rate of the run-in, or none.
    """
    n = len(run_in)
    designs = [np.column_stack([np.ones(n), np.full(n, treated), run_in]) for treated in (1.0, 0.0)]
    return weekly_difference(designs, beta, covariance)
