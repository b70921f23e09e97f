"""Design-based prevalence of the recalled frequency classes by age, crude and age-standardised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crampstudy import codebook, estimates, suggestions
from crampstudy.age_bands import AgeBands, AnyStandard, Standard, StandardPopulation, population
from crampstudy.codebook.recalled import GROUPS, LOWS
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.cohort.account import WEIGHTLESS, Account, lost_tables, unmet
from crampstudy.cohort.subpopulation import select_participants
from crampstudy.descriptive.frequency.people_by_level import people_by_level
from crampstudy.descriptive.rates import ALL, said_of_nobody
from crampstudy.errors import AnalysisError, BandError, UsageError
from crampstudy.estimates import kinds, note
from crampstudy.estimates.groups import part_of
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.surveys.domain_means import Means, boundary_interval, domain_means, logit_interval, lonely_note
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.nights import NO_AGE, people, unanswered
from crampstudy.wording import counted

LEVELS: dict[str, tuple[int, ...]] = {
    **GROUPS,
    **{str(single): (single,) for single in range(len(LOWS))},
}
"""Groups of recalled classes, and each class by itself."""

_FEW = 10
_RECALL = "by recall over 30 days"


@dataclass(frozen=True, slots=True)
class _Group:
    """Ages ``[low, high)`` under one label."""

    label: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Proportion:
    """One estimate on its way to a row; NaN where the group is empty."""

    value: float
    std_error: float
    df: int
    n: int
    n_effective: float


def prevalence(
    cohort: Cohort,
    bands: AgeBands | None = None,
    *,
    by: str = "age_band",
    standard: AnyStandard = "who",
    domain: NDArray[np.bool_] | None = None,
    domain_name: str | None = None,
    weight: str | None = None,
    ci_level: float = 0.95,
) -> list[dict[str, Any]]:
    """Return estimates rows: the prevalence of every level of :data:`LEVELS` in each group of a survey.

    Groups are the bands, 50+ and 60+ where a band or anybody is so old, and all ages from the first limit on; the last
    also age-standardised. By another variable they are its levels among those ages, and all of these together. Standard
    errors stand on the proportion scale and intervals are logit t with PSUs - strata degrees of freedom; at 0 or 1 they
    are exact and one-sided, with status boundary.

    Args:
        cohort: a survey.
        bands: age bands, by default from 20, 40, 50, 60, 70 and 80 years.
        by: ``age_band``, or a level or yes/no variable of the participants.
        standard: standard population of the age-standardised rows, or ``none`` for no such rows.
        domain: which participants (participants,) the rows are narrowed to, without leaving the design.
        domain_name: what ``population`` says of the domain.
        weight: another weight column than the interview's.
        ci_level: confidence level.

    Raises:
        BandError: a limit lies above the age at which the survey top-codes ages.
        UsageError: the cohort is no survey, or the weight, the confidence level or the domain cannot be.
        AnalysisError: nobody has a recalled class, or the design cannot be used.

    Source: Korn and Graubard 1999; R ``svyciprop(method = "xlogit")``.
    """
    bands = bands or AgeBands()
    survey = _survey(cohort, bands, ci_level)
    column = _weight(cohort, survey, weight)
    frame = people(cohort)
    answer, ages = recalled_outcomes.classes(frame), frame["age_years"].to_numpy()
    inside = np.isfinite(answer) & _domain(domain, frame.height)
    design = SamplingDesign.of(frame[survey.stratum], frame[survey.psu], frame[column])
    unaged = inside & np.isnan(ages)
    younger = inside & (ages < bands.limits[0])
    known = ages[_domain(domain, frame.height) & np.isfinite(ages)]
    summaries = bands.summaries_up_to(float(known.max()) if known.size else None)
    groups = _groups(bands, summaries, younger=bool(younger.any()), everybody=bool(unaged.any()))
    members = np.column_stack([inside & (((ages >= g.low) & (ages < g.high)) | (g.label == ALL)) for g in groups])
    labels = tuple(group.label for group in groups)
    base = {
        "cohort": cohort.name,
        "outcome": "recalled_class",
        "model": "survey-mean",
        "term": by,
        "scale": "prevalence",
        "unit": "proportion",
        "ci_level": ci_level,
    }
    remark = f"weight {column}"
    nobody = NO_AGE if unaged.any() and (unaged == inside).all() else "nobody answered"
    if unaged.any() and nobody != NO_AGE:
        remark += f"; {counted(int(unaged.sum()), 'participants')} without an age, in the row of all participants alone"
    if by != "age_band":
        old = inside & (ages >= bands.limits[0]) if nobody != NO_AGE else inside
        labels, members = people_by_level(by, frame, old)
        without = int(old.sum() - members.sum())
        labels = (*labels, ALL if nobody == NO_AGE else f"{bands.limits[0]}+")
        members = np.column_stack([members, old])
        remark = f"weight {column}" + ("" if nobody == NO_AGE else f"; ages from {bands.limits[0]} on")
        remark += f"; {counted(without, 'participants')} without a value of {by}, in the last row alone" * (without > 0)
        nobody = "nobody answered"
    rows: list[dict[str, Any]] = []
    for level, classes in LEVELS.items():
        hits = np.isin(answer, classes)
        means = domain_means(hits, members, design)
        events = (members & hits[:, None] & (design.weight > 0)[:, None]).sum(axis=0)
        for i, label in enumerate(labels):
            cells = base | {
                "analysis": kinds.PREVALENCE.name,
                "estimand": f"design-based prevalence in the population, {_RECALL}",
                "population": part_of(label, domain_name),
                "level": level,
                "n_participants": int(means.n[i]),
                "n_events": int(events[i]),
                "n_groups": int(means.psus[i]),
            }
            value, error, size = (float(part[i]) for part in (means.estimate, means.std_error, means.n_effective))
            crude = _Proportion(value, error, int(means.df[i]), int(means.n[i]), size)
            # It names the group, lest what is said of all rows look like more of what is said of this one.
            from_age = f"{ages[members[:, i]].min():g}" if label == bands.labels[0] else ""
            youngest = f"answers from age {from_age} on in {label}; " if from_age else ""
            remarks = note(remark, lonely_note(int(means.lonely[i]))) or ""
            rows.append(_row(cells, crude, "" if crude.n else nobody, youngest + remarks))
            if standard != "none" and by == "age_band" and label == f"{bands.limits[0]}+":
                cells |= {
                    "analysis": kinds.STANDARDISED_PREVALENCE.name,
                    "estimand": f"design-based prevalence at the ages of the standard population, {_RECALL}",
                    "reference": population(standard).label,
                }
                adjusted, reason = _standardise(means, groups, bands, standard, crude)
                rows.append(_row(cells, adjusted, nobody if reason and nobody == NO_AGE else reason, remarks))
    return said_of_nobody(rows, cohort, bands, domain_name) if by == "age_band" else rows


def prevalence_account(cohort: Cohort, where: str | None = None, weight: str | None = None) -> Account:
    """Return what of a survey's participants :func:`prevalence` leaves out, and why.

    Raises:
        UsageError: the cohort is no survey, or the weight or the condition cannot be.
    """
    frame = people(cohort)
    part = select_participants(cohort, frame, where)
    inside, answered = part.inside.to_numpy(), np.isfinite(recalled_outcomes.classes(frame))
    column = _weight(cohort, _survey(cohort, AgeBands((20,)), 0.95), weight)
    weighted = frame[column].fill_null(0.0).to_numpy() > 0
    left_out = (
        *unmet(where, part, frame),
        *unanswered(frame.filter(part.inside), int((inside & ~answered).sum())),
        (WEIGHTLESS, int((inside & answered & ~weighted).sum())),
    )
    return Account("participants", frame.height, left_out, lost_tables(cohort.attrition.tables, "participants"))


def check_bands(cohort: Cohort, bands: AgeBands) -> None:
    """Refuse bands that a survey's top-coded ages cannot fill.

    Raises:
        BandError: the last band begins above the age at which ages are top-coded.
    """
    top = cohort.design.top_coded_age if cohort.design else None
    if top is not None and bands.limits[-1] > top:
        raise BandError(
            f"the lower limit {bands.limits[-1]} lies above {top}, the age at which {cohort.name} top-codes ages; "
            f"let the last band begin at {top} or below"
        )


def _survey(cohort: Cohort, bands: AgeBands, ci_level: float) -> SurveyDesign:
    if cohort.kind != "survey" or cohort.design is None:
        raise UsageError(
            f"{cohort.name} is a {cohort.kind} without a sampling design; prevalence by design needs a survey"
        )
    if not 0.5 <= ci_level < 1:
        raise UsageError(f"the confidence level is from 0.5 to below 1, e.g. 0.95; got {ci_level}")
    check_bands(cohort, bands)
    if not np.isfinite(recalled_outcomes.classes(cohort.frame("participants"))).any():
        raise AnalysisError(f"{cohort.name}: nobody has a recalled class; recalled_low and recalled_high are empty")
    return cohort.design


def _weight(cohort: Cohort, survey: SurveyDesign, weight: str | None) -> str:
    allowed = list(survey.weights.values())
    column = weight or recalled_outcomes.weight_for(survey, ("age_years", "recalled_class"))
    if column not in allowed:
        said = f"{cohort.name} has no weight {column!r}"
        raise suggestions.unknown(
            UsageError, said, column, codebook.candidates(column, allowed), f"allowed: {', '.join(allowed)}"
        )
    return column


def _domain(domain: NDArray[np.bool_] | None, n: int) -> NDArray[np.bool_]:
    if domain is None:
        return np.ones(n, dtype=np.bool_)
    if domain.shape != (n,) or domain.dtype != np.bool_:
        raise UsageError(
            f"a domain is true or false for each of the {n} participants, got {domain.dtype}{domain.shape}"
        )
    return domain


def _groups(bands: AgeBands, summed: Mapping[str, int], *, younger: bool, everybody: bool) -> tuple[_Group, ...]:
    """Bands from the youngest, then those that are ``summed`` up, each label once, then everybody."""
    first = bands.limits[0]
    edges = (*bands.limits, np.inf)
    parts = [_Group(bands.labels[0], 0.0, first)] if younger else []
    parts += [_Group(*cell) for cell in zip(bands.labels[1:], edges, edges[1:], strict=False)]
    known = {part.label for part in parts}
    summaries = (_Group(label, low, np.inf) for label, low in summed.items())
    whole = [_Group(ALL, -np.inf, np.inf)] if everybody else []
    return (*parts, *(part for part in summaries if part.label not in known), *whole)


def _standardise(
    means: Means,
    groups: tuple[_Group, ...],
    bands: AgeBands,
    standard: Standard | StandardPopulation,
    crude: _Proportion,
) -> tuple[_Proportion, str]:
    """Weigh the bands by the standard; their covariances count, since they share PSUs."""
    nothing = _Proportion(np.nan, np.nan, crude.df, crude.n, 0.0)
    try:
        shares = np.array(bands.standard_weights(standard))
    except BandError as error:
        return nothing, estimates.reason(error)
    labels = [label for label, share in zip(bands.labels[1:], shares, strict=True) if share]
    where = [i for i, group in enumerate(groups) if group.label in labels]
    shares = shares[shares > 0]
    if empty := [groups[i].label for i in where if means.n[i] == 0]:
        return nothing, f"nobody answered in the age band {', '.join(empty)}"
    variance = shares @ means.covariance[np.ix_(where, where)] @ shares
    size = 1.0 / float(np.sum(np.square(shares) / means.n_effective[where]))
    return _Proportion(float(shares @ means.estimate[where]), float(np.sqrt(variance)), crude.df, crude.n, size), ""


def _row(cells: dict[str, Any], found: _Proportion, reason: str, remark: str) -> dict[str, Any]:
    if 0 < found.n < _FEW:
        remark = f"fewer than {_FEW} participants; {remark}"
    if reason:
        return estimates.row(status="not_estimable", **cells, note=reason)
    cells = cells | {"estimate": found.value, "df": float(found.df)}
    if found.df < 1:
        why = f"no more PSUs than strata, so no interval; {remark}"
        return estimates.row(status="boundary", **cells, note=why)
    # A sum of exact zeros or ones may miss the boundary by rounding.
    edge = round(found.value) if min(found.value, 1 - found.value) < 1e-12 else None
    if edge is None:
        low, high = logit_interval(found.value, found.std_error, found.df, cells["ci_level"])
        return estimates.row(
            status="converged", **cells, ci_low=low, ci_high=high, std_error=found.std_error, note=remark
        )
    low, high = boundary_interval(edge, found.n, found.n_effective, found.df, cells["ci_level"])
    cells["estimate"] = float(edge)
    how = "exact one-sided limit, clustering not counted" if found.n >= estimates.FEWEST else ""
    return estimates.row(status="boundary", **cells, ci_low=low, ci_high=high, note=note(how, remark))
