"""``compare``: cohorts by the same groups, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.age_bands import (
    AgeBands,
    AnyStandard,
    Standard,
    StandardPopulation,
    population,
)
from crampstudy.cohort import Cohort
from crampstudy.contrasts import multiplicity
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.adjusted import Over
from crampstudy.contrasts.cohorts.asked import (
    ComparisonRequest,
    adjusted_terms,
    check_by,
    check_where,
    reference_of,
    standard_of,
)
from crampstudy.contrasts.cohorts.few_events import Method
from crampstudy.contrasts.cohorts.further.common_measure import compare_kinds
from crampstudy.contrasts.cohorts.further.pool import pool_cohorts
from crampstudy.contrasts.cohorts.further.standardised_extras import check_asked, standardised_extras
from crampstudy.contrasts.cohorts.joint_models import joint_models
from crampstudy.contrasts.cohorts.measures import OUTCOMES, GroupMeasures, everybody, measures
from crampstudy.contrasts.cohorts.naming import named
from crampstudy.descriptive import Description, describe
from crampstudy.descriptive.rates import ALL, rates
from crampstudy.errors import BandError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.nights import people

Row = dict[str, Any]


def compare(
    first: Cohort,
    second: Cohort,
    by: str = "age_band",
    *,
    others: Sequence[Cohort] = (),
    names: Sequence[str] | None = None,
    reference: str | None = None,
    bands: AgeBands | None = None,
    standard: AnyStandard | str = "who",
    where: str | None = None,
    adjust: str = "",
    average_over: Over = "all",
    pool: bool = False,
    few_events: Method | None = None,
    bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    ci_level: float = 0.95,
    margins: Margins = MARGINS,
) -> Description:
    """Describe cohorts by the same groups, and compare them group by group.

    Of cohorts of one kind the rows of each are followed by the ratio and the difference of each group between every
    other cohort and the reference, crude and, by age, at the ages of a standard population; by the test that the
    groups differ alike in all of them, alone and adjusted for sex; and by the trend with age in each. A diary's rate
    and a survey's recalled prevalence are different measures, of which nothing is compared.

    ``q_value`` is Holm's p-value over the groups of one cohort against the reference, named in ``note``; a group with
    too few participants says so, and is never put together with another.

    Args:
        first: a diary or a survey.
        second: another one.
        by: what all are grouped by: ``age_band``, ``sex`` or another level or yes-or-no variable of participants.
        others: further cohorts.
        names: what the cohorts are called; by default as they are, and ``A``, ``B`` and so on where two have one name.
        reference: the name of the cohort that the others are compared with; the first by default.
        bands: age bands of all.
        standard: standard population: ``who``, ``esp2013``, ``none``, a
            :class:`~crampstudy.age_bands.StandardPopulation`, the name of a CSV file of one, or that of one of the
            cohorts, for its own ages.
        where: condition that names the same part of all.
        adjust: further terms, such as ``sex + bmi_kg_m2``, of a model of all cohorts.
        average_over: whose participants that model is averaged over: those of ``all`` cohorts or of the ``reference``.
        pool: also take the cohorts of the reference's kind together, each a stratum.
        few_events: also give diaries' standardised rates the interval ``gamma``, ``dobson`` or ``log`` of few events.
        bootstrap: also draw the participants of each diary so many times, for the standardised ratio and difference.
        rng: the source of these draws.
        ci_level: confidence level.
        margins: between these a ratio is as good as 1.

    Raises:
        UsageError: the names are not different, one for each cohort, the reference is none of them, or as
            :func:`crampstudy.describe`.
        BandError: the bands do not fit the ages of one of them.
    """
    cohorts = named((first, second, *others), names)
    first_name = reference_of(cohorts, reference)
    bands = bands or AgeBands()
    adjust = adjusted_terms(cohorts, adjust, bands)
    asked = ComparisonRequest(
        by,
        bands,
        standard_of(standard, cohorts, bands, where),
        where,
        adjust,
        ci_level,
        margins,
        average_over=average_over,
        few_events=few_events,
        bootstrap=bootstrap,
        rng=rng,
    )
    check_asked(asked)
    for cohort in cohorts:
        check_by(cohort, by, bands)
        check_where(cohort, bands, where)
    ordered = sorted(cohorts, key=lambda cohort: cohort.name != first_name)
    alike = [cohort for cohort in ordered if cohort.kind == ordered[0].kind]
    if pool and len(alike) < 2:
        said = f"pool (--pool) takes cohorts of one kind together, and {alike[0].name} alone is a {alike[0].kind}"
        raise UsageError(f"{said}; leave it out, or name another {alike[0].kind}")
    described = [
        describe(each, by, bands=bands, standard=asked.standard, where=where, ci_level=ci_level) for each in cohorts
    ]
    tables = [each.estimates for each in described]
    if len(alike) > 1:
        tables += [estimates.frame(rows) for rows in (_everybody_described(alike, asked), _compared(alike, asked))]
    shared: dict[str, Any] = {"bands": bands, "where": where, "ci_level": ci_level}
    others_of_kind = [cohort for cohort in ordered if cohort.kind != ordered[0].kind]
    tables += [compare_kinds(each, ordered[0], **shared, margins=margins) for each in others_of_kind]
    if pool:
        tables.append(pool_cohorts(alike, by, **shared))
    return Description(
        pd.concat(tables, ignore_index=True), tuple(account for each in described for account in each.accounts)
    )


def _compared(cohorts: Sequence[Cohort], asked: ComparisonRequest) -> list[Row]:
    """Return the rows of the contrasts of cohorts of one kind, the reference first."""
    survey = cohorts[0].kind == "survey"
    outcomes: dict[str, str | None] = dict(OUTCOMES) if survey else {"cramps": None}
    made: list[Row] = []
    for outcome, of_model in outcomes.items():
        found = [measures(each, asked.by, asked.bands, outcome=outcome, where=asked.where) for each in cohorts]
        groups = [
            row
            for cohort, other in zip(cohorts[1:], found[1:], strict=True)
            for row in (*_by_group(other, found[0], asked), *_of_everybody(cohort, cohorts[0], asked))
        ]
        of = "groups" if len(cohorts) == 2 else f"groups of {len(cohorts) - 1} cohorts"
        rows = multiplicity.with_holm(groups, partial(_in_family, asked), of)
        joint = joint_models(cohorts, found, of_model, asked)
        made += [*rows, *joint, *multiplicity.e_value_rows([*groups, *(row for row in joint if _is_adjusted(row))])]
        if found[0].standard and asked.standard != "none":
            made += standardised_extras(cohorts, found, asked.standard, asked)
    return made


def _is_adjusted(row: Row) -> bool:
    return bool(row["analysis"] == kinds.BETWEEN_ADJUSTED.name)


def _in_family(asked: ComparisonRequest, row: Row) -> bool:
    """Say whether a row is the ratio of a group: a difference has its ratio's test, and all are made up of groups."""
    of_group = row["analysis"] == kinds.BETWEEN_COHORTS.name and row["level"] not in (asked.whole, ALL)
    return of_group and str(row["scale"]).endswith("_ratio")


