"""Crossover: treatment and period in a random-intercept model of the nights in periods, each person its own control.

The sequence test never selects the analysis: what one period leaves to the next is shown as a sensitivity alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from crampstudy import estimates
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies import person_fit
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.inference.covariance import degrees_of_freedom
from crampstudy.nights import Diary
from crampstudy.readable import OneLine
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.period_nights import BUILDING_UP, SEVERAL, WASHING_OUT, period_nights
from crampstudy.treatments.question import (
    Row,
    TreatmentQuestion,
    arm,
    cells_of,
    effect,
    interval,
    nothing,
    of_few,
    of_term,
    set_apart,
    taken,
    weekly,
    weekly_difference,
)
from crampstudy.wording import counted

MODEL = "mixed-poisson"
GIVEN, PERIOD, SEQUENCE = "treated", "period_rank", "treated_first"
PRIMARY, CLUSTER, CONDITIONAL, CARRY_OVER = (
    "crossover",
    "cluster-robust",
    "persons as fixed effects",
    "sequence (carry-over)",
)
_ESTIMAND = (
    "nights of each period as it was allocated, of the same participants; washout and run-in are no part, and what was "
    "taken besides is (treatment policy within periods)"
)


@dataclass(frozen=True, slots=True, repr=False)
class Turns(OneLine):
    """The nights in periods of a design's two agents.

    ``nights``: participant_id, date, cramps, ``treated``, ``period_rank`` (text, from 1), ``treated_first``. ``people``
    have nights under both; ``notes`` say what was left out.
    """

    people: pl.DataFrame = field(repr=False)
    nights: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...]

    @classmethod
    def of(cls, cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion) -> Turns:
        """Join the logged nights of a design to its periods."""
        found = period_nights(cohort, design.periods, build_up=asked.build_up, washout=asked.washout)
        first = design.arms.select("participant_id", (pl.col("arm") == design.agent).alias(SEQUENCE))
        pair = [design.agent, design.against]
        nights = (
            found.treated.filter(pl.col("agent").is_in(pair))
            .join(first, on="participant_id")
            .select(
                "participant_id",
                "date",
                "cramps",
                SEQUENCE,
                (pl.col("agent") == design.agent).alias(GIVEN),
                pl.col("period").cast(pl.String).alias(PERIOD),
            )
        )
        both = nights.group_by("participant_id").agg(pl.col(GIVEN).n_unique().alias("n")).filter(pl.col("n") == 2)
        one = nights["participant_id"].n_unique() - both.height
        notes = (
            *(set_apart(found.count(state), why) for state, why in _APART),
            f"{counted(one, 'participants')} logged nights of one of the two alone" if one else "",
        )
        return cls(both.select("participant_id").sort("participant_id"), nights, notes)

    def diary(self, cohort: Cohort) -> Diary:
        """Return the nights as a diary."""
        people = self.nights.select("participant_id").unique().sort("participant_id")
        return Diary(cohort.name, people, self.nights.lazy())

    def periods(self) -> int:
        """Return in how many periods there are nights."""
        return self.nights[PERIOD].n_unique()


_APART = ((BUILDING_UP, "build-up"), (WASHING_OUT, "washout"), (SEVERAL, "several periods at once"))


def crossover(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion | None = None) -> list[Row]:
    """Return the effect of an agent in a crossover as a ratio and in cramps a week, and its sensitivities."""
    asked = asked or TreatmentQuestion()
    return list(_effects(cohort, design, asked, Turns.of(cohort, design, asked)))


def _effects(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion, turns: Turns) -> Iterator[Row]:
    main = cells_of(cohort, design, kinds.TREATMENT_EFFECT, PRIMARY, ci_level=asked.ci_level)
    main |= {"estimand": f"{effect(design)}: {_ESTIMAND}", "adjusted_for": "period, participant"}
    if turns.people.height < FEWEST_EXPOSED:
        both = f"{arm(design.agent)} and of {arm(design.against)}"
        reason = f"{counted(turns.people.height, 'participants')} with nights of {both}: too few"
        yield nothing(main, reason, exposed=turns.people.height)
        return
    diary = turns.diary(cohort)
    terms = f"{GIVEN} + {PERIOD}" if turns.periods() > 1 else GIVEN
    by_model = fit(diary, model=MODEL, terms=terms, covariance="model", ci_level=asked.ci_level)
    yield taken(of_term(by_model, GIVEN), main, *turns.notes, _BY_MODEL)
    robust = fit(diary, model=MODEL, terms=terms, ci_level=asked.ci_level)
    other = main | {"analysis": kinds.TREATMENT_EFFECT_OTHERWISE.name}
    yield difference_of(robust, of_term(robust, GIVEN), main, asked, "all participants and periods")
    few = of_few(turns.people.height)
    yield taken(of_term(robust, GIVEN), other | {"level": CLUSTER}, few, judged=asked.margins)
    yield conditional(turns, other | {"level": CONDITIONAL}, asked)
    sequence = fit(diary, model=MODEL, terms=f"{terms} + {SEQUENCE}", ci_level=asked.ci_level)
    yield taken(
        of_term(sequence, SEQUENCE),
        other | {"level": CARRY_OVER, "reference": f"{arm(design.against)} first", "estimand": _OF_SEQUENCE},
        "a sensitivity alone, which selects no analysis",
    )


_BY_MODEL = (
    "model-based standard error; the cluster-robust one, which holds where nights vary more than by chance, stands "
    "beside and has the verdict"
)
_OF_SEQUENCE = "association: those who had the treatment first against those who had it last, in all periods"


def difference_of(fitted: Fit, first: Row, main: Row, asked: TreatmentQuestion, mean_of: str) -> Row:
    """Return the difference in cramps a week that a random-intercept model expects.

    Args:
        fitted: the model, with a covariance that its interval is to have.
        first: its row of the treatment.
        main: cells of the row.
        asked: confidence level and margins.
        mean_of: what the difference is the mean of.
    """
    rows = fitted.estimates
    spread = float(rows.loc[rows["term"].eq("random intercept"), "estimate"].fillna(0).iloc[0])

    def marginal(beta: Array, covariance: Array) -> tuple[float, float]:
        return marginal_difference(beta, covariance, spread)

    cells = main | {"estimand": f"{main['estimand']}, mean of {mean_of}"}
    return weekly(fitted, first, cells, asked, marginal, "cluster-robust interval; spread of participants as estimated")


def marginal_difference(beta: Array, covariance: Array, spread: float) -> tuple[float, float]:
    """Return the mean difference in cramps a week over persons and periods, and its delta-method error.

    ``beta`` (p) and its ``covariance`` are of the intercept, the treatment and the periods after the first; ``spread``
    is the standard deviation of the random intercept, taken as known.
    """
    shifts = np.vstack([np.zeros(len(beta) - 2), np.eye(len(beta) - 2)])
    designs = [np.column_stack([np.ones(len(shifts)), np.full(len(shifts), treated), shifts]) for treated in (1.0, 0.0)]
    return weekly_difference(designs, beta, covariance, spread)


def conditional(turns: Turns, cells: Row, asked: TreatmentQuestion) -> Row:
    """Return the ratio by conditional Poisson regression, each participant with an effect of its own."""
    nights = turns.nights.sort("participant_id")
    groups = nights["participant_id"].rle_id().to_numpy().astype(np.int64)
    levels = sorted(nights[PERIOD].unique(), key=int)[1:]
    matrix = np.column_stack(
        [nights[GIVEN].cast(pl.Float64), *((nights[PERIOD] == level).cast(pl.Float64) for level in levels)]
    )
    if person_fit.within_rank(matrix, groups) < matrix.shape[1]:
        return nothing(cells, "treatment and period do not vary apart from each other within participants")
    found = person_fit.prevalence_ratio(nights["cramps"].to_numpy().astype(np.float64), matrix, groups)
    if found.problem:
        return nothing(cells, found.problem)
    bread = np.linalg.inv(found.information)
    clusters = len(found.scores)
    meat = clusters / (clusters - 1) * found.scores.T @ found.scores
    value, error = float(found.coefficients[0]), float(np.sqrt((bread @ meat @ bread)[0, 0]))
    made = interval(value, error, degrees_of_freedom(clusters), asked.ci_level, ratio=True)
    counts = {
        "n_participants": clusters,
        "n_groups": clusters,
        "n_nights": nights.height,
        "n_events": int(nights["cramps"].sum()),
        "n_exposed": turns.people.height,
    }
    note = "conditional Poisson regression, participants as clusters"
    return estimates.row(status="converged", **{**cells, **counts, **made, "note": note})
