"""Findings that a report need not find anew: kept by the content of the cohort, the settings and the code."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pandas as pd
from pandas.api.types import is_object_dtype

from crampstudy import cache
from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.cohort import Cohort
from crampstudy.compute import shared, stored
from crampstudy.provenance import digests
from crampstudy.tables.table import PrintedTable

_KIND = "findings"


def kept(asked: tuple[object, ...], cohorts: tuple[Cohort, ...], find: Callable[[], Findings]) -> Findings:
    """Return what ``find`` finds, or what it found before in a report; outside of a report's kernel it always finds.

    Args:
        asked: what is asked of the cohorts; whatever changes the findings has its part in its representation.
        cohorts: whose findings they are.
        find: a pure function of both.
    """
    place = cache.of_report()
    if place is None:
        return find()
    key = cache.key_of(asked, [cohort.content for cohort in cohorts], *software())
    before = place.get(_KIND, key)
    if before is not None:
        return unpacked(before)
    found = find()
    # What cannot be kept as data is found anew another time.
    with contextlib.suppress(stored.NotData):
        place.put(_KIND, key, packed(found))
    return found


def software() -> tuple[object, ...]:
    """Return the code that findings rest on: the package's own, Python and the other packages."""
    return digests.of_numbers(), digests.python(), digests.packages()


def packed(found: Findings) -> bytes:
    """Return findings as data."""
    tables = {
        label: (*_parted(pd.DataFrame(table.frame)), *_of_printed(table.frame), table.caption, table.note)
        for label, table in found.tables.items()
    }
    figures = {label: _fields(drawing) for label, drawing in found.figures.items()}
    return stored.encode({**_fields(found), "tables": tables, "figures": figures})


def unpacked(content: bytes) -> Findings:
    """Return the findings that :func:`packed` was given."""
    held = stored.decode(content)
    tables = {}
    for label, (frame, cells, is_printed, title, notes, caption, note) in held["tables"].items():
        whole = _joined(frame, cells)
        tables[label] = ReportTable(PrintedTable.of(whole, title, notes) if is_printed else whole, caption, note)
    figures = {label: Drawing(**drawing) for label, drawing in held["figures"].items()}
    return Findings(**{**held, "tables": tables, "figures": figures})


FORM = shared.Form(packed, unpacked)
"""How findings are handed from one process to another."""


def _parted(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, str, list[Any]]]]:
    """Return a table as columns that Arrow gives back as they were, and those of objects cell by cell with places."""
    objects = [i for i, dtype in enumerate(frame.dtypes) if is_object_dtype(dtype)]
    cells = [(i, str(frame.columns[i]), frame.iloc[:, i].tolist()) for i in objects]
    return frame.iloc[:, [i for i in range(frame.shape[1]) if i not in objects]], cells


def _joined(frame: pd.DataFrame, cells: list[tuple[int, str, list[Any]]]) -> pd.DataFrame:
    for place, name, values in cells:
        frame.insert(place, name, pd.Series(values, index=frame.index, dtype=object))
    return frame


def _of_printed(frame: pd.DataFrame) -> tuple[bool, str, tuple[str, ...]]:
    return (True, frame.caption, frame.notes) if isinstance(frame, PrintedTable) else (False, "", ())


def _fields(record: Any) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in dataclasses.fields(record)}
