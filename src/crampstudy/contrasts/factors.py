"""Tables of factors: each adjusted for age and sex first, all together beside, one test a factor in each family."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import codebook, estimates, suggestions, wording
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.contrasts.age_term import age_term
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, note
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.coefficients.rows import TEST
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.nights import people
from crampstudy.progress import track

COMMON = 0.31
"""From this prevalence on an odds ratio is no longer close to the ratio of prevalences, which comes first."""
_AGE, _SEX, _BMI = ("age_years", "age_decade", "age_band"), "sex", "bmi_kg_m2"
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Factor:
    """A factor as it stands in a formula, its variable's name, and what it is adjusted for first."""

    term: str
    name: str
    beside: tuple[str, ...]


def factor_table(
    cohort: Cohort,
    factors: Sequence[str],
    *,
    models: Sequence[str],
    outcome: str | None = None,
    **more: Any,
) -> pd.DataFrame:
    """Return the ratios of ``factors``, each adjusted for age and sex, then all of them adjusted for one another.

    Each factor has a model of its own with a natural cubic spline of age and sex, and of a laboratory value with
    body-mass index; what it is adjusted for stands in ``adjusted_for``. Of the first of the ``models`` there is a
    second analysis with all factors in one model; the other models stand beside, each with the first analysis.

    ``q_value`` is that of Benjamini and Hochberg within a family: the factors of one analysis and model. A factor is
    one test: its coefficient's, or a joint Wald test where it has several, which is a row of its own. The rows per unit
    and of a declared contrast are the same test and show the same ``q_value``; ``note`` says how many tests there are.

    Args:
        cohort: a diary or a survey.
        factors: terms of one variable each, such as ``diabetes`` or ``log(crp_mg_l)``.
        models: models by name, the primary one first.
        outcome: one of the models' outcomes.
        more: other arguments of :func:`crampstudy.fit`, such as ``where``, ``weight``, ``per`` or ``margins``; with
            ``participants_per_coefficient`` the last factors that would make a model too large are left out, and named.

    Raises:
        UsageError: a factor is no term, or there are none; else as :func:`crampstudy.fit`.

    Source: Benjamini and Hochberg 1995; Westreich and Greenland 2013 (the table 2 fallacy of mutual adjustment).
    """
    if not factors or not models:
        raise UsageError("a table of factors needs at least one factor and one model")
    asked = [_factor(cohort, term) for term in factors]
    if len({factor.name for factor in asked}) < len(asked):
        raise UsageError(f"two of the factors {', '.join(factors)} are of one variable; name each variable once")
    made: list[_Row] = []
    for model in models:
        fits = [
            _fitted(cohort, [factor], factor.beside, model, outcome, kinds.ADJUSTED, more)
            for factor in track(asked, "factors")
        ]
        made += with_q_values([_rows(found, factor) for factor, found in zip(asked, fits, strict=True)])
        if model == models[0]:
            made += with_q_values(_together(cohort, asked, model, outcome, more))
    return estimates.frame(made)


def survey_models(
    cohort: Cohort, outcome: str, *, where: str | None = None, weight: str | None = None
) -> tuple[str, ...]:
    """Return the models of a recalled outcome: of a common one (:data:`COMMON`) prevalence ratios first, odds beside.

    Raises:
        UsageError: the cohort is no survey, or has no such outcome.
    """
    if cohort.design is None:
        raise UsageError(f"{cohort.name} is no survey, whose recalled outcomes have a prevalence")
    if outcome not in recalled_outcomes.CONTRASTS:
        said, known = f"no recalled outcome {outcome!r}", recalled_outcomes.CONTRASTS
        raise suggestions.unknown(UsageError, said, outcome, known, f"allowed: {', '.join(known)}")
    frame = people(cohort)
    events = recalled_outcomes.binary(frame, outcome)
    weights = frame[weight or recalled_outcomes.weight_for(cohort.design, ())].fill_null(0.0).to_numpy()
    used = np.isfinite(events) & subpopulation.select(frame, where).inside.to_numpy() & (weights > 0)
    common = used.any() and np.average(events[used], weights=weights[used]) >= COMMON
    return ("survey-poisson", "survey-logistic") if common else ("survey-logistic",)


def _factor(cohort: Cohort, term: str) -> _Factor:
    names = formula.names_in(formula.parse(term))
    if len(names) != 1:
        raise UsageError(f"a factor is a term of one variable, such as diabetes or log(crp_mg_l); got {term!r}")
    (name,) = names
    return _Factor(term, name, _beside(cohort, name, {name}))


