"""Which factors go with cramps in one cohort otherwise than in another: the adjusted ratio in each, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import codebook, estimates, wording
from crampstudy.age_bands import AgeBands
from crampstudy.causal import CausalGraph, measured_in, study
from crampstudy.codebook import contrasts, exposures
from crampstudy.cohort import Cohort, all_set_aside, subpopulation
from crampstudy.contrasts import multiplicity, person_time
from crampstudy.contrasts.adjusted import AdjustedFit, Sufficiency, adjusted_fit
from crampstudy.contrasts.cohorts.measures import FEWEST
from crampstudy.contrasts.distributed_lag import SAME_NIGHT
from crampstudy.contrasts.nights.sleep_lags import lags_fit
from crampstudy.descriptive.rate_intervals import sum_df
from crampstudy.descriptive.rates import ALL
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import adjustment, facts, kinds, verdicts
from crampstudy.estimates.absent import absent
from crampstudy.estimates.groups import part_of
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.coefficients.ratio import Linear
from crampstudy.models.coefficients.rows import Row, shown
from crampstudy.models.fit import fit
from crampstudy.models.inference.covariance import p_value, quantile
from crampstudy.models.terms import formula
from crampstudy.nights import diary_columns

PER_COEFFICIENT = 5
"""Participants to every coefficient of an adjusted ratio; with fewer the last terms that it is adjusted for go."""
_INSTEAD = {
    "age_decade": "age_years",
    "serum_calcium_mmol_l": "serum_calcium_corrected_mmol_l",
    "recall_alcohol_g": "alcohol_units",
    "usual_sitting_min": "sitting_min",
}
CENTILES = "centiles"
"""The fact of whose centiles a factor is compared at."""
_RECALLED = "recall_"
_MEAN_MOVED = "cramps of the nights that its mean is of can move them"
_OF_DEVIATIONS = ("deviation", "deviation-centile")


@dataclass(frozen=True, slots=True)
class _Slope:
    """An exposure in a cohort: the ``fitted`` model, ``None`` where there is none, for the reason ``why_not``.

    Of what the cohort has no value of ``absent`` are the cells that say so.
    """

    cohort: str
    fitted: AdjustedFit | None = None
    why_not: str = ""
    absent: Mapping[str, Any] | None = None


def compare_factors(
    cohorts: Sequence[Cohort],
    factors: Sequence[str] | None = None,
    *,
    outcome: str | None = None,
    bands: AgeBands | None = None,
    where: str | None = None,
    ci_level: float = 0.95,
    margins: Margins = MARGINS,
    graph: CausalGraph | None = None,
) -> pd.DataFrame:
    """Return the adjusted ratio of each factor in each cohort, and how many times that of the first the others are.

    A factor is adjusted for what the causal graph asks for among the columns that all cohorts have: in all for the
    same. One of the night that its cramps can move, such as the quality of sleep, is that of the night before, as
    :func:`~crampstudy.contrasts.nights.sleep_lags.lags_fit` has it; between participants it has no ratio, as their
    cramps move their mean. Its contrast is that of the first cohort, whose centiles it is between where none is
    declared in its unit. Cohorts are independent, so that variances of log ratios add. ``q_value`` is Holm's p-value
    over all ratios of ratios; that of Benjamini and Hochberg, and the E-value of each ratio in a cohort, are rows of
    their own.

    Args:
        cohorts: two or more of one kind with different names, the reference first.
        factors: terms of one exposure each, such as ``diabetes``, ``between(sitting_min)`` or ``within(fluid_ml)``; by
            default those of :func:`declared_factors`.
        outcome: of surveys, a recalled outcome; any cramp by default.
        bands: age bands; those younger than the first limit are left out.
        where: condition that names the same part of all.
        ci_level: confidence level.
        margins: between these a ratio is as good as 1.
        graph: who causes whom; by default that of the study.

    Raises:
        UsageError: the cohorts are of two kinds or of one name, or the graph does not know a factor.
    """
    if len({cohort.kind for cohort in cohorts}) != 1 or len({cohort.name for cohort in cohorts}) < len(cohorts):
        raise UsageError("factors are compared between cohorts of one kind with different names")
    bands = bands or AgeBands()
    survey = cohorts[0].kind == "survey"
    asked: dict[str, Any] = {
        "model": "survey-poisson" if survey else "poisson",
        "outcome": (outcome or "any_cramp") if survey else "cramps",
        "where": _from_age(cohorts, bands, where),
        "ci_level": ci_level,
        "bands": bands,
        "participants_per_coefficient": PER_COEFFICIENT,
    }
    made: list[Row] = []
    for factor in declared_factors(cohorts) if factors is None else factors:
        if any(_measured(cohort, factor) for cohort in cohorts):
            made += _of_factor(cohorts, _one_night_before(factor, asked), asked | {"graph": graph}, margins)
    whole = part_of(f"{bands.limits[0]}+" if asked["where"] != where else ALL, where)
    cells = [{name: cell for name, cell in row.items() if name != "key"} | {"population": whole} for row in made]
    rows = [estimates.row(**each) for each in cells]
    own = [row for row in rows if row["analysis"] == kinds.FACTOR_IN_COHORT.name]
    return estimates.frame([*multiplicity.with_holm(rows, _tested, "contrasts"), *multiplicity.e_value_rows(own)])


def declared_factors(cohorts: Sequence[Cohort]) -> list[str]:
    """Return the exposures of declared contrasts that a cohort measured, as terms, each variable once.

    A nightly exposure stands within persons where that is declared, and else between them. Age stands in years, calcium
    in blood corrected for albumin where that is known, and what was eaten on one recalled day where no night has it.
    """
    measured = [measured_in(cohort) for cohort in cohorts]
    nightly = frozenset[str]().union(*(diary_columns(cohort) for cohort in cohorts if cohort.kind == "diary"))
    made: dict[str, str] = {}
    for contrast in contrasts.declared():
        name = contrast.name
        better = _INSTEAD.get(name, name.removeprefix(_RECALLED))
        doubled = better != name and all(better in each for each in measured)
        if doubled or not any(name in each for each in measured):
            continue
        part = "within" if contrast.kind in _OF_DEVIATIONS else "between"
        if name not in made or part == "within":
            made[name] = f"{part}({name})" if name in nightly else name
    return list(made.values())


def _tested(row: Row) -> bool:
    return bool(row["analysis"] == kinds.FACTOR_BETWEEN.name)


def _measured(cohort: Cohort, factor: str) -> bool:
    return _columns(factor) <= measured_in(cohort)


def _columns(factor: str) -> set[str]:
    return formula.columns_in(formula.parse(exposures.unsplit(factor)))


def _from_age(cohorts: Sequence[Cohort], bands: AgeBands, where: str | None) -> str | None:
    if not all(cohort.has("age_years") for cohort in cohorts):
        return where
    return " AND ".join([f"age_years >= {bands.limits[0]}", *([f"({where})"] if where else [])])


def _of_factor(cohorts: Sequence[Cohort], factor: str, asked: Mapping[str, Any], margins: Margins) -> list[Row]:
    """Return the ratios of a factor in each cohort, and by how much those of the others part from that of the first."""
    (name,) = formula.columns_in(formula.parse(exposures.unsplit(factor)))
    (asked["graph"] or study()).node(name)
    # In all it is adjusted for the same, which all have measured.
    shared = frozenset[str].intersection(*(measured_in(cohort, name) for cohort in cohorts))
    found = _with_one_adjustment(cohorts, [_slope(cohort, factor, shared, asked) for cohort in cohorts], asked)
    made: list[Row] = []
    for contrast in next(filter(None, map(_contrasts, found)), [None]):
        own = [_in_cohort(each, factor, contrast, asked, margins) for each in found]
        made += [*own, *(_of_ratios(row, own[0], margins) for row in own[1:])]
    return made


def _one_night_before(factor: str, asked: Mapping[str, Any]) -> str:
    """Return a factor, one within participants that the cramps of its night can move as that of the night before."""
    found = exposures.find(factor)
    if found is None or found.part != exposures.WITHIN or not _untold(factor, asked):
        return factor
    return str(person_time.part(found.variable, exposures.WITHIN, asked["model"], asked["outcome"]).at_lag(1))


def _untold(factor: str, asked: Mapping[str, Any]) -> str:
    """Return why a factor has no ratio where the cramps of its own nights can move it, nothing where they cannot."""
    (name,) = formula.columns_in(formula.parse(exposures.unsplit(factor)))
    found = exposures.find(factor)
    if (found and found.steps) or not codebook.can_move(asked["outcome"], name):
        return ""
    return _MEAN_MOVED if found and found.part == exposures.BETWEEN else SAME_NIGHT


def _slope(cohort: Cohort, factor: str, shared: frozenset[str], asked: Mapping[str, Any]) -> _Slope:
    if not _measured(cohort, factor):
        lost = next((name for name in _columns(factor) if name in all_set_aside(cohort)), factor)
        return _Slope(cohort.name, absent=absent(cohort, lost))
    if cohort.frame("participants").height < FEWEST:
        return _Slope(cohort.name, why_not=f"fewer than {FEWEST} participants")
    if subpopulation.too_young(cohort, youngest := asked["bands"].limits[0]):
        return _Slope(cohort.name, why_not=f"nobody is {youngest} years or older")
    if untold := _untold(factor, asked):
        return _Slope(cohort.name, why_not=untold)
    lagged = exposures.find(factor)
    try:
        if lagged and lagged.leave_out and lagged.shift == 1:
            made = lags_fit(cohort, lagged.variable, measured=shared, **asked)
        else:
            made = adjusted_fit(cohort, factor, measured=shared, **asked)
    except (AnalysisError, UsageError) as problem:
        # The factor is known, or the first cohort would have said so: this cohort lacks something, such as a weight.
        return _Slope(cohort.name, why_not=estimates.reason(problem))
    return _Slope(cohort.name, made)


def _with_one_adjustment(cohorts: Sequence[Cohort], slopes: Sequence[_Slope], asked: Mapping[str, Any]) -> list[_Slope]:
    """Return the models, those that are adjusted for more than another fitted anew without it.

    A model of few participants lacks terms, and what is the same for everybody in one cohort is no term there.
    """
    held = [_variables(slope) for slope in slopes]
    known = [each for each in held if each is not None]
    shared = frozenset[str].intersection(*known) if known else frozenset()
    more = {name: cell for name, cell in asked.items() if name not in ("graph", "participants_per_coefficient")}
    made = []
    for cohort, slope, own in zip(cohorts, slopes, held, strict=True):
        predictor = slope.fitted.fit.predictor if slope.fitted else None
        if own is None or own == shared or slope.fitted is None or predictor is None:
            made.append(slope)
            continue
        design = predictor.design
        kept = {term for term in design.terms() if {*design.names[term]} - {*slope.fitted.terms} <= shared}
        asked_for = {str(term) for term in formula.parse(predictor.terms)}
        terms = formula.without(predictor.terms, asked_for - kept)
        again = fit(cohort, terms=terms, analysis=kinds.GRAPH_ADJUSTED.name, **more)
        lost = sorted(own - shared)
        said = f"adjusted for the same in all cohorts, and not for {wording.listed(lost)}, for which not all can be"
        enough = Sufficiency(said, adjustment.cells(adjustment.NOT_TAKEN_IN, lost))
        made.append(_Slope(slope.cohort, AdjustedFit(again, slope.fitted.terms, enough)))
    return made


def _variables(slope: _Slope) -> frozenset[str] | None:
    """Return what a model is adjusted for, ``None`` where there is no model."""
    linear = slope.fitted.fit.linear if slope.fitted else None
    if linear is None or slope.fitted is None:
        return None
    others = (term for term in linear.design.terms() if term not in slope.fitted.terms)
    return frozenset(name for term in others for name in linear.design.names[term])


@dataclass(frozen=True, slots=True)
class _Contrast:
    """How far apart (``step``) the values ``level`` and ``reference`` of an exposure are, ``printed``; of levels 1.

    Where they are centiles, ``centiles_of`` is the cohort whose.
    """

    step: float
    level: str | None
    reference: str | None
    printed: str | None
    of_level: bool
    centiles_of: str | None = None


def _contrasts(slope: _Slope) -> list[_Contrast]:
    """Return between which values an exposure is compared: one contrast, of what has levels one for each."""
    linear = slope.fitted.fit.linear if slope.fitted else None
    if linear is None or slope.fitted is None:
        return []
    own = [(i, column) for i, column in enumerate(linear.design.columns) if column.term in slope.fitted.terms]
    for each in linear.design.declared.contrasts:
        if any(each.vector[i] for i, _ in own):
            step = float(sum(each.vector[i] for i, _ in own))
            whose = slope.cohort if each.centiles else None
            return [_Contrast(step, each.level, each.reference, each.printed, of_level=False, centiles_of=whose)]
    return [_Contrast(1.0, column.level, column.reference, None, of_level=True) for _, column in own]


def _in_cohort(
    slope: _Slope, factor: str, contrast: _Contrast | None, asked: Mapping[str, Any], margins: Margins
) -> Row:
    """Return the row of the ratio of an exposure in a cohort at a contrast, that of all cohorts."""
    term = factor if contrast is None or contrast.of_level else f"{wording.CONTRAST}{factor}"
    cells: Row = {"cohort": slope.cohort, "analysis": kinds.FACTOR_IN_COHORT.name, "term": term}
    cells |= {name: asked[name] for name in ("model", "outcome", "ci_level")}
    cells |= {"scale": "prevalence_ratio" if asked["model"].startswith("survey") else "rate_ratio"}
    if contrast:
        cells |= {"level": contrast.level, "reference": contrast.reference, "unit": contrast.printed}
        cells |= {"facts": facts.written({CENTILES: contrast.centiles_of})}
    if slope.fitted is None:
        lacking: Row = {"status": "not_estimable", "note": slope.why_not, **(slope.absent or {})}
        own_facts = {**facts.read(cells.get("facts")), **facts.read(lacking.get("facts"))}
        return estimates.row(**cells | lacking | {"facts": own_facts})
    own = _row_of(slope.fitted, contrast)
    cells |= {name: own[name] for name in ("n_participants", "n_nights", "n_events", "n_groups", "n_exposed")}
    cells |= {name: own[name] for name in ("adjusted_for", "adjustment", "lacks", "note")}
    linear = slope.fitted.fit.linear
    if linear is not None and own["status"] == "boundary":
        # Why its own interval has no end is said again of this one, where it has none either.
        cells["note"] = estimates.note(slope.fitted.said, linear.cells.get("note") or "")
    place = None if linear is None or contrast is None else _place(linear, slope.fitted, contrast)
    if linear is None or contrast is None or place is None or not np.isfinite(linear.variance[place, place]):
        why = own["note"] or f"nobody of {slope.cohort} is at this level"
        return estimates.row(status="not_estimable", **cells | {"note": why})
    value = float(linear.coefficients[place]) * contrast.step
    error = float(np.sqrt(linear.variance[place, place])) * abs(contrast.step)
    df = float(linear.df[place])
    cells |= {"std_error": error, "df": df, "p_value": p_value(value / error, df) if error else None}
    made = shown(value, quantile(asked["ci_level"], df) * error, linear.scale, cells)
    made = person_time.judged_inside(made, linear, linear.design.columns[place].term, contrast.step, margins)
    # What its own row has no verdict on, as that of a mean that is not reliable, has none here.
    silent = not contrast.of_level and own["status"] == "converged" and own["verdict"] is None
    if not silent or made["verdict"] == "too few":
        return made
    untold = {name: facts.fact(own, name) or None for name in ("no verdict", "beyond")}
    return facts.with_facts(made, untold) | {"verdict": None}


def _row_of(made: AdjustedFit, contrast: _Contrast | None) -> Row:
    """Return the row of a fit whose counts and remarks are those of an exposure at a contrast."""
    rows = made.estimates
    levelled = contrast is not None and contrast.of_level and contrast.level is not None
    own = rows[rows["level"] == contrast.level] if contrast and levelled else rows
    every = wording.with_none(own if len(own) else rows)
    return every[-1 if contrast and not contrast.of_level else 0]


def _place(linear: Linear, made: AdjustedFit, contrast: _Contrast) -> int | None:
    """Return the column of an exposure, of what has levels that of the level of a contrast."""
    for i, column in enumerate(linear.design.columns):
        same = (column.level, column.reference) == (contrast.level, contrast.reference)
        if column.term in made.terms and (same or not contrast.of_level):
            return i
    return None


def _of_ratios(row: Row, first: Row, margins: Margins) -> Row:
    """Return how many times the ratio of the first cohort that of another one is, of independent cohorts."""
    cells = {name: row[name] for name in ("cohort", "outcome", "model", "term", "scale", "ci_level")}
    cells |= {
        "analysis": kinds.FACTOR_BETWEEN.name,
        "reference": first["cohort"],
        "level": row["unit"] or row["level"],
        "unit": "ratio of ratios",
        "adjusted_for": row["adjusted_for"],
    }
    counts = ("n_participants", "n_nights", "n_events", "n_groups", "n_exposed")
    both = {name: row[name] + first[name] for name in counts if row[name] is not None and first[name] is not None}
    lacking = [each for each in (first, row) if each["estimate"] is None or each["std_error"] is None]
    if lacking:
        whose = "" if len(lacking) == 2 and lacking[0]["note"] == lacking[1]["note"] else f" ({lacking[0]['cohort']})"
        status: estimates.Status = (
            "not_measured" if any(each["status"] == "not_measured" for each in lacking) else "not_estimable"
        )
        why = str(lacking[0]["note"])
        # What has a number without an interval says that first, and then what its number is of.
        why = why if lacking[0]["estimate"] is None else why.partition("; ")[0]
        return estimates.row(status=status, **cells | {"note": f"{why}{whose}"})
    variances = [each["std_error"] ** 2 for each in (row, first)]
    error, df = float(np.sqrt(sum(variances))), sum_df(variances, [row["df"], first["df"]])
    value = float(np.log(row["estimate"] / first["estimate"]))
    around = np.exp(
        [value, value - quantile(row["ci_level"], df) * error, value + quantile(row["ci_level"], df) * error]
    )
    cells |= both | dict(zip(("estimate", "ci_low", "ci_high"), map(float, around), strict=True))
    cells |= {"std_error": error, "df": df, "p_value": p_value(value / error, df) if error else None}
    made = person_time.judged(estimates.row(status="converged", **cells), margins)
    # What says nothing in one cohort says nothing of how the two part.
    if few := [each for each in (first, row) if each["verdict"] == "too few"]:
        grounds = [(each["cohort"], why) for each in few for why in verdicts.grounds(each)]
        return made | {"verdict": "too few", "note": "; ".join(f"in {name} it rests {why}" for name, why in grounds)}
    silent = [_silent(each) for each in (first, row) if each["verdict"] is None]
    beyond = any(facts.fact(each, "beyond") for each in (first, row))
    why = f"no verdict, as on the ratio of {wording.listed(silent)}" if silent else ""
    return verdicts.unjudged(made, why, beyond=beyond) if silent else made


def _silent(row: Row) -> str:
    """Return the cohort of a ratio without a verdict, and why it has none."""
    why = facts.fact(row, "no verdict").removesuffix(": no verdict")
    return f"{row['cohort']} ({why})" if why else str(row["cohort"])
