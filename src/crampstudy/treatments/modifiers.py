"""How the ratio of a treatment differs: by the serum level at baseline, by the weeks since time zero, by dose.

Of parallel arms, and of open use adjusted for age and sex beside the run-in, which makes it no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from crampstudy import codebook, estimates, wording
from crampstudy.codebook.laboratory import reference_range
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import varies
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.nights import beside, people
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.parallel import MODEL, NIGHTS, Followed
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
    taken,
    without_cramp,
    without_offset,
)
from crampstudy.wording import counted, listed

SERUM: Mapping[str, str] = {
    "magnesium": "serum_magnesium_mmol_l",
    "potassium": "serum_potassium_mmol_l",
    "calcium": "serum_calcium_corrected_mmol_l",
}
"""Whose level at baseline may decide on what a supplement does."""
WEEKS: tuple[tuple[int, int | None], ...] = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 8), (9, None))
"""Weeks since time zero that are told apart: first and last, later ones together."""
_WEEK, _DOSE = "weeks_since", "usual_dose"
_BY_CHOICE = ("age_years", "sex")


def modifiers(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion, followed: Followed) -> list[Row]:
    """Return how the ratio of a treatment differs, for each way that the cohort can tell it.

    A supplement whose serum level nobody had measured is a row that says so.
    """
    if followed.too_few(design):
        return []
    besides = [] if design.randomised else [name for name in _BY_CHOICE if varies(cohort, name)]
    columns = people(cohort).select("participant_id", *besides, *_own(cohort, design))
    every = followed.people.join(columns, on="participant_id", how="left")
    lacking = [name for name in besides if every[name].null_count()]
    compared = followed.compared.join(columns, on="participant_id", how="left")
    known = replace(followed, people=every, compared=compared)
    if lacking:
        known = replace(followed, people=every.drop_nulls(lacking), compared=compared.drop_nulls(lacking))
    lost = counted(every.height - known.people.height, "participants")
    whom = f"{lost} without {listed(wording.small(wording.term(n)) for n in lacking)} left out" if lacking else ""
    terms = " + ".join([RUN_IN, *besides])
    made = [*_by_level(cohort, design, known, terms, asked), *_by_week(cohort, design, known, terms, asked)]
    made = [row if row["estimate"] is None else _held(row, [RUN_IN, *besides], whom) for row in made]
    of_dose = _by_dose(cohort, design, followed)
    return [row if row["estimate"] is None else row | {"ci_level": asked.ci_level} for row in (*made, *of_dose)]


def _held(row: Row, terms: Sequence[str], whom: str) -> Row:
    """Return a row with what it is adjusted for, the ``terms`` but for those left out, and ``whom`` it leaves out."""
    lost = adjustment.lacks(row)
    adjusted_for = "; ".join(term for term in terms if term not in lost) or None
    return row | {"adjusted_for": adjusted_for, "note": estimates.note(whom, row["note"] or "")}


def _own(cohort: Cohort, design: TreatmentDesign) -> list[str]:
    name = SERUM.get(design.agent)
    return [name] if name and name in people(cohort).columns else []


def _by_level(
    cohort: Cohort, design: TreatmentDesign, followed: Followed, terms: str, asked: TreatmentQuestion
) -> Iterator[Row]:
    """Yield the ratios at the low end and in the middle of the reference range, and the one over the other."""
    name = SERUM.get(design.agent)
    if name is None:
        return
    cells = cells_of(cohort, design, kinds.TREATMENT_EFFECT_BY_LEVEL, codebook.variable(name).label)
    cells |= {"estimand": f"{effect(design)} at a level of baseline: {POLICY}"}
    span = reference_range(name)
    measured = followed.people.drop_nulls(name) if name in followed.people.columns else followed.people.head(0)
    if span is None or span.high is None or measured.is_empty():
        yield nothing(cells, f"{codebook.variable(name).label} was not measured at baseline")
        return
    # Nights are set apart of those alone whose level is known.
    own = replace(followed, people=measured, compared=followed.compared.drop_nulls(name))
    if reason := own.too_few(design):
        yield nothing(cells, f"with {codebook.variable(name).label} at baseline: {reason}")
        return
    if reason := without_cramp(own.rates(design)):
        yield nothing(cells, f"of those with {codebook.variable(name).label} at baseline {reason}")
        return
    low, middle = span.low, round((span.low + span.high) / 2, 3)
    nights = own.nights.drop("on").join(measured, on="participant_id", how="semi")
    every, besides = f"{GIVEN} + {name} + {GIVEN}:{name} + {terms}", formula.singly(terms)
    diary = own.diary(cohort, nights)
    fitted = fit(diary, model=MODEL, terms=every, adjusted_for=besides, ci_level=asked.ci_level)
    unit = codebook.variable(name).unit
    missing = followed.people.height - measured.height
    lost = f"{counted(missing, 'participants')} without that level left out" if missing else ""
    seen = (float(measured[name].min()), float(measured[name].max()))  # type: ignore[arg-type]
    for value in (low, middle):
        far = "" if seen[0] <= value <= seen[1] else f"beyond the levels measured, {seen[0]:g} to {seen[1]:g} {unit}"
        yield _ratio(fitted, cells | {"level": f"at {value:g} {unit}"}, {name: value}, asked, lost, far)
    if fitted.linear is not None:
        found = fitted.linear.ratio_of_ratios({GIVEN: True}, {GIVEN: False}, where={name: low}, than={name: middle})
        yield taken(
            found, cells | {"level": f"at {low:g} over that at {middle:g} {unit}", "unit": "ratio of ratios"}, lost
        )


def _ratio(fitted: Fit, cells: Row, at: Mapping[str, float | str], asked: TreatmentQuestion, *notes: str) -> Row:
    if fitted.linear is None:
        return nothing(cells, str(fitted.estimates["note"].dropna().iloc[0]))
    found = fitted.linear.ratio({GIVEN: True, **at}, {GIVEN: False, **at})
    return taken(found, cells, *notes)


def _by_week(
    cohort: Cohort, design: TreatmentDesign, followed: Followed, terms: str, asked: TreatmentQuestion
) -> Iterator[Row]:
    """Yield the ratio in each of the weeks since time zero in which both arms have enough participants and a cramp.

    Equal to a Poisson model of the nights, of which those of one participant and some weeks are one row.
    """
    cells = cells_of(cohort, design, kinds.TREATMENT_EFFECT_BY_WEEK, "")
    cells |= {"estimand": f"{effect(design)} in some weeks: {POLICY}"}
    since = (pl.col("date") - pl.col("time_zero")).dt.total_days() // 7 + 1
    sums = (
        beside(followed.nights, followed.zero)
        .group_by("participant_id", _place(since).alias(_WEEK), maintain_order=True)
        .agg(pl.col("date").min(), pl.col("cramps").sum(), pl.len().cast(pl.Float64).alias(NIGHTS))
        .join(followed.people.select("participant_id", GIVEN), on="participant_id", maintain_order="left")
        .with_columns(pl.col(_WEEK).replace_strict({i: label(*each) for i, each in enumerate(WEEKS)}))
    )
    by_arm = sums.group_by(_WEEK, GIVEN).agg(
        people=pl.len(), cramps=pl.col("cramps").sum(), nights=pl.col(NIGHTS).sum()
    )
    enough = by_arm.filter((pl.col("people") >= FEWEST_EXPOSED) & (pl.col("cramps") > 0))
    names = [label(first, last) for first, last in WEEKS]
    able = [name for name in names if enough.filter(pl.col(_WEEK) == name).height == 2]
    of_weeks = {name: f"{GIVEN}_{place}" for place, name in enumerate(able)}
    fitted = None
    if len(able) > 1:
        own = sums.filter(pl.col(_WEEK).is_in(able)).with_columns(
            (pl.col(GIVEN) & (pl.col(_WEEK) == name)).cast(pl.Float64).alias(column)
            for name, column in of_weeks.items()
        )
        every = " + ".join([_WEEK, *of_weeks.values(), terms, f"offset(log({NIGHTS}))"])
        diary, besides = followed.diary(cohort, own.drop(GIVEN)), formula.singly(terms)
        fitted = fit(diary, model="poisson", terms=every, adjusted_for=besides, ci_level=asked.ci_level)
    found = {} if fitted is None else {row["term"]: row for row in wording.with_none(fitted.estimates)}
    for name in names:
        here = by_arm.filter(pl.col(_WEEK) == name)
        if here.is_empty():
            continue
        at = cells | {"level": name}
        if not found or name not in able:
            yield nothing(at, _why_no_week(here))
            continue
        counts = {
            "n_participants": int(here["people"].sum()),
            "n_nights": int(here["nights"].sum()),
            "n_events": int(here["cramps"].sum()),
            "n_exposed": int(here.filter(GIVEN)["people"].sum()),
        }
        yield taken(without_offset(found[of_weeks[name]]) | counts, at)


def _why_no_week(sums: pl.DataFrame) -> str:
    """Return why there is no ratio in weeks of which ``sums`` has people and cramps, a row for each group with nights.

    Reasons of many treatments and weeks name none, so that they are told once.
    """
    if sums.height < 2 or (sums["people"] < FEWEST_EXPOSED).any():
        return f"in some weeks fewer than {FEWEST_EXPOSED} participants of a group logged a night"
    if (sums["cramps"] == 0).any():
        return "in some weeks a group had no cramp"
    return "no other week has a ratio to set beside it"


def label(first: int, last: int | None) -> str:
    """Return weeks in words: ``week 1``, ``weeks 5-8``, ``week 9 on``."""
    if last is None:
        return f"week {first} on"
    return f"week {first}" if first == last else f"weeks {first}-{last}"


def _place(week: pl.Expr) -> pl.Expr:
    """Return the place of a week among :data:`WEEKS`."""
    return pl.sum_horizontal((week >= first).cast(pl.Int8) for first, _ in WEEKS[1:])


def _by_dose(cohort: Cohort, design: TreatmentDesign, followed: Followed) -> Iterator[Row]:
    """Yield the ratio of the upper to the lower quartile of the dose among those who took the treatment.

    Where nobody noted a dose, or all took the same, there is nothing to compare and no row.
    """
    own = design.periods.filter(pl.col("agent") == design.agent).drop_nulls("dose")
    doses = own.group_by("participant_id").agg(pl.col("dose").mean().alias(_DOSE), pl.col("unit").first())
    doses = doses.join(followed.people, on="participant_id")
    if doses[_DOSE].n_unique() < 2:
        return
    cells = cells_of(cohort, design, kinds.TREATMENT_DOSE, "dose", reference=None)
    units = sorted(doses["unit"].drop_nulls().unique())
    if len(units) > 1:
        yield nothing(cells, f"doses of {arm(design.agent)} are in several units, {listed(units)}")
    elif doses.height < 2 * FEWEST_EXPOSED:
        yield nothing(cells, f"{counted(doses.height, 'participants')} with a dose of {arm(design.agent)}: too few")
    else:
        yield _of_quartiles(cohort, followed, doses, cells, units)


def _of_quartiles(cohort: Cohort, followed: Followed, doses: pl.DataFrame, cells: Row, units: list[str]) -> Row:
    who = followed.people.join(doses.select("participant_id", _DOSE), on="participant_id")
    nights = followed.nights.drop("on").join(who, on="participant_id", how="semi")
    fitted = fit(replace(followed, people=who).diary(cohort, nights), model=MODEL, terms=f"{_DOSE} + {RUN_IN}")
    low, high = (float(who[_DOSE].quantile(q, "linear") or 0) for q in (0.25, 0.75))
    if low == high:
        low, high = float(who[_DOSE].min()), float(who[_DOSE].max())  # type: ignore[arg-type]
    unit = f" {units[0]}" if units else ""
    cells |= {"level": f"{high:g}{unit}", "reference": f"{low:g}{unit}", "adjusted_for": RUN_IN}
    cells |= {
        "estimand": "association of the dose among those treated, at an equal run-in rate: nobody drew lots for it"
    }
    if fitted.linear is None:
        return nothing(cells, str(fitted.estimates["note"].dropna().iloc[0]))
    return taken(fitted.linear.ratio({_DOSE: high}, {_DOSE: low}), cells)
