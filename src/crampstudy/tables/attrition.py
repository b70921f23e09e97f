"""What cleaning read, accepted and rejected."""

from __future__ import annotations

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.cohort import Cohort, RuleCount
from crampstudy.tables.table import as_table

_OF_PEOPLE = ("participants", "diary")
"""Tables whose variables are told apart by their names."""
_MOST_NAMED = 6
"""Variables that are named of one rule."""


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
    """Return how often each cleaning rule was broken, by variable, the costliest first."""
    order = ("reject-row", "blank-cell", "warn")
    counts = sorted(cohort.attrition.rules, key=lambda c: (order.index(c.severity), -c.n, c.rule))
    if not counts:
        nothing = pd.Index(["No rule was broken"], name="Rule")
        return pd.DataFrame({"Variable": [wording.DASH], "Consequence": [wording.DASH], "Times": [0]}, index=nothing)
    consequence = {"reject-row": "row rejected", "blank-cell": "cell blanked", "warn": "kept, warned"}
    lines = [(c, column, n) for c in counts for column, n in _by_column(c)]
    return pd.DataFrame(
        {
            "Variable": [column for _, column, _ in lines],
            "Consequence": [consequence[c.severity] for c, *_ in lines],
            "Times": [n for *_, n in lines],
        },
        index=pd.Index([c.rule.replace("-", " ").capitalize() for c, *_ in lines], name="Rule"),
    )


def _by_column(count: RuleCount) -> list[tuple[str, int]]:
    """Return the variables of which a rule was broken, the commonest first, and how often the whole row was meant."""
    named = sorted(count.columns, key=lambda column: (-column[1], column[0]))
    # One more takes the line that would count it.
    most = _MOST_NAMED if len(named) > _MOST_NAMED + 1 else len(named)
    shown = [(_variable(count.table, name), n) for name, n in named[:most]]
    if rest := sum(n for _, n in named[most:]):
        shown.append((wording.counted(len(named) - most, "other variables"), rest))
    whole = count.n - sum(n for _, n in named)
    of = "" if count.table is None else f" ({count.table})"
    return shown + ([(f"whole row{of}", whole)] if whole else [])


def _variable(table: str | None, name: str) -> str:
    """Return a variable as printed, with its table where its name alone does not tell of what it is."""
    known = codebook.find(name, table) if table else None
    if known is None and table == "labs":
        known = codebook.analytes().get(name)
    if known is None:
        return wording.term(name)
    apart = table not in _OF_PEOPLE or sum(v.name == name for v in codebook.VARIABLES) > 1
    return f"{known.label} ({table})" if apart else wording.term(name)
