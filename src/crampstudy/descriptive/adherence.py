"""How often people drink what guidelines on fluid ask for: the share of a diary's nights, or of a survey's people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.cohort.subpopulation import select
from crampstudy.estimates import kinds
from crampstudy.estimates.absent import of_absent
from crampstudy.models.surveys.domain_means import boundary_interval, domain_means, logit_interval, lonely_note
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.nights import Diary, observed_night, people
from crampstudy.nights.derived import GUIDELINE_ML

PER_KG = 30
"""mL of fluid per kg of body mass. Source: Chidester and Spangler 1997 (one of three standards that they compare)."""
_GUIDELINES = {"fluid_guideline": f"{GUIDELINE_ML:,} mL/day", "fluid_per_kg_guideline": f"{PER_KG} mL/kg a day"}
_Row = dict[str, Any]


def adherence(cohort: Cohort, *, where: str | None = None, ci_level: float = 0.95) -> pd.DataFrame:
    """Return on which share of nights, or in which share of a population, fluid reached each guideline.

    Of a diary a night counts once, and its interval is made with participants as clusters, on the logit scale with t of
    a degree of freedom less than participants; of a survey the share is design-based, of plain water on the recalled
    day.

    Args:
        cohort: a diary or a survey.
        where: condition that names a part of the participants.
        ci_level: confidence level.

    Returns:
        Tidy estimates: ``term`` is the guideline.

    Raises:
        UsageError: the condition cannot be read.
    """
    make = _of_nights if cohort.kind == "diary" else _of_survey
    return estimates.frame(make(cohort, guideline, where, ci_level) for guideline in _GUIDELINES)


def _of_nights(cohort: Cohort, guideline: str, where: str | None, ci_level: float) -> _Row:
    who = people(cohort)
    inside = who.filter(select(who, where).inside)
    cells = _cells(cohort, guideline, where, ci_level) | {"estimand": "share of nights, participants as clusters"}
    if lacking := _lacking(cohort, guideline, inside, "fluid_ml"):
        return _without(cohort, cells, lacking)
    nights = Diary.of(cohort).nights.filter(observed_night(cohort)).select("participant_id", "fluid_ml").collect()
    mass = inside.select(
        "participant_id",
        pl.col("body_mass_kg") if guideline == "fluid_per_kg_guideline" else pl.lit(1.0).alias("body_mass_kg"),
    )
    known = nights.join(mass, on="participant_id").drop_nulls()
    least = pl.col("body_mass_kg") * PER_KG if guideline == "fluid_per_kg_guideline" else pl.lit(GUIDELINE_ML)
    own = known.group_by("participant_id", maintain_order=True).agg(
        n=pl.len().cast(pl.Float64), met=(pl.col("fluid_ml") >= least).sum().cast(pl.Float64)
    )
    if own.is_empty():
        return estimates.row(status="not_estimable", **cells | {"note": "no night of a participant has both"})
    return _clustered(own["met"].to_numpy(), own["n"].to_numpy(), cells)


def _clustered(met: Array, nights: Array, cells: _Row) -> _Row:
    """Return the row of a share of nights, of which each participant has so many, ``met`` or not."""
    total, number = float(nights.sum()), len(nights)
    share = float(met.sum()) / total
    cells |= {"n_participants": number, "n_nights": int(total), "n_events": int(met.sum()), "estimate": share}
    if number == 1:
        return estimates.row(status="not_estimable", **cells | {"estimate": None, "note": "of one participant alone"})
    if number < estimates.FEWEST:
        said = f"fewer than {estimates.FEWEST} participants, so no interval"
        return estimates.row(status="boundary", **cells | {"note": said})
    df = number - 1
    if share in (0.0, 1.0):
        low, high = boundary_interval(share, number, number, df, cells["ci_level"])
        return estimates.row(status="boundary", **cells | {"ci_low": low, "ci_high": high, "df": df})
    error = float(np.sqrt(number / df * np.square(met - share * nights).sum())) / total
    low, high = logit_interval(share, error, df, cells["ci_level"])
    around = {"ci_low": low, "ci_high": high, "std_error": error / (share * (1 - share)), "df": df}
    return estimates.row(status="converged", **cells | around)


def _of_survey(cohort: Cohort, guideline: str, where: str | None, ci_level: float) -> _Row:
    who = people(cohort)
    cells = _cells(cohort, guideline, where, ci_level) | {
        "estimand": "design-based share of the population, of plain water on the recalled day"
    }
    chosen = select(who, where).inside
    if lacking := _lacking(cohort, guideline, who.filter(chosen), "recall_water_ml"):
        return _without(cohort, cells, lacking)
    survey = cohort.design
    weight = survey.weights.get("diet1") if survey else None
    if survey is None or weight is None:
        return estimates.row(status="not_estimable", **cells | {"note": "the survey has no weight of its diet recall"})
    least = (
        who["body_mass_kg"] * PER_KG
        if guideline == "fluid_per_kg_guideline"
        else pl.repeat(GUIDELINE_ML, who.height, eager=True)
    )
    met = (who["recall_water_ml"] >= least).cast(pl.Float64)
    design = SamplingDesign.of(who[survey.stratum], who[survey.psu], who[weight])
    means = domain_means(met.to_numpy(), (chosen & met.is_not_null()).to_numpy()[:, None], design)
    share, error, df = float(means.estimate[0]), float(means.std_error[0]), int(means.df[0])
    met_there = met.fill_null(0.0).to_numpy() * chosen.to_numpy() * (design.weight > 0)
    cells |= {
        "n_participants": int(means.n[0]),
        "n_events": int(met_there.sum()),
        "n_groups": int(means.psus[0]),
        "note": estimates.note(f"weight {weight}", lonely_note(int(means.lonely[0]))),
    }
    if not means.n[0] or df < 1:
        return estimates.row(status="not_estimable", **cells | {"note": "too few sampling units with a value"})
    cells |= {"estimate": share, "df": df}
    if share in (0.0, 1.0):
        low, high = boundary_interval(share, int(means.n[0]), float(means.n_effective[0]), df, ci_level)
        return estimates.row(status="boundary", **cells | {"ci_low": low, "ci_high": high})
    low, high = logit_interval(share, error, df, ci_level)
    around = {"ci_low": low, "ci_high": high, "std_error": error / (share * (1 - share))}
    return estimates.row(status="converged", **cells | around)


def _cells(cohort: Cohort, guideline: str, where: str | None, ci_level: float) -> _Row:
    return {
        "cohort": cohort.name,
        "population": where or "all participants",
        "outcome": "fluid_ml" if cohort.kind == "diary" else "recall_water_ml",
        "analysis": kinds.ADHERENCE.name,
        "term": guideline,
        "reference": f"at least {_GUIDELINES[guideline]}",
        "scale": "proportion",
        "ci_level": ci_level,
    }


def _lacking(cohort: Cohort, guideline: str, inside: pl.DataFrame, fluid: str) -> str | None:
    if not cohort.has(fluid):
        return fluid
    weighed = "body_mass_kg" in inside.columns and inside["body_mass_kg"].count() > 0
    return None if guideline == "fluid_guideline" or weighed else "body_mass_kg"


def _without(cohort: Cohort, cells: _Row, lacking: str) -> _Row:
    facts = {**of_absent(cohort, lacking), "needs": lacking}
    return estimates.row(status="not_measured", **cells | {"note": f"no value of {lacking}", "facts": facts})
