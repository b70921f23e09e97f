"""Muscle, joints and sitting: their adjusted ratios, and the ratio of age without and with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.causal import measured_in
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit, varies
from crampstudy.contrasts.age_term import LINE, age_term
from crampstudy.contrasts.factors import with_q_values
from crampstudy.contrasts.nights.activity import between_ratio
from crampstudy.contrasts.people.ratios_by_age import YOUNG, Row, fitted_people
from crampstudy.errors import AnalysisError, NoWeight
from crampstudy.estimates import kinds
from crampstudy.estimates.absent import absent_row
from crampstudy.estimates.verdicts import resting_on_some
from crampstudy.models.coefficients.rows import TEST
from crampstudy.models.common.recalled_outcomes import weight_for
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.nights import NO_AGE
from crampstudy.progress import track
from crampstudy.wording import CONTRAST

MUSCLE = ("lean_mass_index_kg_m2", "grip_strength_kg")
JOINTS = ("flexibility_beighton", "joint_pain_0_10", "arthritis")
SITTING = {"diary": "sitting_min", "survey": "usual_sitting_min"}
"""As a diary has it of each day, whose mean is a person's, and as a survey asks it."""
SETS: Mapping[kinds.Kind, Sequence[str]] = {
    kinds.AGE_ALONE: (),
    kinds.AGE_BESIDE_MUSCLE: MUSCLE,
    kinds.AGE_BESIDE_JOINTS: JOINTS,
    kinds.AGE_BESIDE_SITTING: (*SITTING.values(),),
    kinds.AGE_BESIDE_ALL: (*MUSCLE, *JOINTS, *SITTING.values()),
}
_CROWDED = "too few participants to take in all that stands beside age"
_CROWDED_ALONE = "too few participants for a curve of age"
_NOBODY = "nobody has all that was measured of muscle, joints and sitting"
_STRAIGHT = "age as a straight line, of all participants, as they are too few for a curve"
_STRAIGHT_OF_SOME = "age as a straight line, as those of whom all that was measured is known are too few for a curve"
_EVERYBODY = "of all participants, as too few have all that was measured of muscle, joints and sitting"
_WHOM = "of whom all that was measured of muscle, joints and sitting is known"
_MOST = 0.9
"""Where fewer than this share of all with an age are these, the ratio of age says how many they are."""
_STEP = 5
"""Years between the ages at which a ratio of age is given."""
_RESULTS = ("estimate", "ci_low", "ci_high", "std_error", "df", "p_value", "n_effective", "verdict")


def muscle_ratios(cohort: Cohort, **asked: Any) -> pd.DataFrame:
    """Return the ratio of each of muscle, joints and sitting, adjusted as the causal graph asks; one family of q.

    That of sitting by night is the one between participants of the model in which it stands beside what else was done
    on the day.

    Args:
        cohort: a diary or a survey.
        asked: ``model``, ``outcome`` and other arguments of :func:`~crampstudy.contrasts.adjusted.adjusted_fit`.

    Raises:
        AnalysisError: none of them was measured.
    """
    family: list[list[Row]] = []
    measured = _measured(cohort)
    if not measured:
        raise AnalysisError("neither muscle nor joints nor sitting was measured")
    for name in track((*MUSCLE, *JOINTS, SITTING[cohort.kind]), "muscle and joints"):
        cells = {"cohort": cohort.name, "population": asked.get("where") or "all participants", "term": name}
        cells |= {"outcome": asked["outcome"], "model": asked["model"], "analysis": kinds.MUSCLE.name}
        if name not in measured:
            family.append([absent_row(cohort, name, **cells)])
            continue
        try:
            nightly = _term(cohort, name) != name
            family.append(_of_mean(cohort, name, asked) if nightly else _of_person(cohort, name, asked))
        except NoWeight as problem:
            # Of its component, or of what it is adjusted for: the others may have theirs.
            family.append([estimates.row(status="not_estimable", note=estimates.reason(problem), **cells)])
    return estimates.frame(with_q_values(family))


