"""Whether people were let into a study for their cramps, so that shares of them tell nothing of people at large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.asked import EVER, MONTHLY
from crampstudy.estimates import kinds
from crampstudy.nights.diary import observed_night
from crampstudy.wording import count, counted

RUN_IN, EVERYBODY = "cramps in the run-in", "everybody"
FEWEST_OF_ALL = 20
"""That fewer people than this all have cramps may be chance: 1 % where 80 % of people have them."""
_ALIKE = 2
"""Nights by which run-ins may differ from their median and be of one length."""
_MOST = 0.8
_ANY = "any"

Row = dict[str, Any]


def chosen_for_cramps(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each sign that people were let in for their cramps, none where there is no sign.

    The signs are a run-in of nights before enrolment (or randomisation) in which nobody who logged all of it was
    without a cramp, and that everybody has cramps: ever, in 30 nights by recall, or in every window of 30 nights.

    Args:
        cohort: a diary or a survey.
        rows: its shares of people by frequency, and its classes of 30 nights.
    """
    base: Row = {"cohort": cohort.name, "analysis": kinds.CHOSEN.name, "population": "all participants"}
    return estimates.frame([*_by_run_in(cohort, base), *_everybody(rows, base)])


@dataclass(frozen=True, slots=True)
class RunInCriterion:
    """The ``cramps`` that it took to be let in, ``None`` for the reason ``lacking`` where that cannot be read.

    ``of_one_length`` says whether run-ins are: else people were asked at different times, and not for a number.
    """

    cramps: int | None
    lacking: str = ""
    of_one_length: bool = True


def criterion(cramps: Array, nights: Array, length: Array) -> RunInCriterion:
    """Return the fewest cramps in a run-in of anybody who logged all of it.

    None can be read where run-ins differ in length, so that there is no number that all have to reach, or where few
    logged all of theirs: that these all had cramps may be chance.

    Args:
        cramps: those of each participant in the run-in.
        nights: its logged nights.
        length: all of its nights.
    """
    if np.mean(np.abs(length - np.median(length)) <= _ALIKE) < _MOST:
        differ = "run-ins differ in length, so that no criterion can be read from them"
        return RunInCriterion(None, differ, of_one_length=False)
    whole = cramps[nights >= length]
    if len(whole) and not whole.min():
        return RunInCriterion(0)
    if len(whole) < FEWEST_OF_ALL:
        who = f"only {counted(len(whole), 'participants')}" if len(whole) else "nobody"
        few = ", too few to read one from" if len(whole) else ""
        return RunInCriterion(None, f"no criterion is recorded, and {who} logged the whole run-in{few}")
    return RunInCriterion(int(whole.min()))


def _by_run_in(cohort: Cohort, base: Row) -> Iterator[Row]:
    who = cohort.frame("participants")
    dated = [name for name in ("enrolled_on", "randomised_on") if name in who.columns]
    if cohort.kind != "diary" or not dated:
        return
    entry = who.select("participant_id", entry=pl.coalesce(dated))
    run_in = (
        cohort.frame("diary")
        .with_columns(seen=observed_night(cohort), first=pl.col("date").min().over("participant_id"))
        .join(entry, on="participant_id")
        .filter(pl.col("date") < pl.col("entry"))
        .group_by("participant_id")
        .agg(
            cramps=pl.col("cramps").filter("seen").sum(),
            nights=pl.col("seen").sum(),
            length=(pl.col("entry").first() - pl.col("first").first()).dt.total_days(),
        )
        .filter(pl.col("nights") > 0)
    )
    cramps, nights, length = (run_in[name].cast(pl.Float64).to_numpy() for name in ("cramps", "nights", "length"))
    whole = int((nights >= length).sum())
    fewest = criterion(cramps, nights, length).cramps if len(cramps) else None
    if not fewest:
        return
    had = f"nobody who logged the whole run-in had fewer than {counted(fewest, 'cramps')}"
    cells = base | {"level": RUN_IN, "outcome": "cramps", "scale": "count", "unit": "cramps", "n_participants": whole}
    why = f"people were let in for their cramps, as {had}"
    yield estimates.row(status="converged", estimate=float(fewest), facts={"said": why}, note=why, **cells)


def _everybody(rows: pd.DataFrame, base: Row) -> Iterator[Row]:
    """Yield that everybody has cramps, by the share that is of most people."""
    often = rows["analysis"].eq(kinds.OFTEN.name) & rows["level"].isin([EVER, MONTHLY])
    windows = rows["analysis"].eq(kinds.CLASS_WINDOWS.name) & rows["level"].eq(_ANY)
    shares = rows[often | windows].sort_values("n_participants", ascending=False, kind="stable")
    told = shares.drop_duplicates(["analysis", "level"])
    every = told[told["estimate"].eq(1) & told["n_participants"].ge(FEWEST_OF_ALL)].head(1)
    for share in every.to_dict("records"):
        n = int(share["n_participants"])
        had = {
            EVER: "who were asked ever had a cramp",
            MONTHLY: "recall a cramp in 30 nights",
            _ANY: "with 30 nights to be counted had a cramp in them",
        }[str(share["level"])]
        note = f"all {count(n)} people {had}, as where people are chosen for their cramps"
        cells = base | {"level": EVERYBODY, "outcome": share["outcome"], "scale": "prevalence", "unit": "proportion"}
        cells |= {"n_participants": n, "n_events": n, "facts": {"said": note}, "note": note}
        yield estimates.row(status="converged", estimate=1.0, **cells)
