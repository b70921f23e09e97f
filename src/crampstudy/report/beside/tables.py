"""The tables of a report as files: one CSV each, and a workbook with a sheet for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from crampstudy.atomic_write import csv_cell
from crampstudy.export import Cells, WorkbookSheet, workbook
from crampstudy.report.beside.captions import Caption
from crampstudy.report.collect import Document

FOLDER = "tables"
WORKBOOK = f"{FOLDER}/tables.xlsx"


def files(document: Document, captions: Mapping[str, Caption]) -> Iterator[tuple[str, bytes]]:
    """Yield each table as CSV with its cells as printed, and all of them as a workbook with a sheet for each."""
    tables = {label: _cells(document.blocks[label]) for label in captions if label.startswith("tbl-")}
    for label, cells in tables.items():
        yield f"{FOLDER}/{label}.csv", _csv(cells).encode()
    if tables:
        of = {label: captions[label] for label in tables}
        sheets = {
            f"{of[label].kind} {of[label].number}": WorkbookSheet(
                cells, of[label].whole, [of[label].note] if of[label].note else []
            )
            for label, cells in tables.items()
        }
        yield WORKBOOK, workbook(sheets)


def _cells(block: Mapping[str, Any]) -> Cells:
    columns = block["columns"]
    return Cells(
        tuple(column["heading"] for column in columns),
        tuple(
            (group, tuple(tuple(row["cells"]) for row in rows))
            for group, rows in groupby(block["rows"], key=lambda row: row["group"] or "")
        ),
        tuple(column["align"] == "right" for column in columns),
    )


def _csv(cells: Cells) -> str:
    """Return a table as CSV; the group of a row, where there are groups, stands first."""
    grouped = any(group for group, _ in cells.groups)
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(map(csv_cell, (*(["Group"] if grouped else []), *cells.heads)))
    for group, rows in cells.groups:
        writer.writerows(map(csv_cell, (*([group] if grouped else []), *row)) for row in rows)
    return target.getvalue()
