"""What an analysis found: estimates, and the tables, figures and sentences that a section shows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from crampstudy import estimates as rows
from crampstudy.errors import AnalysisError, NoRowToShow, UsageError
from crampstudy.estimates import kinds
from crampstudy.readable import OneLine, Readable
from crampstudy.tables import NOTHING_SHOWN, why_none
from crampstudy.tables.reworded import reworded
from crampstudy.wording import DASH, listed, small

_COULD_NOT = "could not estimate"


@dataclass(frozen=True, slots=True, repr=False)
class ReportTable(Readable):
    """A table for readers: its cells as :mod:`crampstudy.tables` makes them, with what stands above and below it.

    ``marked`` are cells whose numbers bear the marks of their rows (:mod:`crampstudy.wording.marks`), by the line and
    the column that they are in; column 0 is the stub. ``said`` are caption and note with theirs, where these have any.
    """

    frame: pd.DataFrame
    caption: str
    note: str | None = None
    marked: Mapping[tuple[int, int], str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Drawing(OneLine):
    """A figure that is not drawn yet: a function of :mod:`crampstudy.figures` by name, and the estimates it draws.

    ``alt`` is what a reader who cannot see the figure needs to know of it. ``said`` are caption and note with the marks
    of their rows, where these have any.
    """

    figure: str
    estimates: pd.DataFrame
    caption: str
    alt: str
    note: str | None = None
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Findings(Readable):
    """What an analysis found in a cohort.

    Args:
        estimates: tidy rows of the kinds of results, in the order in which the section records them.
        tables: by label, such as ``tbl-frequency``.
        figures: by label, such as ``fig-age-curve``.
        values: texts for ``{{name}}`` in the section's prose, computed from the estimates.
        could_not: why a part could not be estimated, by its label.
        absent: labels of the parts that do not arise in this cohort, such as the weights of a trial; those that its
            kind does not have are filled in where the analysis is run.
        marked: those of the values whose numbers bear the marks of their rows, with these.
    """

    estimates: pd.DataFrame
    tables: Mapping[str, ReportTable] = field(default_factory=dict)
    figures: Mapping[str, Drawing] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    could_not: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    marked: Mapping[str, str] = field(default_factory=dict)

    def _facts(self) -> Iterator[str]:
        for name in ("estimates", "tables", "figures", "values", "could_not"):
            if n := len(getattr(self, name)):
                yield f"{n} parts could not be made" if name == "could_not" else f"{n} {name}"

    @property
    def estimated(self) -> bool:
        """Whether anything was estimated: a row of the estimates, or a table where an analysis has no such rows."""
        own = self.estimates[~kinds.of_tables(self.estimates)]
        return has_estimate(own) if len(own) else bool(self.tables)

    @property
    def unanswered(self) -> str | None:
        """Why a cohort answers nothing of the question, in sentences; ``None`` where any part could be made."""
        parts = {*self.tables, *self.figures, *self.could_not}
        if not parts or parts - {*self.could_not}:
            return None
        reasons = "; ".join(dict.fromkeys(self.could_not.values()))
        return self.values.get("answer") or f"Could not estimate: {reasons}."


def of_measured(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return rows for a table: those of what was not measured stand in a list at the end of the section, and once."""
    return estimates[estimates["status"] != "not_measured"]


def estimated_columns(table: ReportTable) -> ReportTable | None:
    """Return a table without its columns in which no row has an estimate, which its note names.

    ``None`` where that is true of all its columns of estimates: the section's list of what could not be estimated says
    what they lack.
    """
    frame = table.frame
    of_estimates = [name for name in frame.columns if " CI)" in str(name) or (frame[name] == _COULD_NOT).any()]
    blank = [name for name in of_estimates if frame[name].isin([_COULD_NOT, DASH]).all()]
    if not any((frame[name] == _COULD_NOT).any() for name in blank):
        return table
    if len(blank) == len(of_estimates):
        return None
    names = listed(small(str(name).split(" (", 1)[0].removesuffix(", %")) for name in blank)
    kept = frame.drop(columns=blank)
    # A row that was of these columns alone has nothing to show, unless it describes.
    left = [name in of_estimates or "(SD)" in str(name) for name in kept.columns]
    kept = kept[~(kept.loc[:, left] == DASH).all(axis="columns").to_numpy()]
    return replace(table, frame=kept, note=f"No row has an estimate of {names}. {table.note or ''}".strip())


def with_estimates(found: Findings) -> tuple[Findings, tuple[str, ...]]:
    """Return findings without the tables that have no estimate, whose labels stand beside, and why figures have none.

    A figure without an estimate says so itself, and stays.
    """
    shown = {label: estimated_columns(table) for label, table in found.tables.items()}
    made = {label: table for label, table in shown.items() if table is not None and not table.frame.empty}
    blank = {
        label: why_none(drawing.estimates, found.estimates)
        for label, drawing in found.figures.items()
        if not has_estimate(drawing.estimates)
    }
    empty = tuple(label for label in shown if label not in made)
    return replace(found, tables=made, could_not={**blank, **found.could_not}), empty


def told(found: Findings) -> pd.DataFrame:
    """Return the rows of which a section says what could not be estimated: its own, and those of figures without any.

    Why such a figure has no estimate is told with them, and once.
    """
    drawn = (drawing.estimates for drawing in found.figures.values() if not has_estimate(drawing.estimates))
    return together([found.estimates, *drawn])


def of_no_row(found: Findings, could_not: Mapping[str, str]) -> dict[str, str]:
    """Return why parts could not be made, but for those of which the rows that are :func:`told` say why."""
    return {label: why for label, why in could_not.items() if label in found.could_not or why == NOTHING_SHOWN}


def has_estimate(estimates: pd.DataFrame) -> bool:
    """Return whether any of the rows has an estimate; what tables count is none."""
    made = estimates["status"].isin(["converged", "boundary"]) & estimates["estimate"].notna()
    return bool((made & ~kinds.of_tables(estimates)).any())


def joined(*parts: Findings) -> Findings:
    """Return the findings of several parts of an analysis as one, in order."""
    return Findings(
        together(part.estimates for part in parts),
        tables={label: made for part in parts for label, made in part.tables.items()},
        figures={label: made for part in parts for label, made in part.figures.items()},
        values={name: text for part in parts for name, text in part.values.items()},
        could_not={label: why for part in parts for label, why in part.could_not.items()},
        absent=tuple(label for part in parts for label in part.absent),
    )


def attempt(labels: Sequence[str], part: Callable[[], Findings]) -> Findings:
    """Return what a part of an analysis found, or why its ``labels`` could not be made of this cohort.

    An analysis chooses models, terms and outcomes itself: where they cannot be, it is the cohort that lacks something,
    such as a weight of the terms' component. What a reader set is checked before, and is no matter of a part. Of a
    table that no row is for there is nothing to show.
    """
    try:
        return part()
    except NoRowToShow:
        return Findings(together([]), could_not=dict.fromkeys(labels, NOTHING_SHOWN))
    except (AnalysisError, UsageError) as problem:
        return Findings(together([]), could_not=dict.fromkeys(labels, reworded(str(problem))))


def together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several parts of an analysis as one frame, in order."""
    return pd.concat([rows.frame([]), *parts], ignore_index=True)
