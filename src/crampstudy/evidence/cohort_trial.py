"""A cohort's own treatment contrast beside the published trials: as one more study, and its place among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from crampstudy import estimates, wording
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import random_effects
from crampstudy.evidence.package import studies
from crampstudy.evidence.pools import USUAL, Pool, group
from crampstudy.evidence.rows import OUTCOME, TRIALS, RowMaker, SynthesisOptions
from crampstudy.evidence.study import Study
from crampstudy.evidence.synthesis import check, synthesise

_MOVED = (kinds.POOLED, kinds.PREDICTION, kinds.BEYOND, kinds.HETEROGENEITY)
"""What a pool comes to, which one more study moves."""


def beside_cohort(
    contrast: Mapping[str, Any], population: str, *, label: str | None = None, options: SynthesisOptions | None = None
) -> pd.DataFrame:
    """Return the rows of a cohort's contrast among the trials of its treatment in a population.

    These are the contrast itself as one more study, what the pool comes to with it (under another name in ``cohort``),
    and its place among the trials: how many of its size would lie below it.

    Args:
        contrast: a tidy row of a difference in cramps a week, treatment less comparator, whose term is the treatment.
        population: whose trials it stands beside, such as ``idiopathic``.
        label: what the cohort is called; by default its name.
        options: confidence level and threshold; by default those of :class:`SynthesisOptions`.

    Raises:
        UsageError: the row is no such difference, or there is no such treatment.
        AnalysisError: it has no estimate or no standard error.
    """
    options = options or SynthesisOptions()
    study = _study(contrast, population, label or str(contrast["cohort"]))
    after = replace(options, name=f"{TRIALS}, with {study.study}")
    moved = synthesise(study.agent, population, added=[study], options=after).estimates
    moved = moved[moved["analysis"].isin([kind.name for kind in _MOVED])]
    pool = _pool(study.agent, population)
    rows = RowMaker(pool, options)
    own = {
        **contrast,
        "analysis": kinds.COHORT_TRIAL.name,
        "cohort": options.name,
        "population": pool.name,
        "level": study.study,
        "key": None,
    }
    made = {**own, "key": estimates.key(own)}
    return pd.concat([estimates.frame([made, _place(rows, study)]), moved], ignore_index=True)


def _study(contrast: Mapping[str, Any], population: str, label: str) -> Study:
    if contrast.get("scale") != "difference" or contrast.get("outcome") != OUTCOME:
        raise UsageError(f"a contrast beside trials is a difference of {OUTCOME}; got a {contrast.get('scale')}")
    estimate, error = contrast.get("estimate"), contrast.get("std_error")
    if pd.isna(estimate) or pd.isna(error):
        said = contrast.get("note")
        raise AnalysisError(f"the cohort's contrast has no estimate with a standard error{f': {said}' if said else ''}")
    n = contrast.get("n_participants")
    study = Study(
        label,
        str(contrast["term"]),
        population,
        n_total=None if pd.isna(n) else int(n or 0),
        difference_per_week=float(estimate),
        se_per_week=float(error),
    )
    check(study.agent)
    return study


def _pool(agent: str, population: str) -> Pool:
    found = group(each for each in studies() if each.agent == agent)
    same = [pool for pool in found if pool.population == population and pool.against == USUAL]
    return same[0] if same else Pool(agent, population, USUAL, ())


def _place(rows: RowMaker, study: Study) -> Mapping[str, Any]:
    """Return how many trials of the cohort's size would be below it, by the primary prediction of the trials alone."""
    cells: dict[str, Any] = {"scale": "probability", "unit": "proportion", "n_groups": rows.pool.n_trials}
    if rows.pool.n_trials < random_effects.FEWEST_TO_PREDICT:
        said = f"no place among fewer than {random_effects.FEWEST_TO_PREDICT} trials"
        return rows.row(kinds.PLACE, study.study, status="not_estimable", note=said, **cells)
    following = random_effects.pool(rows.pool.effects).prediction(rows.options.ci_level)
    own, error = float(study.difference_per_week or 0), float(study.se_per_week or 0)
    spread = (following.std_error**2 + error**2) ** 0.5
    share = random_effects.below((own - following.estimate) / spread, following.df)
    where = "inside" if following.low <= own <= following.high else "outside"
    note = f"{where} the prediction interval, {wording.number(following.low)} to {wording.number(following.high)}"
    estimand = "share of trials of its size below it, by t with k-1 and Hartung-Knapp with the floor"
    cells |= {"estimand": estimand, "facts": {"said": note}, "note": note}
    return rows.row(kinds.PLACE, study.study, estimate=share, **cells)