def _has_unaged(cohort: Cohort, asked: ComparisonRequest) -> bool:
    """Say whether a diary that is compared by age has participants without one."""
    by_age = asked.by == "age_band" and cohort.kind == "diary"
    return by_age and people(cohort)["age_years"].null_count() > 0


def _everybody_described(cohorts: Sequence[Cohort], asked: ComparisonRequest) -> list[Row]:
    """Return the rate of all participants of each diary that is compared as a whole and has no such row of its own."""
    unaged = [_has_unaged(cohort, asked) for cohort in cohorts]
    if not any(unaged):
        return []
    lacking = [cohort for i, cohort in enumerate(cohorts) if not unaged[i] and (i == 0 or unaged[0])]
    more: dict[str, Any] = {"standard": "none", "where": asked.where, "ci_level": asked.ci_level, "everybody": True}
    made = [row for cohort in lacking for row in rates(cohort, "age_band", asked.bands, **more)[0]]
    return [row for row in made if row["level"] == ALL]


def _of_everybody(cohort: Cohort, reference: Cohort, asked: ComparisonRequest) -> list[Row]:
    """Return the rows of all participants of a diary that is compared by age, where one of either has no age."""
    if not _has_unaged(cohort, asked) and not _has_unaged(reference, asked):
        return []
    one, other = (everybody(each, asked.bands, asked.where) for each in (cohort, reference))
    cells = _crude(_cells(one, other, asked), ALL, asked)
    return between.rows_of(between.side(one, ALL), between.side(other, ALL), cells, margins=asked.margins)


def _cells(one: GroupMeasures, other: GroupMeasures, asked: ComparisonRequest) -> Row:
    """Return what all rows of a cohort against the reference say."""
    return {
        "cohort": one.cohort,
        "reference": other.cohort,
        "outcome": one.outcome,
        "term": asked.by,
        "scale": one.scale,
        "unit": one.unit,
        "ci_level": asked.ci_level,
    }


def _crude(cells: Row, label: str, asked: ComparisonRequest) -> Row:
    own = {"level": label, "population": part_of(label, asked.where)}
    return cells | own | {"analysis": kinds.BETWEEN_COHORTS.name, "estimand": "crude, by group"}


def _by_group(one: GroupMeasures, other: GroupMeasures, asked: ComparisonRequest) -> list[Row]:
    """Return the rows of each group of a cohort against that of the reference, and at the ages of a standard."""
    cells = _cells(one, other, asked)
    # The last is everybody, whom the groups make up.
    groups = dict.fromkeys((*other.labels[:-1], *one.labels[:-1], other.labels[-1], one.labels[-1]))
    made: list[Row] = []
    for label in groups:
        own = _crude(cells, label, asked)
        made += between.rows_of(between.side(one, label), between.side(other, label), own, margins=asked.margins)
    if one.standard and asked.standard != "none":
        made += _standardised(one, other, cells, asked.standard, asked)
    return made


def _standardised(
    one: GroupMeasures,
    other: GroupMeasures,
    cells: Row,
    standard: Standard | StandardPopulation,
    asked: ComparisonRequest,
) -> list[Row]:
    own = cells | {
        "level": asked.whole,
        "population": part_of(asked.whole, asked.where),
        "analysis": kinds.BETWEEN_STANDARDISED.name,
        "estimand": f"at the ages of the {population(standard).label}",
    }
    try:
        weights = np.array(asked.bands.standard_weights(standard))
    except BandError as error:
        scales = (f"{one.scale}_ratio", "difference")
        return [
            estimates.row(status="not_estimable", **own | {"scale": scale, "note": estimates.reason(error)})
            for scale in scales
        ]
    this, that = (between.standardised(each, weights, each.cohort) for each in (one, other))
    return between.rows_of(this, that, own, margins=asked.margins)
