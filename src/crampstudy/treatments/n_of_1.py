"""N-of-1: a treatment on and off by lot in the same participant again and again, one by one and pooled.

In one participant pairs of periods are compared, each pair with a level of its own, and the pairs are the clusters:
that a ratio rests on one participant is then the design. Pooled, the effect differs between participants (a random
slope); the verdict is read within all pairs, whose interval holds in few participants.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from crampstudy import estimates, wording
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies import person_fit
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import FEWEST, FEWEST_EXPOSED
from crampstudy.models.fit import fit
from crampstudy.nights import Diary
from crampstudy.treatments.crossover import MODEL
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.pairs import PAIR, PairTotals, pair_rows
from crampstudy.treatments.period_nights import period_nights
from crampstudy.treatments.question import (
    GIVEN,
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
    taken,
    without_cramp,
    without_ratio,
)
from crampstudy.wording import counted

FEWEST_PAIRS = 3
"""With fewer pairs of periods nothing is said of one participant: two pairs leave one degree of freedom."""
POOLED = "n-of-1, pooled"
_OF_SLOPES = "mean of participants' own log ratios; the verdict is read within pairs of periods"
_ESTIMAND = "alternating periods as allocated within participants (treatment policy within periods)"


def n_of_1(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion | None = None) -> list[Row]:
    """Return the effect pooled over participants, how far it differs between them, and that in each of them."""
    asked = asked or TreatmentQuestion()
    return list(_rows(cohort, design, asked, paired_nights(cohort, design, asked)))


def paired_nights(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion) -> pl.DataFrame:
    """Return the nights in pairs: participant_id, date, cramps, ``treated``, ``pair`` (from 1 within the participant).

    A pair is two periods that follow each other, one of each agent, both with logged nights; what is left over of an
    incomplete one is left out.
    """
    found = period_nights(cohort, design.periods, build_up=asked.build_up, washout=asked.washout)
    ranks = design.periods.select("participant_id", "start").unique().sort("participant_id", "start")
    ranks = ranks.with_columns(pair=(pl.int_range(0, pl.len()) // 2 + 1).over("participant_id"))
    ranks = ranks.with_columns(period=pl.int_range(1, pl.len() + 1).over("participant_id")).drop("start")
    nights = found.treated.filter(pl.col("agent").is_in([design.agent, design.against])).join(
        ranks, on=["participant_id", "period"]
    )
    whole = pl.col("agent").n_unique().over("participant_id", PAIR) == 2
    return (
        nights.filter(whole)
        .select("participant_id", "date", "cramps", PAIR, (pl.col("agent") == design.agent).alias(GIVEN))
        .sort("participant_id", "date")
    )


def _rows(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion, nights: pl.DataFrame) -> Iterator[Row]:
    main = cells_of(cohort, design, kinds.TREATMENT_EFFECT, POOLED, ci_level=asked.ci_level)
    main |= {"estimand": f"{effect(design)}: {_ESTIMAND}", "adjusted_for": "participant"}
    spread = main | {"analysis": kinds.TREATMENT_SPREAD.name, "scale": "standard_deviation"}
    people = nights["participant_id"].n_unique()
    if people < FEWEST_EXPOSED:
        words = f"{arm(design.agent)} and {arm(design.against)}"
        every = paired_nights(cohort, design, asked.with_all_nights)["participant_id"].n_unique()
        reason = of_those(people, f"with pairs of {words}", asked, every)
        yield nothing(main, f"{reason} to pool" if people else reason, exposed=people)
    elif without_cramp(rates := rates_of(nights, design)):
        yield from without_ratio(main, rates, people, people)
    else:
        who = nights.select("participant_id").unique().sort("participant_id")
        diary = Diary(cohort.name, who, nights.drop(PAIR).lazy())
        fitted = fit(diary, model=MODEL, terms=GIVEN, random_slope=GIVEN, ci_level=asked.ci_level)
        unjudged = main | {"facts": {"no verdict": _OF_SLOPES}}
        yield taken(of_term(fitted, GIVEN), unjudged, _OF_SLOPES, of_few(people))
        yield from pair_rows(PairTotals.of(nights), main | {"adjusted_for": PAIR}, asked)
        rows = fitted.estimates
        for found in wording.with_none(rows[rows["term"].eq("random slope")]):
            yield taken(found, spread, "of the log rate ratio between participants")
    for number, ((_,), own) in enumerate(nights.group_by("participant_id", maintain_order=True), start=1):
        yield _of_one(own, design, main | {"level": f"participant {number}", "adjusted_for": PAIR}, asked)


def _of_one(nights: pl.DataFrame, design: TreatmentDesign, main: Row, asked: TreatmentQuestion) -> Row:
    """Return the ratio in one participant: pairs with levels of their own, and clusters."""
    cells = main | {"analysis": kinds.TREATMENT_EFFECT_OF_ONE.name, "population": "one participant"}
    pairs = nights[PAIR].n_unique()
    counts = {
        "n_participants": 1,
        "n_nights": nights.height,
        "n_events": int(nights["cramps"].sum()),
        "n_groups": pairs,
    }
    if reason := _uninformative(nights, design):
        return estimates.row(status="not_estimable", **{**cells, **counts, "note": reason})
    nights = nights.filter(pl.col("cramps").sum().over(PAIR) > 0)
    pairs, groups = nights[PAIR].n_unique(), nights[PAIR].rle_id().to_numpy().astype(np.int64)
    matrix = nights[GIVEN].cast(pl.Float64).to_numpy()[:, None]
    found = person_fit.prevalence_ratio(nights["cramps"].to_numpy().astype(np.float64), matrix, groups)
    if found.problem:
        return estimates.row(status="not_converged", **{**cells, **counts, "note": found.problem})
    inverse = 1 / float(found.information[0, 0])
    error = inverse * float(np.sqrt(pairs / (pairs - 1) * (found.scores**2).sum()))
    made = interval(float(found.coefficients[0]), error, pairs - 1, asked.ci_level, ratio=True)
    note = (
        f"rests on one participant, as this design does; {counted(pairs, 'pairs')} of periods with a cramp as clusters"
    )
    return estimates.row(status="converged", **{**cells, **counts, **made, "note": note})


def _uninformative(nights: pl.DataFrame, design: TreatmentDesign) -> str | None:
    """Return why nothing is said of one participant, ``None`` where there are enough pairs and cramps."""
    cramps, pairs = int(nights["cramps"].sum()), nights.filter(pl.col("cramps") > 0)[PAIR].n_unique()
    if nights[PAIR].n_unique() < FEWEST_PAIRS:
        return f"{counted(nights[PAIR].n_unique(), 'pairs')} of periods: too few"
    if pairs < FEWEST_PAIRS or cramps < FEWEST:
        return f"{counted(cramps, 'cramps')} in {counted(pairs, 'pairs')} of periods: too few"
    lacking = [arm(name) for name, (cramps, _) in rates_of(nights, design).items() if not cramps]
    return f"no cramp with {lacking[0]}" if lacking else None
