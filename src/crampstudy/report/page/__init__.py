"""What the web page shows of figures and tables: real tables whose numbers name their rows, drawings in its colours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from crampstudy import look

_COLOURS = {
    "#ffffff": "paper",
    "#222222": "ink",
    "#000000": "ink",
    "#4d4d4d": "grey",
    "#e3e3e3": "grid",
    look.SHADE.lower(): "shade",
    look.PALETTE[0].lower(): "blue",
}
"""Colours of figures that are those of the page, light or dark."""
_COLOUR = re.compile("|".join(_COLOURS), re.IGNORECASE)
_OF_ONE_ROW = re.compile(r'<span class="value" data-rows="([^" ]+)"')
_STYLE = re.compile(r'style="[^"]*"')


def picture(svg: str, block: Mapping[str, Any]) -> str:
    """Return a figure whose ink and paper are those of the page, and which a narrow screen scrolls by itself."""
    alt = html.escape(block["alt"])
    drawn = svg.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)
    drawn = _STYLE.sub(lambda style: _COLOUR.sub(_of_page, style[0]), drawn)
    label, endings = block["label"], ("csv", "svg", "pdf") if block.get("csv") else ("svg", "pdf")
    region = f'<div class="drawn" tabindex="0" role="group" aria-label="Drawing {label}">'
    return f"{region}{drawn}</div>{_files('figures', label, endings)}"


def _of_page(colour: re.Match[str]) -> str:
    return f"var(--{_COLOURS[colour[0].lower()]})"


def table(block: Mapping[str, Any]) -> str:
    """Return a table, each number with the keys of the rows that it is of, and a part of it for each group."""
    label = block["label"]
    region = f'<div class="scroll" tabindex="0" role="region" aria-label="Table {label}">'
    return f'{region}<table role="table">{"".join(_table(block))}</table></div>'


def anchored(page: str) -> str:
    """Return a page on which a row's key leads to the first number that is of that row alone."""
    known: set[str] = set()

    def put(found: re.Match[str]) -> str:
        if found[1] in known:
            return found[0]
        known.add(found[1])
        return f'{found[0]} id="{found[1]}"'

    return _OF_ONE_ROW.sub(put, page)


def table_files(label: str) -> str:
    """Return the links to the files of a table, which stand below its note."""
    return _files("tables", label, ("csv",))


def _table(block: Mapping[str, Any]) -> Iterator[str]:
    columns = block["columns"]
    yield '<thead role="rowgroup"><tr role="row">'
    for column in columns:
        yield f'<th role="columnheader" scope="col"{_aligned(column)}>{_heading(column)}</th>'
    yield "</tr></thead>"
    traced = block.get("traced") or [[[(text, "")] for text in row["cells"]] for row in block["rows"]]
    rows = zip(block["rows"], traced, strict=True)
    for group, members in groupby(rows, key=lambda pair: pair[0]["group"]):
        yield '<tbody role="rowgroup">'
        if group is not None:
            cell = f'<th role="rowheader" scope="rowgroup" colspan="{len(columns)}">{html.escape(group)}</th>'
            yield f'<tr role="row" class="group">{cell}</tr>'
        for row, cells in members:
            kind = ' class="summary"' if row.get("summary") else ""
            yield f'<tr role="row"{kind}>{"".join(_cells(columns, cells))}</tr>'
        yield "</tbody>"


def _cells(columns: Sequence[Mapping[str, str]], cells: Sequence[Sequence[tuple[str, str]]]) -> Iterator[str]:
    for at, (column, pieces) in enumerate(zip(columns, cells, strict=True)):
        inside = "".join(_piece(*piece) for piece in pieces)
        if at:
            yield f'<td role="cell" data-head="{_heading(column)}"{_aligned(column)}>{_whole(inside, pieces)}</td>'
        else:
            yield f'<th role="rowheader" scope="row">{inside}</th>'


def _piece(text: str, keys: str) -> str:
    shown = html.escape(text)
    return f'<span class="value" data-rows="{html.escape(keys)}">{shown}</span>' if keys else shown


def _whole(inside: str, pieces: Sequence[tuple[str, str]]) -> str:
    # On a narrow screen the cell stands beside its heading as one thing.
    return f"<span>{inside}</span>" if len(pieces) > 1 else inside


def _heading(column: Mapping[str, str]) -> str:
    return html.escape(column["heading"]).replace("% CI", "%\u00a0CI")


def _aligned(column: Mapping[str, str]) -> str:
    return ' class="right"' if column["align"] == "right" else ""


def _files(folder: str, label: str, endings: Sequence[str]) -> str:
    links = ", ".join(f'<a href="{folder}/{label}.{ending}">{ending.upper()}</a>' for ending in endings)
    return f'<p class="files">As {links}</p>'
