"""Ratios of conditions and drugs, each adjusted as the causal graph asks, and how they differ with age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd

from crampstudy import estimates, wording
from crampstudy.causal import study
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.compute import shared
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.factors import joint_test, with_q_values
from crampstudy.contrasts.people.ratios_by_age import Row, ratios_by_age
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.absent import SET_ASIDE, absent, why_set_aside
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.terms.columns import quoted
from crampstudy.models.validation import default_outcome


@dataclass(frozen=True, slots=True)
class HealthCondition:
    """A condition, drug or measure by ``name``, compared in all or ``among`` those whom an expression names.

    ``again`` says that the rows are a variation of another condition's, and no test of their own.
    """

    name: str
    among: str | None = None
    again: bool = False


def condition_ratios(
    cohort: Cohort,
    conditions: Sequence[HealthCondition],
    *,
    model: str,
    outcome: str | None = None,
    where: str | None = None,
    margins: Margins = MARGINS,
    **more: Any,
) -> pd.DataFrame:
    """Return the ratio of each condition, and of what is yes or no or a level its ratios at 50 and at 75 years.

    Each condition has a model of its own with what the causal graph asks for beside it. Its ratios by age are of a
    second model with its product with age (per 10 years) and a spline of age beside: at 50, at 75, and the one by the
    other with its test, all from the joint covariance. They are estimated where at least 5 participants with it and 5
    without are on either side of 62.5 years, and of each somebody is as young as 50 and somebody as old as 75.

    ``q_value`` is that of Benjamini and Hochberg in each of two families: the ratios, and the ratios of ratios. In the
    first several levels of a condition are one joint test.

    Args:
        cohort: a diary or a survey.
        conditions: what is compared, in the order of the rows.
        model: a model by its name.
        outcome: one of the model's outcomes.
        where: condition that names a part of the cohort, in which all are compared.
        margins: those of the verdicts.
        more: other arguments of :func:`crampstudy.fit`.

    Raises:
        UsageError: the graph does not know a condition, or there is no such model or outcome.
    """
    default_outcome(model, outcome)
    asked: dict[str, Any] = {"model": model, "outcome": outcome, "margins": margins, "analysis": kinds.CONDITION.name}
    asked |= more
    for condition in conditions:
        (asked.get("graph") or study()).node(condition.name)
    made = shared.each([partial(_of_condition, cohort, each, where, asked) for each in conditions], what="conditions")
    by_age = [at for _, aged in made for at in aged]
    pairs = [(condition, rows) for condition, (rows, _) in zip(conditions, made, strict=True)]
    tested = iter(with_q_values([rows for condition, rows in pairs if not condition.again]))
    of_all = [row for condition, rows in pairs for row in (rows if condition.again else islice(tested, len(rows)))]
    changes = with_q_values([[change] for *_, change in by_age])
    pairs_by_age = zip(by_age, changes, strict=True)
    return estimates.frame([*of_all, *(row for (*at, _), change in pairs_by_age for row in (*at, change))])


def _of_condition(
    cohort: Cohort, condition: HealthCondition, where: str | None, asked: Mapping[str, Any]
) -> tuple[list[Row], list[list[Row]]]:
    """Return the rows of a condition and those by age, or the row that says what the cohort lacks."""
    inside = {**asked, "where": " AND ".join(filter(None, (where, condition.among))) or None}
    try:
        return _ratios(cohort, condition, inside)
    except UsageError as problem:
        # The condition is known: it is the cohort that lacks something, such as the weight of an examination.
        return [_without(cohort, condition, inside, status="not_estimable", note=estimates.reason(problem))], []


def _ratios(cohort: Cohort, condition: HealthCondition, asked: Mapping[str, Any]) -> tuple[list[Row], list[list[Row]]]:
    """Return the rows of a condition, after its joint test where it has several levels, and by level those by age."""
    needed = [condition.name, *(subpopulation.names(condition.among) if condition.among else ())]
    if lacking := [name for name in needed if not cohort.has(name)]:
        return [_without(cohort, condition, asked, **_absent(cohort, condition, lacking[0]))], []
    found = adjusted_fit(cohort, condition.name, terms=(quoted(condition.name),), **asked)
    rows = wording.with_none(found.estimates)
    by_age = ratios_by_age(cohort, condition.name, found, asked) if condition.among is None else []
    return [*joint_test(found.fit, found.terms[0], rows), *rows], by_age


def _absent(cohort: Cohort, condition: HealthCondition, lacking: str) -> Row:
    """Return why a condition has no ratio where a cohort has no value of it, or of what says in whom it is compared."""
    cells = absent(cohort, lacking)
    if lacking == condition.name:
        return cells
    rules = cells["facts"][SET_ASIDE]
    said = f"{lacking} was {'not measured' if rules is None else why_set_aside(rules)}"
    return cells | {"note": said, "facts": {**cells["facts"], "needs": lacking}}


def _without(cohort: Cohort, condition: HealthCondition, asked: Mapping[str, Any], **why: Any) -> Row:
    """Return the row of a condition that has no ratio.

    Args:
        cohort: in which there is none.
        condition: of which there is none.
        asked: how it was asked for.
        why: status, note and facts that say why.
    """
    cells = {name: asked[name] for name in ("model", "outcome", "analysis")} | why
    population = asked["where"] or "all participants"
    return estimates.row(cohort=cohort.name, population=population, term=condition.name, **cells)
