"""Cohorts of one kind as sites of one study: rates and prevalences over all of them, each site a stratum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.pooling import COHORT, pooled
from crampstudy.contrasts.cohorts.measures import FEWEST, OUTCOMES, measures
from crampstudy.descriptive.rate_intervals import rate_interval
from crampstudy.descriptive.rates import ALL, UNIT, said_of_nobody
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.fit import fit
from crampstudy.models.surveys.domain_means import domain_means, logit_interval
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.models.terms.levels import check_group, no_group
from crampstudy.nights import NIGHTS_PER_WEEK, NO_AGE, person_nights
from crampstudy.wording import listed

Row = dict[str, Any]


def pool_cohorts(
    cohorts: Sequence[Cohort],
    by: str = "age_band",
    *,
    bands: AgeBands | None = None,
    where: str | None = None,
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return the rate or prevalence of each group over all cohorts, and the ratios of groups adjusted for the site.

    Of diaries a rate is all cramps over all nights, and its variance that of participants within sites: what sites
    differ by is part of who was asked, and not of chance. Of surveys the strata of each stay its own, and weights as
    they are. The ratios are those of one model with the groups and the cohorts as fixed effects.

    Args:
        cohorts: two or more of one kind with different names.
        by: what is grouped by, as of :func:`crampstudy.compare`.
        bands: age bands; those younger than the first limit are left out.
        where: condition that names the same part of all.
        ci_level: confidence level.

    Raises:
        UsageError: the cohorts are of two kinds or share a name, or ``by`` forms no groups.
    """
    bands = bands or AgeBands()
    together = pooled(cohorts)
    survey = together.kind == "survey"
    made: list[Row] = []
    for outcome, of_model in OUTCOMES.items() if survey else (("cramps", "cramps"),):
        cells = {"outcome": of_model, "term": by, "ci_level": ci_level, "analysis": kinds.POOLED.name}
        cells |= {"cohort": together.name, "estimand": f"over {listed(cohort.name for cohort in cohorts)} as strata"}
        if survey:
            made += _prevalences(together, by, bands, (outcome, where), cells)
        else:
            found = _rates(together, by, bands, where, cells)
            made += said_of_nobody(found, together, bands, where) if by == "age_band" else found
        made += _ratios(together, by, bands, where, cells)
    return estimates.frame(made)


def _prevalences(together: Cohort, by: str, bands: AgeBands, of: tuple[str, str | None], cells: Row) -> list[Row]:
    outcome, where = of
    found = measures(together, by, bands, outcome=outcome, where=where)
    made = []
    for place, label in enumerate(found.labels):
        own = cells | {"scale": "prevalence", "unit": "proportion", "level": label, "population": part_of(label, where)}
        own |= {"n_participants": int(found.participants[place]), "n_events": int(found.events[place])}
        if found.why_not[place]:
            made.append(estimates.row(status="not_estimable", **own | {"note": found.why_not[place]}))
            continue
        value, error = float(found.estimate[place]), float(np.sqrt(found.covariance[place, place]))
        low, high = logit_interval(value, error, int(found.df[place]), cells["ci_level"])
        own |= {"estimate": value, "ci_low": low, "ci_high": high, "std_error": error, "df": float(found.df[place])}
        made.append(estimates.row(status="converged", **own))
    return made


