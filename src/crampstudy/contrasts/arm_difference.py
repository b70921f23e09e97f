"""The treatment contrast of a parallel trial in cramps a week, as published trials state theirs.

Treatment policy: all nights from the start of a participant's randomised period on, by the arm that it gave; a negative
binomial model of them with the arm and the logarithm of the run-in rate, (cramps + 0.5) / nights, and the mean over all
randomised participants of what it expects with the treatment less with the comparator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates import verdicts
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.models.fit import fit

PLACEBO = "placebo"
_MODEL = "negative-binomial"
_TREATED, _RUN_IN = "treated", "run_in_log_rate"
_WEEK = 7


def arm_difference(cohort: Cohort, kind: Kind, *, ci_level: float = 0.95) -> Mapping[str, Any]:
    """Return a trial's treatment less placebo in cramps a week, as a row of a kind whose term is the agent.

    Raises:
        AnalysisError: the cohort is no parallel trial of one treatment against placebo, or has too few in an arm.
    """
    periods = _periods(cohort)
    (agent,) = (name for name in periods["agent"].unique() if name != PLACEBO)
    people, nights, left_out = _randomised(cohort, periods)
    for treated, arm in ((True, agent), (False, PLACEBO)):
        n = people.filter(pl.col(_TREATED) == treated).height
        if n < FEWEST_EXPOSED:
            raise AnalysisError(f"{wording.counted(n, 'participants')} with {wording.term(arm)} and a run-in: too few")
    tables = {"participants": people, "diary": nights}
    trial = Cohort(cohort.name, "diary", tables, as_of=cohort.as_of, synthetic=cohort.synthetic)
    fitted = fit(trial, model=_MODEL, terms=f"{_TREATED} + {_RUN_IN}", ci_level=ci_level)
    first = wording.records(fitted.estimates)[0]
    if fitted.status != "converged" or np.isnan(first["estimate"]):
        raise AnalysisError(str(first["note"]))
    beta, covariance = (np.asarray(each, dtype=np.float64) for each in (fitted.coefficients, fitted.vcov))
    difference, error = _standardised(beta, covariance, np.asarray(people[_RUN_IN], dtype=np.float64))
    df = float(first["df"])
    reach = float(stdtrit(df, (1 + ci_level) / 2)) * error
    made = estimates.row(
        status="converged",
        analysis=kind.name,
        cohort=cohort.name,
        population="all participants",
        outcome="cramps_per_week",
        estimand="randomised effect by treatment policy, standardised to the run-in of all randomised participants",
        adjusted_for="run-in",
        model=_MODEL,
        term=agent,
        reference=PLACEBO,
        scale="difference",
        unit="cramps a week",
        estimate=difference,
        ci_low=difference - reach,
        ci_high=difference + reach,
        ci_level=ci_level,
        std_error=error,
        df=df,
        p_value=2 * float(stdtr(df, -abs(difference) / error)),
        n_participants=people.height,
        n_nights=first["n_nights"],
        n_events=first["n_events"],
        n_groups=first["n_groups"],
        n_exposed=people[_TREATED].sum(),
        note=estimates.note(str(first["note"] or ""), left_out),
    )
    return {**made, "verdict": verdicts.verdict(made)}


def _periods(cohort: Cohort) -> pl.DataFrame:
    """Return the randomised periods, one a participant, of one treatment and placebo."""
    given = cohort.frame("treatments").filter(pl.col("randomised").fill_null(value=False))
    if given.is_empty():
        raise AnalysisError("the cohort has no randomised treatment")
    agents = sorted(given["agent"].unique())
    if given["participant_id"].is_duplicated().any():
        raise AnalysisError("its participants have several randomised periods each, which is no parallel trial")
    if len(agents) != 2 or PLACEBO not in agents:
        listed = wording.listed(map(wording.term, agents))
        raise AnalysisError(f"it randomised {listed}, and the contrast is of one treatment against placebo")
    return given.select("participant_id", "start", "agent")


def _randomised(cohort: Cohort, periods: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, str]:
    """Return who was randomised and has a run-in, their nights under treatment policy, and who was left out."""
    logged = cohort.frame("diary").filter(pl.col("cramps").is_not_null()).join(periods, on="participant_id")
    run_in = (
        logged.filter(pl.col("date") < pl.col("start"))
        .group_by("participant_id")
        .agg(((pl.col("cramps").sum() + 0.5) / pl.len()).log().alias(_RUN_IN))
    )
    people = (
        cohort.frame("participants")
        .join(periods.join(run_in, on="participant_id"), on="participant_id", maintain_order="left")
        .with_columns((pl.col("agent") != PLACEBO).alias(_TREATED))
        .drop("agent", "start")
    )
    lost = periods.height - people.height
    left_out = f"{wording.counted(lost, 'participants')} without a night of run-in left out" if lost else ""
    after = logged.filter(pl.col("date") >= pl.col("start")).drop("agent", "start")
    return people, after.join(people, on="participant_id", how="semi", maintain_order="left"), left_out


def _standardised(beta: Array, covariance: Array, run_in: Array) -> tuple[float, float]:
    """Return the mean difference of the expected cramps a week over all participants, and its delta-method error."""
    means, slopes = [], []
    for treated in (1.0, 0.0):
        design = np.column_stack([np.ones(len(run_in)), np.full(len(run_in), treated), run_in])
        rates = _WEEK * np.exp(design @ beta)
        means.append(float(rates.mean()))
        slopes.append((rates[:, None] * design).mean(axis=0))
    gradient = slopes[0] - slopes[1]
    return means[0] - means[1], float(np.sqrt(gradient @ covariance @ gradient))