def age_ratios(
    cohort: Cohort, *, where: str | None = None, sets: Mapping[kinds.Kind, Sequence[str]] = SETS, **asked: Any
) -> pd.DataFrame:
    """Return ratios of age beside sex, without and with muscle, joints and sitting, of the same participants.

    Age is a natural cubic spline: a ratio every five years against 50, and the declared contrast. A set of which
    nothing was measured is left out; one that there are too few participants for has no estimate, nor one of a column
    for whose component a survey has no weight, which the others do without. Where those of whom all is known are too
    few even for age beside sex, that is of everybody. Where everybody is too few for a curve beside sex, age is a
    straight line in all of them. That a ratio of age changes when they stand beside does not say
    that they are on its path.

    Args:
        cohort: a diary or a survey.
        where: condition that names a part of the cohort.
        sets: by the kind of their rows what stands beside age and sex.
        asked: ``model``, ``outcome`` and other arguments of :func:`crampstudy.fit`.

    Raises:
        AnalysisError: nobody has an age, or nobody all that is asked to stand beside it.
    """
    if not cohort.has("age_years"):
        raise AnalysisError(NO_AGE)
    measured = _measured(cohort)
    weightless = _weightless(cohort, measured)
    complete, inside = _complete(cohort, [name for name in measured if name not in weightless], where)
    whole = not fitted_people(complete, (), inside).is_empty()
    if not whole and all(sets.values()):
        raise AnalysisError(_NOBODY)
    known: list[_Part] = [(complete, inside)] if whole else []
    itself = next((kind for kind, names in sets.items() if not names), None)
    alone = [] if itself is None else _curve(itself, known, (cohort, where), asked, of_some=bool(measured))
    straight = itself is not None and not _estimated(alone)
    fitted: dict[kinds.Kind, list[Row]] = {}
    without: dict[kinds.Kind, tuple[str, str]] = {}
    for kind, asked_for in track(sets.items(), "models of age"):
        beside = [_term(cohort, name) for name in asked_for if name in measured]
        lacks = next((why for name, why in weightless.items() if name in asked_for), "" if whole else _NOBODY)
        if beside and lacks:
            without[kind] = lacks, "; ".join((*_sex(cohort), *beside))
        elif beside:
            fitted[kind] = _of_age(complete, inside, kind, beside, asked, LINE if straight else None)
    everybody = len(fitted_people(cohort, (), where))
    if straight and itself is not None:
        some = known if any(map(_estimated, fitted.values())) else []
        alone = next(filter(_estimated, _lines(itself, [*some, (cohort, where)], asked)), alone)
        fitted = {kind: [_with_line(row, everybody) for row in rows] for kind, rows in fitted.items()}
        alone = [_with_line(row, everybody) for row in alone]
    alone = [_with_whom(row, everybody) for row in alone]
    made = [*alone]
    for kind in sets:
        made += fitted.get(kind, [])
        if kind in without:
            why, held = without[kind]
            made += [_without(row | {"analysis": kind.name, "adjusted_for": held}, why) for row in alone]
    return estimates.frame(made)


_Part = tuple[Cohort, str | None]
"""A cohort, and the condition that names a part of it."""


def _curve(
    kind: kinds.Kind, known: Sequence[_Part], everybody: _Part, asked: Mapping[str, Any], *, of_some: bool
) -> list[Row]:
    """Return the ratios of a curve of age beside sex alone: of those of whom all is ``known``, else of ``everybody``.

    That there are others than these is said ``of_some`` cohorts.
    """
    rows = _of_age(*known[0], kind, (), asked) if known else []
    if of_some and not _estimated(rows):
        rows = [_with(row, _EVERYBODY) for row in _of_age(*everybody, kind, (), asked)]
    return rows


def _lines(kind: kinds.Kind, parts: Iterable[_Part], asked: Mapping[str, Any]) -> Iterator[list[Row]]:
    """Yield the ratios of a straight line of age beside sex alone, of each of some parts."""
    yield from (_of_age(*part, kind, (), asked, LINE) for part in parts)


def _with_line(row: Row, everybody: int) -> Row:
    """Return a row with an estimate, and that age is a straight line in it, of all participants or of some."""
    return _with(row, _STRAIGHT if row["n_participants"] == everybody else _STRAIGHT_OF_SOME)


def _with_whom(row: Row, everybody: int) -> Row:
    """Return a row that says on how many of all it rests, where many lack what stands beside age in other models."""
    n = row["n_participants"]
    return row | resting_on_some(row, n, _WHOM) if _estimated([row]) and n < _MOST * everybody else row


def _of_person(cohort: Cohort, name: str, asked: Mapping[str, Any]) -> list[Row]:
    return wording.with_none(adjusted_fit(cohort, name, analysis=kinds.MUSCLE.name, **asked).estimates)


def _of_mean(cohort: Cohort, name: str, asked: Mapping[str, Any]) -> list[Row]:
    """Return the ratio of a person's mean of what differs from night to night, as rows of that term."""
    made = []
    for row in wording.with_none(between_ratio(cohort, name, **asked)):
        term = str(row["term"]).replace(name, _term(cohort, name))
        kept = {column: cell for column, cell in row.items() if column not in ("key", "level") and cell is not None}
        made.append(estimates.row(**kept | {"term": term, "analysis": kinds.MUSCLE.name}))
    return made


