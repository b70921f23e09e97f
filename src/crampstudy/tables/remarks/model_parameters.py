"""What is said of the parameters that a model has beside its coefficients."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import PARAMETERS, kinds


def parameters(estimates: pd.DataFrame) -> list[str]:
    """Return a line for each parameter that a model has beside its coefficients, such as its dispersion."""
    beside = estimates["scale"].isin(PARAMETERS)
    # What splits a ratio has no row in the table that would tell its notes.
    others = "; ".join(estimates.loc[~beside & ~kinds.is_split(estimates), "note"].dropna())
    lines = []
    for row in wording.records(estimates[beside]):
        name = str(row["term"])
        if row["scale"] == "reliability":
            name = wording.term(f"{wording.RELIABILITY}{name.removeprefix(wording.RELIABILITY)}")
        value = wording.estimate(row).replace("(", f"({100 * row['ci_level']:g}% CI ") if row["ci_level"] else ""
        notes = [part for part in str(row["note"] or "").split("; ") if part and part not in others]
        line = "; ".join([f"{name[:1].upper()}{name[1:]}: {value}, {row['unit']}", *notes])
        lines.append(wording.ranges(line))
    return list(dict.fromkeys(lines))
