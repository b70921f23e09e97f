"""What a judgement of certainty needs to know of a pool; the grade itself is left to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.facts import fact
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.estimates.results import Rows, rows_of
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS
from crampstudy.tables.evidence.agents import in_whom
from crampstudy.tables.table import as_table

FEW = 400
"""Participants below which a pooled difference of numbers is imprecise by rule of thumb (GRADE, Guyatt 2011)."""


@as_table
def grade_inputs(estimates: Rows) -> pd.DataFrame:
    """Return what is computed for each domain of GRADE of a pool with two and more trials, and no grade."""
    rows = rows_of(estimates)
    made, index = [], []
    for (agent, population), own in rows.groupby(["term", "population"], sort=False):
        pool = kinds.POOLED.rows(own)
        pool = pool[pool["estimate"].notna()]
        if pool.empty:
            continue
        for domain, text in _domains(own, wording.records(pool)[0]).items():
            index.append((f"{wording.capital(wording.term(str(agent)))}, {population}", domain))
            made.append({"What was computed": text})
    if not made:
        return pd.DataFrame()
    return pd.DataFrame(made, index=pd.MultiIndex.from_tuples(index, names=["", "Domain"]))


def _domains(own: pd.DataFrame, pool: Mapping[str, Any]) -> dict[str, str]:
    biased = wording.records(kinds.HIGH_RISK.rows(own))[0]
    share = wording.marked(biased, wording.number(100 * biased["estimate"], 0))
    presumed = [each["level"] for each in wording.records(kinds.TRIAL.rows(own)) if fact(each, "unit")]
    asymmetry = wording.records(kinds.ASYMMETRY.rows(own))[0]
    units = f"; the unit of {wording.listed(presumed)} is presumed" if presumed else ""
    tested = asymmetry["status"] == "converged"
    egger = (
        f"Egger's z {wording.marked(asymmetry, wording.number(asymmetry['estimate']))}"
        if tested
        else str(asymmetry["note"])
    )
    return {
        "Risk of bias": f"{share}% of the weight is of trials judged to be at high risk",
        "Inconsistency": _inconsistency(own),
        "Indirectness": f"trials in {in_whom(pool['population'])} against {pool['reference']}{units}",
        "Imprecision": _imprecision(pool),
        "Publication bias": wording.capital(egger),
    }


def _inconsistency(own: pd.DataFrame) -> str:
    spread = {each["level"]: each for each in wording.records(kinds.HETEROGENEITY.rows(own))}
    said = f"I² {wording.estimate(spread['I2'], 0, 100)}%"
    following = kinds.PREDICTION.rows(own)
    following = following[following["level"].eq(PREDICTIONS[0]) & following["estimate"].notna()]
    if following.empty:
        return f"{said}; too few trials for a prediction interval"
    row = wording.records(following)[0]
    low, high = row["ci_low"], row["ci_high"]
    reach = wording.marked(row, f"{wording.number(low)} and {wording.number(high)}")
    both = "fewer as well as more cramps" if low < 0 < high else "one direction alone"
    return f"{said}; the next trial lies between {reach}: {both}"


def _imprecision(pool: Mapping[str, Any]) -> str:
    holds = "holds 0" if pool["ci_low"] <= 0 <= pool["ci_high"] else "excludes 0"
    wide = "reaches beyond one cramp a week on either side"
    if pool["ci_low"] >= -1 and pool["ci_high"] <= 1:
        wide = "lies within one cramp a week"
    elif pool["ci_low"] >= -1 or pool["ci_high"] <= 1:
        wide = "reaches beyond one cramp a week on one side"
    people = "" if pd.isna(pool["n_participants"]) else f"; {wording.count_of(pool, 'n_participants')} participants"
    few = f", fewer than {FEW}" if pd.notna(pool["n_participants"]) and pool["n_participants"] < FEW else ""
    return f"the interval ({ERRORS[0]!s}) {holds} and {wide}{people}{few}"
