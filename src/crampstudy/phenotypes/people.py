"""Single participants: the group of each, and their calendars. All of it is sensitive."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.nights import Diary, observed_night
from crampstudy.phenotypes.groups import Grouping, members
from crampstudy.phenotypes.rows import natural
from crampstudy.phenotypes.traits import TRAITS

SENSITIVE = "SENSITIVE: values of single participants"
_WHO = "participant_id"
_COLUMNS = {
    "frequency": "cramps_per_week",
    "dispersion": "variance_over_mean",
    "duration": "duration_s",
    "pain": "pain_0_10",
    "site": "share_in_calf",
    "timing": "hour_of_the_clock",
}


def people_table(found: Grouping) -> pl.DataFrame:
    """Return a row per participant with the group, the probability of it, and what their cramps are like.

    Where there are no clear groups, ``group`` and ``probability`` are missing.
    """
    table, chosen = found.table, found.chosen
    group = pl.Series("group", [f"group {g + 1}" for g in members(found)] or [None] * len(table.ids), pl.String)
    sure = [None] * len(table.ids) if chosen is None else chosen.mixture.member.max(axis=1).round(4).tolist()
    traits = {
        _COLUMNS[name]: pl.Series(natural(name, table.values[:, i]).round(4)).fill_nan(None)
        for i, name in enumerate(TRAITS)
    }
    return pl.DataFrame(
        {
            _WHO: pl.Series(table.ids, dtype=pl.String),
            "sensitive": [SENSITIVE] * len(table.ids),
            "group": group,
            "probability": pl.Series(sure, dtype=pl.Float64),
            "nights_logged": table.nights.astype(np.int64),
            "cramps": table.cramps.astype(np.int64),
            **traits,
        }
    )


def calendar_nights(cohort: Cohort, found: Grouping) -> pd.DataFrame:
    """Return the nights of each grouped participant, ``night`` from the first on, as a picture of calendars takes them.

    Those with the most cramps a night stand last in their group. ``cramps`` is missing on nights that were not logged.
    """
    table = found.table
    groups = [f"Group {g + 1}" for g in members(found)] or ["All"] * len(table.ids)
    who = pl.DataFrame({_WHO: table.ids, "group": groups, "rate": table.cramps / table.nights})
    logged = observed_night(cohort)
    nights = Diary.of(cohort).nights.select(
        pl.col(_WHO).cast(pl.String),
        night=(pl.col("date") - pl.col("date").min().over(_WHO)).dt.total_days(),
        cramps=pl.when(logged).then(pl.col("cramps").cast(pl.Float64)),
    )
    return nights.collect().join(who, on=_WHO).sort("group", "rate", _WHO, "night").drop("rate").to_pandas()
