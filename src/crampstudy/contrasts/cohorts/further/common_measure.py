"""A diary beside a survey: the share of people by cramps in 30 nights, the one measure that both have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import estimates, wording
from crampstudy.age_bands import AgeBands
from crampstudy.codebook.recalled import GROUPS
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.contrasts.cohorts import between
from crampstudy.descriptive.classes import EXTRAPOLATED, class_shares
from crampstudy.descriptive.prevalence import prevalence
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.groups import part_of
from crampstudy.estimates.verdicts import MARGINS, Margins, unjudged, verdict
from crampstudy.nights import NO_AGE, people

NOTED = "a log is not recall"
LIMIT = (
    "A log is not recall: a ratio of shares of the two has in it how people differ, and how what they remember differs "
    "from what they would have logged."
)
"""What a comparison of a diary with a survey cannot tell apart."""
MOST_BEYOND = 10.0
"""In per cent: where more of a survey's people are beyond all that a diary has seen, their shares are not compared."""
IMPLIED, WINDOWS = "implied by the diary", "counted in windows of the diary"
Row = dict[str, Any]


def compare_kinds(
    one: Cohort,
    other: Cohort,
    *,
    bands: AgeBands | None = None,
    where: str | None = None,
    ci_level: float = 0.95,
    margins: Margins = MARGINS,
) -> pd.DataFrame:
    """Return the shares of people by cramps in 30 nights of a diary and of a survey, their ratio and difference.

    The diary's are those that its model implies for 30 full nights at the ages and sexes of the survey's people
    (:func:`~crampstudy.descriptive.classes.class_shares`); beside them, as a check, those counted in windows of 30
    nights that were nearly all logged, which are of the diary's own people. The survey's are what its people recall.
    Both are of those from the first limit of the ``bands`` on. ``model`` says which of the diary's shares a row is of.

    Args:
        one: a diary or a survey, whose shares are compared.
        other: the other of the two, that it is compared with.
        bands: age bands, of which the first limit counts.
        where: condition that names the same part of both.
        ci_level: confidence level.
        margins: between these a ratio is as good as 1.

    Raises:
        UsageError: they are not a diary and a survey.
    """
    if {one.kind, other.kind} != {"diary", "survey"}:
        raise UsageError(f"a diary is compared with a survey; {one.name} is a {one.kind}, {other.name} a {other.kind}")
    bands = bands or AgeBands()
    diary, survey = (one, other) if one.kind == "diary" else (other, one)
    first = bands.limits[0]
    inside = " AND ".join([f"age_years >= {first}", *([f"({where})"] if where else [])])
    cells: Row = {"cohort": one.name, "reference": other.name, "outcome": "class_30_days"}
    cells |= {"population": part_of(f"{first}+", where), "ci_level": ci_level, "scale": "prevalence"}
    cells |= {"analysis": kinds.BETWEEN_KINDS.name, "unit": "proportion"}
    if unaged := [each.name for each in (one, other) if people(each)["age_years"].null_count() == people(each).height]:
        lacking = cells | {"scale": "prevalence_ratio", "note": f"{NO_AGE} ({wording.listed(unaged)})"}
        return estimates.frame(estimates.row(status="not_estimable", level=level, **lacking) for level in GROUPS)
    try:
        logged = class_shares(diary, standard=survey, where=inside, bands=bands, ci_level=ci_level).estimates
        recalled = _recalled(survey, first, where, ci_level)
    except (AnalysisError, UsageError) as problem:
        # What one of them lacks, such as an age or a sex, leaves the two without a measure in common.
        lacking = cells | {"scale": "prevalence_ratio", "note": estimates.reason(problem)}
        return estimates.frame(estimates.row(status="not_estimable", level=level, **lacking) for level in GROUPS)
    made: list[Row] = []
    for kind, said in ((kinds.CLASS_IMPLIED, IMPLIED), (kinds.CLASS_WINDOWS, WINDOWS)):
        of_diary = {str(row["level"]): row for row in wording.records(kind.rows(logged))}
        for level in GROUPS:
            sides = {"diary": _side(diary.name, of_diary[level]), "survey": _side(survey.name, recalled.loc[level])}
            own = cells | {"level": level, "model": said, "estimand": f"share of people by cramps in 30 nights, {said}"}
            rows = between.rows_of(sides[one.kind], sides[other.kind], own, margins=margins)
            # What is counted in the two is not the same: cramps or windows, and answers.
            counts = {"n_nights": _count(of_diary[level], "n_nights"), "n_events": None}
            for row in rows:
                noted = row | counts | {"note": estimates.note(NOTED, row["note"] or "")}
                ratio = str(noted["scale"]).endswith("_ratio")
                judged = noted | {"verdict": verdict(noted, margins) if ratio else None}
                made.append(_inside(judged, fact(of_diary[level], EXTRAPOLATED), survey.name, diary.name))
    shown = [kind.rows(logged) for kind in (kinds.CLASS_IMPLIED, kinds.CLASS_WINDOWS)]
    own_levels = pd.concat([rows[rows["level"].isin(list(GROUPS))] for rows in shown])
    told = [_inside(row, fact(row, EXTRAPOLATED), survey.name, diary.name) for row in wording.records(own_levels)]
    return estimates.frame([*told, *made])


def _inside(row: Mapping[str, Any], beyond: str, survey: str, diary: str) -> Row:
    """Return a row that says how many of the survey's people, in per cent, are ``beyond`` any of the diary's.

    Where these are many, what is told of them is the line of the model, and beyond all that was observed.
    """
    if not beyond or pd.isna(row["estimate"]):
        return dict(row)
    said = f"{beyond}% of the people of {survey} lie beyond the values observed in {diary}"
    if float(beyond) > MOST_BEYOND:
        return unjudged(row, said, beyond=True)
    return {**row, "note": estimates.note(row["note"] or "", said)}


def _recalled(survey: Cohort, first: int, where: str | None, ci_level: float) -> pd.DataFrame:
    """Return what a survey's people recall from an age on, a row for each group of classes."""

    domain = subpopulation.select(people(survey), where).inside.to_numpy()
    rows = prevalence(survey, AgeBands((first,)), standard="none", domain=domain, domain_name=where, ci_level=ci_level)
    found = estimates.frame(rows)
    return found[found["population"] == part_of(f"{first}+", where)].set_index("level")


def _side(name: str, row: Any) -> between.Side:
    """Return the share of a cohort at a level; its standard error is that of the share itself."""
    whom = _count(row, "n_participants") or 0
    if row["status"] == "converged" and pd.notna(row["std_error"]):
        return between.Side(name, float(row["estimate"]), float(row["std_error"]) ** 2, float(row["df"]), whom, None, 0)
    why_not = str(row["note"]) if row["status"] != "boundary" else "nobody, or everybody, is at this level"
    return between.Side(name, math.nan, math.nan, math.nan, whom, None, 0, why_not)


def _count(row: Any, name: str) -> int | None:
    return None if pd.isna(row[name]) else int(row[name])
