"""What the section on nutrition says of a survey's ratios per standard deviation, as a publication has them."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.sentences.covariates import held
from crampstudy.contrasts.people.per_sd import BESIDE
from crampstudy.models.terms import formula

CAPTION = "Odds ratios of moderate-severe cramps, against none, per standard deviation."
_WHOLE = 100
"""A standard deviation from here on is printed as a whole number."""


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows per standard deviation as a table shows them."""
    return rows.assign(unit=[_per_sd(str(unit)) for unit in rows["unit"]])


def note(rows: pd.DataFrame) -> str:
    """Return the note of the ratios per standard deviation."""
    told = rows.assign(note=rows["note"].where(rows["status"] != "converged"))
    sets = {tuple(held(row)) for row in wording.records(rows[rows["estimate"].notna()])}
    names = next(iter(sets), ())
    # Of what was not measured, or what a model had no room for, the publication is no model.
    published = ", as published [@grandner2017]" if len(names) == len(formula.singly(BESIDE)) else ""
    alike = f"adjusted for {wording.listed(names)}{published}, and " if len(sets) == 1 and names else ""
    return f"Each {alike}weighted by the component that measured it. {tables.notes(told)}".strip()


def _per_sd(unit: str) -> str:
    step, _, of = unit.removeprefix("per ").partition(" ")
    size = float(step)
    return f"per SD ({size:,.0f} {of})" if size >= _WHOLE else f"per SD ({size:.3g} {of})"
