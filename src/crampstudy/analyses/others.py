"""What other sections found, for those that draw on it; between the notebooks of a report it is kept as text.

A summary, a ledger of claims and a chapter of methods say what others estimated, and fit nothing a second time. In a
report their notebooks run after the others and are given what these recorded; anywhere else the analyses are run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from crampstudy import estimates as tidy
from crampstudy.analyses.findings import Findings, together


@dataclass(frozen=True, slots=True)
class SectionResults:
    """What a section found, without its tables and figures; the fields are those of :class:`Findings`."""

    estimates: pd.DataFrame
    values: Mapping[str, str]
    could_not: Mapping[str, str]
    unanswered: str | None
    marked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Findings) -> SectionResults:
        """Return what is kept of findings."""
        return cls(found.estimates, found.values, found.could_not, found.unanswered, found.marked)

    def record(self) -> dict[str, Any]:
        """Return it as a notebook keeps it, the rows as CSV."""
        return {
            "csv": tidy.to_csv(self.estimates),
            "values": dict(self.values),
            "could_not": dict(self.could_not),
            "unanswered": self.unanswered,
            "marked": dict(self.marked),
        }


Others = Mapping[str, SectionResults]
"""What each of the other sections found, by its name."""


def read_results(path: str | None) -> Others | None:
    """Return what the other sections of a report found, from the file that it hands on; ``None`` where there is none.

    A notebook that declares ``results: str | None = None`` among its parameters runs after those that do not, and is
    given the path.
    """
    if path is None:
        return None
    kept = json.loads(Path(path).read_text(encoding="utf-8"))
    return {name: _joined(records) for name, records in kept.items()}


def _joined(records: Iterable[Mapping[str, Any]]) -> SectionResults:
    several = list(records)
    reasons = [record["unanswered"] for record in several]
    return SectionResults(
        together(tidy.from_csv(record["csv"]) for record in several),
        {name: text for record in several for name, text in record["values"].items()},
        {label: why for record in several for label, why in record["could_not"].items()},
        None if None in reasons else " ".join(reasons),
        {name: text for record in several for name, text in record["marked"].items()},
    )
