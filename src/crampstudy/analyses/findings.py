"""What an analysis found: estimates, and the tables, figures and sentences that a section shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crampstudy import estimates as rows


@dataclass(frozen=True, slots=True)
class Table:
    """A table for readers: its cells as :mod:`crampstudy.tables` makes them, with what stands above and below it."""

    frame: pd.DataFrame
    caption: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that is not drawn yet: a function of :mod:`crampstudy.figures` by name, and the estimates it draws.

    ``alt`` is what a reader who cannot see the figure needs to know of it.
    """

    figure: str
    estimates: pd.DataFrame
    caption: str
    alt: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What an analysis found in a cohort.

    Args:
        estimates: tidy rows of the kinds of results, in the order in which the section records them.
        tables: by label, such as ``tbl-frequency``.
        figures: by label, such as ``fig-frequency``.
        values: texts for ``{{name}}`` in the section's prose, computed from the estimates.
        could_not: why a part could not be estimated, by its label, or by what was not estimated where it has none.
        absent: labels of the parts that this kind of cohort does not have; the registry fills them in.
    """

    estimates: pd.DataFrame
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, Drawing] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    could_not: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether anything was estimated: a row of the estimates, or a table where an analysis has no such rows."""
        return bool(has_estimate(self.estimates)) if len(self.estimates) else bool(self.tables)


def has_estimate(estimates: pd.DataFrame) -> bool:
    """Return whether any of the rows has an estimate."""
    made = estimates["status"].isin(["converged", "boundary"]) & estimates["estimate"].notna()
    return bool(made.any())


def together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several parts of an analysis as one frame, in order."""
    return pd.concat([rows.frame([]), *parts], ignore_index=True)
