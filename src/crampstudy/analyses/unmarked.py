"""Findings as readers have them, with what their numbers were marked with set apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.tables.reworded import without_advice
from crampstudy.tables.table import PrintedTable
from crampstudy.wording import marks


def unmarked(found: Findings) -> Findings:
    """Return findings without marks in what readers see; values and cells that had any stand beside with them.

    What whoever runs an analysis may do about a reason is left out: readers can do nothing about it.
    """
    found = _without_advice(found)
    return replace(
        found,
        tables={label: _table(table) for label, table in found.tables.items()},
        figures={label: _drawing(drawing) for label, drawing in found.figures.items()},
        values={name: marks.without(text) for name, text in found.values.items()},
        could_not={label: marks.without(why) for label, why in found.could_not.items()},
        marked={name: text for name, text in found.values.items() if marks.MARK.search(text)},
    )


def _without_advice(found: Findings) -> Findings:
    """Return findings whose texts have no advice; why a part could not be made stays as it was told."""
    return replace(
        found,
        tables={label: replace(table, note=_reason(table.note)) for label, table in found.tables.items()},
        figures={label: replace(drawing, note=_reason(drawing.note)) for label, drawing in found.figures.items()},
        values={name: without_advice(text) for name, text in found.values.items()},
    )


def _reason(note: str | None) -> str | None:
    return note and without_advice(note)


def _table(table: ReportTable) -> ReportTable:
    frame = table.frame.copy()
    marked = dict(_marked_cells(frame))
    for line, column in marked:
        if column:
            frame.iat[line, column - 1] = marks.without(marked[line, column])
    # A name that is mapped without need may be of another type afterwards.
    if any(map(_has_marks, frame.index)):
        frame.index = frame.index.map(_plain)
    if any(map(_has_marks, frame.columns)):
        frame.columns = frame.columns.map(_plain)
    if isinstance(frame, PrintedTable):
        frame.notes = tuple(map(marks.without, frame.notes))
    note = table.note and marks.without(table.note)
    return ReportTable(frame, marks.without(table.caption), note, marked, _said(table))


def _marked_cells(frame: pd.DataFrame) -> Iterator[tuple[tuple[int, int], str]]:
    columns = [frame.index.get_level_values(-1), *(frame.iloc[:, at] for at in range(frame.shape[1]))]
    for column, cells in enumerate(columns):
        for line, cell in enumerate(cells):
            if isinstance(cell, str) and marks.MARK.search(cell):
                yield (line, column), cell


def _drawing(drawing: Drawing) -> Drawing:
    note = drawing.note and marks.without(drawing.note)
    caption, alt = marks.without(drawing.caption), marks.without(drawing.alt)
    return replace(drawing, caption=caption, alt=alt, note=note, said=_said(drawing))


def _said(part: ReportTable | Drawing) -> dict[str, str]:
    """Return caption and note of a part where they have marks."""
    texts = {"caption": part.caption, "note": part.note or ""}
    return {name: text for name, text in texts.items() if marks.MARK.search(text)}


def _has_marks(name: Any) -> bool:
    return any(map(_has_marks, name)) if isinstance(name, tuple) else bool(marks.MARK.search(str(name)))


def _plain(name: Any) -> Any:
    if isinstance(name, tuple):
        return tuple(map(_plain, name))
    return marks.without(name) if isinstance(name, str) else name