def _measured(cohort: Cohort) -> list[str]:
    known = measured_in(cohort)
    return [name for name in (*MUSCLE, *JOINTS, SITTING[cohort.kind]) if name in known]


def _weightless(cohort: Cohort, names: Iterable[str]) -> Mapping[str, str]:
    """Return the columns of a survey for whose component it has no weight, and that as the reason."""
    found: dict[str, str] = {}
    if cohort.design is None:
        return found
    for name in names:
        try:
            weight_for(cohort.design, (name,))
        except NoWeight as problem:
            found[name] = estimates.reason(problem)
    return found


def _term(cohort: Cohort, name: str) -> str:
    """Return a variable as a term: what differs from night to night as the person's mean."""
    nightly = cohort.kind == "diary" and name in cohort.tables["diary"].columns
    return f"between({name})" if nightly else name


def _complete(cohort: Cohort, names: Collection[str], where: str | None) -> tuple[Cohort, str | None]:
    """Return a cohort of those of whom all is known that differs by night, and the condition that the rest is, too."""
    nightly = [name for name in names if _term(cohort, name) != name]
    known = [f"{name} IS NOT NULL" for name in names if name not in nightly]
    if nightly:
        nights = cohort.frame("diary").select("participant_id", *nightly)
        ever = nights.group_by("participant_id").agg(pl.col(nightly).is_not_null().any())
        kept = ever.filter(pl.all_horizontal(nightly)).select("participant_id")
        if kept.height < cohort.frame("participants").height:
            tables = {name: table.join(kept, on="participant_id", how="semi") for name, table in cohort.tables.items()}
            cohort = replace(cohort, tables=tables)
    return cohort, " AND ".join([*([where] if where else []), *known]) or None


def _age_term(cohort: Cohort, where: str | None) -> str:
    """Return age as a spline against 50, or the median where nobody is near, shown every five years."""
    ages = fitted_people(cohort, (), where)["age_years"]
    if not len(ages):
        raise AnalysisError(NO_AGE if not cohort.has("age_years") else "nobody has an age and all that was measured")
    if (plain := age_term(cohort, where)) == "age_years":
        return plain
    low, high = float(ages.min()), float(ages.max())  # type: ignore[arg-type]
    reference = YOUNG if low <= YOUNG <= high else float(np.median(ages))
    at = [f"{age:g}" for age in np.arange(np.ceil(low / _STEP) * _STEP, high + 1e-9, _STEP)]
    return f"ns(age_years, df=3, ref={reference:g}, at=[{', '.join(at)}])"


def _of_age(
    cohort: Cohort,
    where: str | None,
    kind: kinds.Kind,
    beside: Sequence[str],
    asked: Mapping[str, Any],
    age: str | None = None,
) -> list[Row]:
    """Return the ratios of age beside sex and other terms, without an estimate where a term had no room."""
    age, sex = age or _age_term(cohort, where), _sex(cohort)
    fitted = fit(cohort, terms=" + ".join([age, *sex, *beside]), where=where, analysis=kind.name, **asked)
    rows = fitted.estimates
    own = rows[rows["term"].isin([formula.as_shown(age, rows["term"].tolist()), f"{CONTRAST}age_years"])]
    made = []
    for cells in wording.with_none(own[own["scale"] != TEST]):
        cells = {name: cell for name, cell in cells.items() if name != "key" and cell is not None}
        declared = cells["term"].startswith(CONTRAST)
        cells["term"] = cells["term"] if declared else "age_years"
        row = estimates.row(**cells)
        # What there was no room for was asked to stand beside age all the same.
        asked_for = {"adjusted_for": "; ".join((*sex, *beside)) or None}
        why = _CROWDED if beside else f"{_CROWDED_ALONE}{' beside sex' if sex else ''}"
        made.append(_without(row | asked_for, why) if fitted.surplus else row)
    return made


def _sex(cohort: Cohort) -> tuple[str, ...]:
    """Return sex as a term, nothing where it is not known or the same of all."""
    return ("sex",) if varies(cohort, "sex") else ()


def _without(row: Row, why: str) -> Row:
    """Return a row without an estimate, and why it has none."""
    kept = {name: cell for name, cell in row.items() if name not in (*_RESULTS, "key") and cell is not None}
    return estimates.row(**kept | {"status": "not_estimable", "note": why})


def _estimated(rows: Iterable[Row]) -> bool:
    return any(row["estimate"] is not None for row in rows)


def _with(row: Row, said: str) -> Row:
    """Return a row with an estimate, and what is to be said of it."""
    if row["estimate"] is None:
        return row
    kept = {name: cell for name, cell in row.items() if name != "key"}
    return estimates.row(**kept | {"note": estimates.note(row["note"] or "", said)})