def _beside(cohort: Cohort, name: str, present: Collection[str]) -> tuple[str, ...]:
    """Return what a variable is adjusted for first, but for what is ``present`` as a factor."""
    known = codebook.find(name)
    beside = [] if {*_AGE} & {*present} else [age_term(cohort)]
    beside += [] if _SEX in present else [_SEX]
    return (*beside, _BMI) if known and known.laboratory and _BMI not in present else tuple(beside)


def _together(
    cohort: Cohort, factors: Sequence[_Factor], model: str, outcome: str | None, more: Mapping[str, Any]
) -> list[list[_Row]]:
    """Return the rows of each factor in one model of all, adjusted as well for what any of them is adjusted for."""
    present = {factor.name for factor in factors}
    beside = dict.fromkeys(term for factor in factors for term in _beside(cohort, factor.name, present))
    found = _fitted(cohort, factors, tuple(beside), model, outcome, kinds.MUTUAL, more)
    return [_rows(found, factor) for factor in factors]


def _fitted(
    cohort: Cohort,
    factors: Sequence[_Factor],
    beside: Sequence[str],
    model: str,
    outcome: str | None,
    kind: kinds.Kind,
    more: Mapping[str, Any],
) -> Fit:
    terms = [factor.term for factor in factors]
    own = {name: by for name, by in (more.get("per") or {}).items() if name in terms}
    asked = {**more, "per": own, "analysis": kind.name}
    # The last terms are those that a model of few participants lacks: factors, and never what they are adjusted for.
    besides = [*beside, *(terms if len(terms) > 1 else ())]
    terms = [*beside, *terms]
    return fit(cohort, model=model, outcome=outcome, terms=" + ".join(terms), adjusted_for=besides, **asked)


def _rows(fitted: Fit, factor: _Factor) -> list[_Row]:
    """Return the rows of a factor, of one with several coefficients after their joint test."""
    shown = formula.as_shown(factor.term, fitted.estimates["term"].tolist())
    rows = fitted.estimates[fitted.estimates["term"].isin([shown, f"{wording.CONTRAST}{factor.name}"])]
    cells = wording.with_none(rows)
    return [*joint_test(fitted, shown, cells), *cells]


def joint_test(fitted: Fit, term: str, rows: Sequence[_Row]) -> Iterator[_Row]:
    """Yield the Wald test of a term of several coefficients, beside its ``rows``; that of one is its own row's."""
    if fitted.linear is None or any(row["scale"] == TEST for row in rows):
        return
    linear = fitted.linear
    places = [i for i, c in enumerate(linear.design.columns) if c.term == term and np.isfinite(linear.coefficients[i])]
    if len(places) < 2:
        return
    tested = linear.joint_test(places)
    if tested["status"] != "converged":
        return
    shared = ("cohort", "population", "outcome", "analysis", "estimand", "model", "ci_level", "note")
    held = ("adjusted_for", "adjustment", "lacks")
    counts = ("n_participants", "n_nights", "n_events", "n_groups")
    cells = {name: rows[0][name] for name in (*shared, *held, *counts)}
    yield estimates.row(term=term, **cells, **tested)


def with_q_values(family: Sequence[Sequence[_Row]]) -> list[_Row]:
    """Return the rows of the factors of one ``family``, each with the q-value of its factor's test."""
    from statsmodels.stats.multitest import multipletests

    tests = [_test(rows) for rows in family]
    p_values = [row["p_value"] for row in tests if row is not None]
    if not p_values:
        return [row for rows in family for row in rows]
    adjusted = iter(multipletests(p_values, method="fdr_bh")[1])
    size = f"{len(p_values)} test{'s' if len(p_values) > 1 else ''} in the family of each q (Benjamini-Hochberg)"
    made: list[_Row] = []
    for rows, test in zip(family, tests, strict=True):
        if test is None:
            made += rows
            continue
        more = {"q_value": float(next(adjusted))}
        # Per unit and at its declared contrast a number has the same test.
        same = [row for row in rows if row["scale"] == test["scale"] and row["p_value"] is not None]
        made += [row | more | {"note": note(row["note"] or "", size)} if row in same else row for row in rows]
    return made


def _test(rows: Sequence[_Row]) -> _Row | None:
    """Return the row that shows the test of a factor: the joint one, where there is one."""
    tested = [row for row in rows if row["p_value"] is not None]
    return next((row for row in tested if row["scale"] == TEST), tested[0] if tested else None)
