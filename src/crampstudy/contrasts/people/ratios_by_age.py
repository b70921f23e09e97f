"""How the ratio of a condition differs with age: at two ages and the one by the other, of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from crampstudy import estimates, wording
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.remembered import remembered
from crampstudy.contrasts.adjusted import AdjustedFit, adjusted_fit
from crampstudy.contrasts.age_term import age_term
from crampstudy.contrasts.person_time import judged
from crampstudy.estimates import kinds, note
from crampstudy.estimates.verdicts import FEWEST_EXPOSED, Margins
from crampstudy.models.coefficients.ratio import Linear
from crampstudy.models.inference.implied import Resting
from crampstudy.models.terms.columns import quoted
from crampstudy.nights import AGE_CENTRE, NO_AGE, people

Row = dict[str, Any]
YOUNG, OLD = 50, 75
"""The ages at which ratios are compared: those of the declared contrast of age."""
MIDDLE = (YOUNG + OLD) / 2
_NAMES = tuple(kind.name for kind in (kinds.CONDITION_AT_50, kinds.CONDITION_AT_75, kinds.CONDITION_BY_AGE))
"""The kinds of the rows of a level, in order."""
_OF_LEVEL = ("term", "level", "reference", "unit", "n_exposed")
_OF_FIT = ("cohort", "population", "outcome", "model", "scale", "ci_level", "n_participants", "n_nights", "n_events")


def ratios_by_age(cohort: Cohort, name: str, overall: AdjustedFit, asked: Mapping[str, Any]) -> list[list[Row]]:
    """Return by level of a condition the rows of its ratio at 50, at 75, and of the one by the other.

    The model has the products of the levels with age (per 10 years) and age as a spline beside what the condition is
    adjusted for. A number has no levels, and no rows. A level that too few are at on either side of the middle of the
    two ages has rows that say so.

    Args:
        cohort: a diary or a survey.
        name: the condition.
        overall: its fit without age.
        asked: the arguments of :func:`~crampstudy.contrasts.adjusted.adjusted_fit` that it was made with.
    """
    levels = [cells for cells in wording.with_none(overall.estimates) if cells["level"] and cells["term"] == name]
    reasons = [_too_few(cohort, cells, overall, asked["where"]) for cells in levels]
    able = [cells["level"] for cells, why in zip(levels, reasons, strict=True) if why is None]
    if not able:
        return [_without(cells, why) for cells, why in zip(levels, reasons, strict=True)]
    products = [f"I(({quoted(name)} == '{level}') * age_decade)" for level in able]
    age = age_term(cohort, asked["where"])
    found = adjusted_fit(cohort, name, terms=(quoted(name), *products), besides=(age,), **asked)
    lost = dict(zip(able, (_lost(found, product) for product in found.terms[1:]), strict=True))
    made = []
    for cells, why in zip(levels, reasons, strict=True):
        reason, linear = why or lost[cells["level"]], found.fit.linear
        if reason or linear is None:
            made.append(_without(cells, reason))
            continue
        others = "; ".join(term for term in linear.design.terms() if term not in found.terms)
        rests = _resting(overall, cells)
        shared = {"note": note(found.said, linear.cells.get("note") or ""), "adjusted_for": others or None}
        shared |= found.held.cells
        shared |= rests.on({**linear.cells, **shared}) if rests else {}
        made.append(_ratios(linear, {which: cells[which] for which in _OF_LEVEL} | shared, asked["margins"]))
    return made


def _resting(overall: AdjustedFit, cells: Row) -> Resting | None:
    """Return on whom the ratio of a level rests in the model of all ages, where not on all of its participants."""
    linear = overall.fit.linear
    if linear is None:
        return None
    at = (i for i, c in enumerate(linear.design.columns) if (c.term, c.level) == (cells["term"], cells["level"]))
    return linear.resting.get(next(at, -1))


def _ratios(linear: Linear, cells: Row, margins: Margins) -> list[Row]:
    has, lacks = ({cells["term"]: cells[which]} for which in ("level", "reference"))
    young, old = ({"age_decade": (age - AGE_CENTRE) / 10} for age in (YOUNG, OLD))
    made = [linear.ratio({**has, **at}, {**lacks, **at}) for at in (young, old)]
    made.append(linear.ratio_of_ratios(has, lacks, where=old, than=young))
    known = [{name: cell for name, cell in row.items() if name != "key" and cell is not None} for row in made]
    return [
        judged(estimates.row(**row | cells | {"analysis": name}), margins)
        for row, name in zip(known, _NAMES, strict=True)
    ]


def _without(cells: Row, why: str | None) -> list[Row]:
    """Return the rows by age of a level that has no ratio by age, for the reason."""
    kept = {which: cells[which] for which in (*_OF_LEVEL, *_OF_FIT)} | {"note": why}
    if cells["verdict"] == "too few":
        kept["verdict"] = "too few"
    return [estimates.row(status="not_estimable", **kept, analysis=name) for name in _NAMES]


def _lost(found: AdjustedFit, product: str) -> str | None:
    """Return why a model has no product of a level with age."""
    row = found.fit.estimates.set_index("term").loc[[product]].iloc[0]
    made = found.fit.linear is not None and row["status"] in ("converged", "boundary")
    return None if made else f"no ratio by age: {row['note']}"


def _too_few(cohort: Cohort, cells: Row, overall: AdjustedFit, where: str | None) -> str | None:
    """Return why it cannot be told how the ratio of a level differs with age, ``None`` where it may be told."""
    if not cohort.has("age_years"):
        return NO_AGE
    if overall.fit.linear is None:
        return "no ratio by age, as there is none at all ages"
    frame = fitted_people(cohort, overall.fit.linear.design.variables, where)
    everybody = {True: "with the condition or drug", False: "without the condition or drug"}
    if (why := _one_sided(frame, cells, everybody)) is not None:
        return why
    rests = _resting(overall, cells)
    # Who has what nobody without it has, or has not, tells of no age, either.
    inside = [each for each in (rests.inside if rests else ()) if each[0].term in frame.columns]
    if rests is None or not inside:
        return None
    for column, having in inside:
        frame = frame.filter((pl.col(column.term).cast(pl.String) == column.level) == having)
    return _one_sided(frame, cells, {having: rests.side(having=having) for having in everybody})


def _one_sided(frame: pl.DataFrame, cells: Row, said: Mapping[bool, str]) -> str | None:
    """Return why people are too much of one age for a ratio by age, ``None`` where they are not.

    ``said`` is how those at the level are called, and those at the reference.
    """
    text = pl.col(cells["term"]).cast(pl.String)
    for having, which in ((True, "level"), (False, "reference")):
        ages = frame.filter(text == cells[which])["age_years"]
        old = int((ages >= MIDDLE).sum())
        if min(old, len(ages) - old) < FEWEST_EXPOSED:
            return f"no ratio by age, as fewer than {FEWEST_EXPOSED} {said[having]} are on one side of {MIDDLE:g} years"
        if not ((ages <= YOUNG).any() and (ages >= OLD).any()):
            return f"no ratio by age, as nobody {said[having]} is as young as {YOUNG} or nobody as old as {OLD} years"
    return None


@remembered
def _counted(cohort: Cohort) -> pl.DataFrame:
    """Return the participants with a count of cramps, one by one."""
    nights = cohort.frame("diary").select("participant_id", "cramps")
    return nights.drop_nulls("cramps").select("participant_id").unique(maintain_order=True)


def fitted_people(cohort: Cohort, used: Sequence[str], where: str | None) -> pl.DataFrame:
    """Return the participants behind a fit: inside, with an outcome, and complete on the terms of persons."""
    frame = people(cohort)
    frame = frame.filter(subpopulation.select(frame, where).inside)
    if cohort.kind == "diary":
        frame = frame.join(_counted(cohort), on="participant_id", how="semi")
    else:
        weights = () if cohort.design is None else cohort.design.weights.values()
        weighted = [pl.col(name) > 0 for name in weights if name in frame.columns]
        frame = frame.drop_nulls("recalled_low").filter(*weighted)
    return frame.drop_nulls(["age_years", *(name for name in used if name in frame.columns)])
