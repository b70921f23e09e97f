"""The counts of a table as rows: what a table counts that no analysis estimated, such as rows that were set aside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from crampstudy import estimates, wording
from crampstudy.analyses.findings import ReportTable
from crampstudy.estimates import kinds
from crampstudy.wording import marks

SET_ASIDE = ("Rows read", "Accepted", "Rejected", "Cells blanked")
OF_ROWS = ("Rows", "Without a number")
"""What a table of the cleaning counts, and one of estimates."""
# Not after a mark: that count is of a row already.
_COUNT = re.compile(rf"(?<![\w.,]|{marks.OF_MARKS})\d[\d,]*(?![\w.,%])")


def counted(
    table: ReportTable, cohort: str | None, what: str, columns: Sequence[str], stubs: Sequence[str] | None = None
) -> tuple[pd.DataFrame, ReportTable]:
    """Return the counts of a table as rows, and the table with each named by its row.

    Args:
        table: with counts as whole numbers or as texts; further ones of a cell are what its first is of.
        cohort: name of the cohort that they are of.
        what: what the table counts, in words.
        columns: those that have counts.
        stubs: of the lines whose counts are of no row yet, where those of others are.
    """
    made: list[dict[str, Any]] = []
    frame = table.frame.copy()
    for name in (each for each in columns if each in frame):
        texts = []
        for line, cell in zip(_lines(table.frame, columns), frame[name], strict=True):
            if stubs is not None and line not in stubs:
                texts.append(cell)
                continue
            text = _text(cell)
            of_cell = [_row(cohort, what, line, level, n) for level, n in _counts(name, text)]
            texts.append(_named(text, of_cell))
            made += of_cell
        frame[name] = pd.Series(texts, index=frame.index, dtype=object)
    return estimates.frame(made), replace(table, frame=frame)


def _named(text: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return a text whose counts name the rows, in their order."""
    of = iter(rows)
    return _COUNT.sub(lambda found: wording.marked(next(of), found[0]), text)


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else wording.count(cell)


def _counts(column: str, text: str) -> Iterator[tuple[str, int]]:
    for at, found in enumerate(_COUNT.findall(text)):
        yield (f"{column}, of" if at else column), int(found.replace(",", ""))


def _lines(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return what each line is about: its stub, and where several have the same one its other cells as well."""
    stubs = [", ".join(map(str, stub)) if isinstance(stub, tuple) else marks.without(str(stub)) for stub in frame.index]
    if len({*stubs}) == len(stubs):
        return stubs
    others = frame.drop(columns=list(columns))
    return [", ".join([stub, *map(str, cells)]) for stub, cells in zip(stubs, others.to_numpy(), strict=True)]


def _row(cohort: str | None, what: str, line: str, level: str, n: int) -> dict[str, Any]:
    return estimates.row(
        status="converged",
        cohort=cohort,
        population="all",
        outcome=what,
        analysis=kinds.COUNTED.name,
        term=line,
        level=level,
        scale="count",
        estimate=n,
    )