def _rates(together: Cohort, by: str, bands: AgeBands, where: str | None, cells: Row) -> list[Row]:
    nights = person_nights(together, bands)
    check_group(by, nights)
    if by not in nights.columns or nights[by].dtype not in (pl.Boolean, pl.String, pl.Enum, pl.Categorical):
        raise no_group("cohorts are pooled by age_band or a level or yes/no variable of the participants", by, nights)
    inside = nights.filter(subpopulation.select(nights, where).inside)
    if by == "age_band":
        inside = inside.filter(pl.col("age_years") >= bands.limits[0])
    sums = (
        inside.group_by("participant_id")
        .agg(pl.col("cramps").sum(), pl.len().alias("nights"), pl.col(by, COHORT).first())
        .sort("participant_id")
    )
    if sums.is_empty():
        unaged = by == "age_band" and nights["age_years"].is_null().all()
        own = cells | {"scale": "rate", "unit": UNIT, "note": NO_AGE if unaged else "no observed night"}
        labels = (*bands.labels[1:], f"{bands.limits[0]}+") if by == "age_band" else (ALL,)
        return [
            estimates.row(status="not_estimable", level=label, population=part_of(label, where), **own)
            for label in labels
        ]
    levels = sums[by].cast(pl.String)
    known = bands.labels[1:] if by == "age_band" else sorted(set(levels.drop_nulls()))
    whole = f"{bands.limits[0]}+" if by == "age_band" else ALL
    in_group = ((levels == label).fill_null(value=False).to_numpy() for label in known)
    members = np.column_stack([*in_group, np.ones(sums.height, dtype=bool)])
    weeks = sums["nights"].to_numpy() / NIGHTS_PER_WEEK
    code = pl.Series(range(sums.height))
    # All cramps over all nights is the mean of the participants' rates, weighted by their nights.
    design = SamplingDesign.of(sums[COHORT].rank("dense"), code, pl.Series(weeks))
    found = domain_means(sums["cramps"].to_numpy() / weeks, members, design)
    made = []
    for place, label in enumerate((*known, whole)):
        inside_group = members[:, place]
        own = cells | {"scale": "rate", "unit": UNIT, "level": label, "population": part_of(label, where)}
        own |= {"n_participants": int(inside_group.sum()), "n_groups": int(inside_group.sum())}
        own |= {"n_nights": int(sums["nights"].filter(inside_group).sum())}
        own |= {"n_events": int(sums["cramps"].filter(inside_group).sum())}
        value, error = float(found.estimate[place]), float(found.std_error[place])
        if why := _why_not(own, error, int(found.df[place])):
            made.append(estimates.row(status="not_estimable", **own | {"note": why}))
            continue
        df = float(found.df[place])
        low, high = rate_interval(value, error / value, df, cells["ci_level"])
        own |= {"estimate": value, "ci_low": low, "ci_high": high}
        made.append(estimates.row(status="converged", **own | {"std_error": error / value, "df": df}))
    return made


def _why_not(cells: Row, error: float, df: int) -> str:
    if cells["n_participants"] < FEWEST:
        return f"fewer than {FEWEST} participants"
    if not cells["n_events"]:
        return "no cramp"
    if df < 1:
        return "no more participants than sites"
    return "" if error > 0 else "no spread between participants"


def _ratios(together: Cohort, by: str, bands: AgeBands, where: str | None, cells: Row) -> list[Row]:
    """Return the ratio of each group against the first, with the cohorts as fixed effects beside."""
    survey = together.kind == "survey"
    from_age = survey or by == "age_band"
    parts = [f"age_years >= {bands.limits[0]}"] if from_age and together.has("age_years") else []
    inside = " AND ".join([*parts, *([f"({where})"] if where else [])]) or None
    kept = {name: cells[name] for name in ("analysis", "term", "cohort")}
    kept |= {"population": part_of(f"{bands.limits[0]}+" if parts else ALL, where)}
    kept |= {"estimand": f"ratio of two groups, {cells['estimand'].replace('as strata', 'as fixed effects')}"}
    model = "survey-poisson" if survey else "poisson"
    more: dict[str, Any] = {"where": inside, "bands": bands, "ci_level": cells["ci_level"]}
    try:
        fitted = fit(together, model=model, outcome=cells["outcome"], terms=f"{by} + {COHORT}", **more)
    except UsageError as problem:
        # The groups have been checked: it is the sites that are too many, or too small, for a level each.
        own = {"outcome": cells["outcome"], "scale": "prevalence_ratio" if survey else "rate_ratio"}
        return [estimates.row(status="not_estimable", model=model, note=str(problem), **kept | own)]
    rows = fitted.estimates[fitted.estimates["term"] == by]
    made = []
    for row in rows.to_dict("records"):
        known = {str(name): cell for name, cell in row.items() if name != "key" and not pd.isna(cell)}
        made.append(estimates.row(**known | kept))
    return made
