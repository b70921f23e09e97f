"""What cleaning read, accepted and rejected."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.tables.table import as_table


@as_table
def cleaning(cohort: Cohort) -> pd.DataFrame:
    """Return rows read, accepted and rejected, and cells blanked, per table of the source."""
    counts = cohort.attrition.tables
    return pd.DataFrame(
        {
            "Rows read": [c.read for c in counts],
            "Accepted": [c.accepted for c in counts],
            "Rejected": [c.rejected for c in counts],
            "Cells blanked": [c.blanked for c in counts],
        },
        index=pd.Index([c.table.capitalize() for c in counts], name="Table"),
    )


@as_table
def rules(cohort: Cohort) -> pd.DataFrame:
    """Return how often each cleaning rule spoke, the costliest first."""
    order = ("reject-row", "blank-cell", "warn")
    counts = sorted(cohort.attrition.rules, key=lambda c: (order.index(c.severity), -c.n, c.rule))
    if not counts:
        nothing = pd.Index(["No rule was broken"], name="Rule")
        return pd.DataFrame({"Consequence": [wording.DASH], "Times": [0]}, index=nothing)
    consequence = {"reject-row": "row rejected", "blank-cell": "cell blanked", "warn": "kept, warned"}
    return pd.DataFrame(
        {"Consequence": [consequence[c.severity] for c in counts], "Times": [c.n for c in counts]},
        index=pd.Index([c.rule.replace("-", " ").capitalize() for c in counts], name="Rule"),
    )
