"""What the comparison says of a diary beside a survey."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crampstudy import wording
from crampstudy.contrasts.cohorts.further.common_measure import IMPLIED, WINDOWS
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import times
from crampstudy.estimates.verdicts import why_beyond

_ANY = "any"


def answer(rows: pd.DataFrame) -> str:
    """Return what lies between the shares with any cramp, implied by the diary, and counted in its windows."""
    return wording.sentences(_of_ratios(rows[rows["scale"].str.endswith("_ratio") & rows["level"].eq(_ANY)]))


def own(name: str, kind: str, by: str) -> str:
    """Return the caption of the table of one cohort alone, ``by`` a variable."""
    what = "Incidence rate of cramps" if kind == kinds.INCIDENCE_RATE.name else "Prevalence of recalled cramps"
    return f"{what} in {name} by {by}, which is compared with nothing."


def _of_ratios(rows: pd.DataFrame) -> Iterator[str]:
    for name, of_cohort in rows.groupby("cohort", sort=False):
        reference = of_cohort["reference"].iloc[0]
        for how in (IMPLIED, WINDOWS):
            found = of_cohort[of_cohort["model"].isna() | of_cohort["model"].eq(how)]
            for row in wording.records(found[:1]):
                what = f"the share of people with any cramp in 30 nights, {how}"
                if beyond := why_beyond(row):
                    yield f"{what}, could not be compared: {beyond}"
                    continue
                if pd.isna(row["estimate"]):
                    yield f"{what}, could not be compared: {row['note']}"
                    continue
                verdict = "no verdict" if pd.isna(row["verdict"]) else row["verdict"]
                yield f"{what}, in {name} is {times(row)} that in {reference}: {verdict}"
