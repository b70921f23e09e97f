"""Crossover: treatment and period in a random-intercept model of the nights in periods, each person its own control.

The verdict is read within pairs of periods, whose interval holds in few participants and where nights hang together.
The sequence test never selects the analysis: what one period leaves to the next is shown as a sensitivity alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies import person_fit
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.models.fit import fit
from crampstudy.models.inference.covariance import degrees_of_freedom
from crampstudy.models.terms import formula
from crampstudy.nights import Diary
from crampstudy.readable import OneLine
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.pairs import PAIR, PairTotals, pair_rows
from crampstudy.treatments.period_nights import BUILDING_UP, SEVERAL, WASHING_OUT, period_nights
from crampstudy.treatments.question import (
    GIVEN,
    PERIOD,
    Row,
    TreatmentQuestion,
    arm,
    cells_of,
    effect,
    interval,
    nothing,
    of_few,
    of_term,
    of_those,
    rates_of,
    set_apart,
    taken,
    without_cramp,
    without_ratio,
)
from crampstudy.wording import counted

MODEL = "mixed-poisson"
SEQUENCE = "treated_first"
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

    def rates(self, design: TreatmentDesign) -> dict[str, tuple[int, float]]:
        """Return the cramps and the nights with each of the two agents, by its name, that of the design first."""
        return rates_of(self.nights.join(self.people, on="participant_id", how="semi"), design)

    def periods(self) -> int:
        """Return in how many periods there are nights."""
        return self.nights[PERIOD].n_unique()

    def pairs(self) -> PairTotals:
        """Return the periods in pairs: the first of each agent together, then the second, and so on."""
        rank = pl.col(PERIOD).cast(pl.Int64).rank("dense").over("participant_id", GIVEN)
        paired = self.nights.with_columns(rank.alias(PAIR))
        whole = pl.col(GIVEN).n_unique().over("participant_id", PAIR) == 2
        return PairTotals.of(paired.filter(whole), PERIOD)


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
        every = Turns.of(cohort, design, asked.with_all_nights).people.height
        reason = of_those(turns.people.height, f"with nights of {both}", asked, every)
        yield nothing(main, reason, exposed=turns.people.height)
        return
    rates = turns.rates(design)
    if without_cramp(rates):
        yield from without_ratio(main, rates, turns.people.height, turns.people.height)
        return
    diary = turns.diary(cohort)
    terms = f"{GIVEN} + {PERIOD}" if turns.periods() > 1 else GIVEN
    shared: dict[str, Any] = {"model": MODEL, "adjusted_for": formula.singly(terms)[1:], "ci_level": asked.ci_level}
    by_model = fit(diary, terms=terms, covariance="model", **shared)
    yield taken(of_term(by_model, GIVEN), main | {"facts": {"no verdict": _BY_MODEL}}, *turns.notes, _BY_MODEL)
    pairs = turns.pairs()
    single = turns.nights.join(turns.people, on="participant_id", how="semi").height - int(pairs.nights.sum())
    yield from pair_rows(pairs, main, asked, *turns.notes, set_apart(single, "periods without a partner"))
    other = main | {"analysis": kinds.TREATMENT_EFFECT_OTHERWISE.name}
    few = of_few(turns.people.height)
    robust = fit(diary, terms=terms, **shared)
    yield taken(of_term(robust, GIVEN), other | {"level": CLUSTER}, few)
    yield conditional(turns, other | {"level": CONDITIONAL}, asked)
    sequence = fit(diary, terms=f"{terms} + {SEQUENCE}", **shared | {"adjusted_for": formula.singly(terms)})
    yield taken(
        of_term(sequence, SEQUENCE),
        other | {"level": CARRY_OVER, "reference": f"{arm(design.against)} first", "estimand": _OF_SEQUENCE},
        "a sensitivity alone, which selects no analysis",
    )


_BY_MODEL = (
    "model-based standard error, to which the nights of a period are independent: the verdict is read within pairs of "
    "periods"
)
_OF_SEQUENCE = "association: those who had the treatment first against those who had it last, in all periods"


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
    note = estimates.note("conditional Poisson regression, participants as clusters", of_few(clusters))
    return estimates.row(status="converged", **{**cells, **counts, **made, "note": note})
