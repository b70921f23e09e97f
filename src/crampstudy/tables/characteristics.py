"""Who the participants are."""

from __future__ import annotations

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.tables.table import table_of_rows
from crampstudy.wording import SEXES


@table_of_rows
def table_one(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return who the participants are: mean (SD) or n (%), overall and by sex, grouped by domain."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in wording.records(estimates):
        if row["scale"] == "standard_deviation":
            continue
        heading = ({"all": "All"} | SEXES)[row["population"]]
        known = codebook.variable(row["term"], "participants")
        text = wording.term(row["term"], heading=True)
        if row["scale"] == "proportion":
            text = f"{text}, n (%)" if row["level"] == "true" else f"{text}: {wording.level(row['level'])}, n (%)"
        else:
            text = f"{text}, mean (SD)"
        lines.setdefault((known.domain.capitalize(), text), {})[heading] = _characteristic(row, estimates)
    if not lines:
        lines["", "No characteristic was recorded"] = {"All": wording.DASH}
    made = pd.DataFrame.from_dict(lines, orient="index")
    made.index = pd.MultiIndex.from_tuples(lines, names=["", "Characteristic"])
    return made.reindex(columns=[c for c in ("All", *SEXES.values()) if c in made.columns])


def _characteristic(row: dict[str, object], estimates: pd.DataFrame) -> str:
    if row["status"] != "converged":
        return wording.DASH
    share = float(str(row["estimate"]))
    if row["scale"] == "proportion":
        return f"{wording.count(row['n_events'])} ({wording.number(100 * share, 1)})"
    spread = estimates[
        (estimates["term"] == row["term"])
        & (estimates["population"] == row["population"])
        & (estimates["scale"] == "standard_deviation")
    ]["estimate"]
    digits = 1 if abs(share) >= 10 else 2
    if spread.empty:
        return wording.DASH
    return f"{wording.number(share, digits)} ({wording.number(spread.iloc[0], digits)})"
