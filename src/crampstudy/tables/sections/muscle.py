"""The ratio of age without and with muscle, joints and sitting beside it."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import compares, ratios
from crampstudy.estimates.sentences import beside, estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows


@table_of_rows
def age_ratios(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of age at its declared contrast, a row for what stands beside it, of the same participants."""
    rows = estimates[compares(estimates)]
    declared = rows[rows["term"].map(wording.is_declared)]
    records = wording.records(declared if len(declared) else rows)
    scale = str(next(iter(ratios(rows)["scale"]), "ratio")).replace("_", " ")
    contrast = wording.contrast(records[0]) if records else ""
    heading = f"Age, {contrast}: {scale} (95% CI)" if contrast else f"Age: {scale} (95% CI)"
    made = pd.DataFrame(
        {
            "Besides": [_besides(row["adjusted_for"]) for row in records],
            "Participants": [wording.count_of(row, "n_participants") for row in records],
            with_level(heading, rows): [estimate(row) for row in records],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in records],
        },
        dtype=object,
    )
    made.index = pd.Index([wording.capital(beside(row)) for row in records], name="Age")
    return made


def _besides(adjusted_for: str) -> str:
    terms = [] if pd.isna(adjusted_for) else str(adjusted_for).split("; ")
    return ", ".join(wording.small(wording.term(term)) for term in terms) or "nothing"
