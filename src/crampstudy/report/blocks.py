"""What a notebook shows: prose, figures, tables, inline values and estimates, each once for reader and report.

A block is displayed as a MIME bundle. JupyterLab renders its SVG, HTML or Markdown; the report reads the
``application/vnd.crampstudy.block+json`` beside it. Make a block the last expression of a cell, or
pass it to ``IPython.display.display``.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import Any, Literal

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from crampstudy import look
from crampstudy.analyses import Findings, SectionResults
from crampstudy.analyses.findings import Drawing, ReportTable
from crampstudy.cache import KERNEL_VARIABLE
from crampstudy.codebook import VARIABLES
from crampstudy.estimates import COLUMNS, kinds, to_csv
from crampstudy.figures import FIGURES, style
from crampstudy.figures.message import could_not_estimate
from crampstudy.readable import OneLine
from crampstudy.report import MIME, ReportError, page
from crampstudy.report.block_parts.cells import as_text, is_numeric, overlapping
from crampstudy.report.block_parts.drawn import Drawn, check_letters, draw, drawn
from crampstudy.report.prose import Section, cited
from crampstudy.tables.reworded import without_advice
from crampstudy.wording import capital, marks, sentences
from crampstudy.wording.abbreviations import defined

_SVG = "image/svg+xml"
_PNG = "image/png"
_NOT_MADE = "Could not be estimated."
_RAW = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
"""How columns are named; what has an underscore otherwise, such as ``SITE_01``, is data and is printed as it is."""
_HEADINGS = {variable.name: variable.heading for variable in VARIABLES}
_SECTION = Section()
"""What the notebook of this process has said so far."""


@dataclass(frozen=True, slots=True, repr=False)
class Block(OneLine):
    """One thing a notebook shows; ``data`` goes to the report, ``views`` (MIME type to text) to Jupyter.

    A figure or table whose ``data`` say what is ``missing`` tells the notebook's reader why; the report leaves it out.
    """

    kind: Literal["prose", "figure", "table", "value", "findings", "absent"]
    data: Mapping[str, Any]
    views: Mapping[str, str]

    def _facts(self) -> Iterator[str]:
        yield self.kind
        yield from self.views["text/plain"].splitlines()[:1]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {MIME: {"kind": self.kind, **self.data}, **self.views}

    def _ipython_display_(self) -> None:
        """Show the block in a notebook, a table under its number and caption, a figure above them."""
        bundle = self._repr_mimebundle_()
        if self.kind not in ("figure", "table"):
            display(bundle, raw=True)
            return
        head = f"**{_SECTION.reference(self.data['label'])}.** {_SECTION.shown(self.data['caption'])}"
        below = [_SECTION.shown(self.data["note"])] if self.data["note"] else []
        above, below = ([head], below) if self.kind == "table" else ([], [head, *below])
        for text in above:
            display(_markdown(text), raw=True)
        display(bundle, raw=True)
        if below:
            display(_markdown("\n\n".join(below)), raw=True)


def prose(text: str, *, appendix: bool = False) -> Block:
    """Return text of the report: Markdown in which ``{{name}}`` is a value, ``@tbl-age`` a reference, ``@key`` a work.

    The notebook shows it with these in words, so far as they are known where it stands. Headings belong into cells of
    Markdown, which a notebook's table of contents lists. In the ``appendix`` it stands with what :func:`show` sends
    there.

    Raises:
        ReportError: there is no text.
    """
    markdown = dedent(text).strip()
    if not markdown:
        raise ReportError("the prose is empty; write a sentence or take the cell out")
    return Block("prose", {"markdown": markdown, **_placed(appendix)}, _markdown(_SECTION.shown(markdown)))


def figure(
    fig: Figure,
    label: str,
    *,
    caption: str,
    alt: str,
    note: str | None = None,
    data: pd.DataFrame | None = None,
    appendix: bool = False,
) -> Block:
    """Return a figure as a block and close it.

    The SVG is made twice: text kept as text for the PDF, and glyphs as paths for the web and Jupyter. For a
    reader of the notebook a picture stands beside them, since JupyterLab draws no SVG in one that it does not trust.

    Args:
        fig: a matplotlib figure, at most ``look.TEXT_WIDTH`` inches wide; a wider one is made smaller with its letters.
        label: ``fig-…``, the target of ``@fig-…``.
        caption: one sentence under the figure; Markdown.
        alt: what a reader who cannot see the figure needs to know of it.
        note: small print under the caption; Markdown. What the figure remarks of how it is drawn is said after it, and
            what abbreviations stand for.
        data: what is drawn, such as rows of estimates; it stands beside the report as ``figures/fig-….csv``.
        appendix: whether the report has it in its appendix, and a reference to it here.

    Raises:
        ReportError: the label is malformed, caption or alt is empty, or the letters would be too small to be read.
    """
    _check(label, "fig", caption=caption, alt=alt)
    picture = {} if _in_report() else {_PNG: base64.b64encode(style.png(fig, 110)).decode()}
    made = draw(fig, label)
    check_letters(fig, made, label)
    plt.close(fig)
    texts = {"label": label, "caption": caption, "alt": alt, "note": note}
    return _figure(made, texts, data, picture, appendix=appendix)


def _figure(
    made: Drawn, texts: Mapping[str, Any], data: pd.DataFrame | None, picture: Mapping[str, str], *, appendix: bool
) -> Block:
    """Return the block of a figure as drawn; ``texts`` are its label, caption, alternative text and note."""
    remarks = cited(sentences(made.remarks))
    note = " ".join(filter(None, (texts["note"], remarks))) or None
    note = defined(note, re.findall(r">([^<>]+)</(?:text|tspan)>", made.words), texts["caption"])
    drawn_rows = None if data is None else to_csv(data)
    shown = {**texts, "note": note, "svg": made.words, "csv": drawn_rows, **_placed(appendix)}
    alone = f"{texts['label']}: {texts['alt']}"
    return Block("figure", shown, {_SVG: made.paths, "text/plain": alone, **picture})


def table(df: pd.DataFrame, label: str, *, caption: str, note: str | None = None, appendix: bool = False) -> Block:
    """Return a data frame as a block.

    An index of one level is the stub, headed by its name; of two levels, row group and stub. Text is
    printed as it is, whole numbers with a thousands separator, other numbers to three significant
    digits, missing cells as an en dash. A name of the codebook is printed as its label and unit.

    Args:
        df: the cells, in print order.
        label: ``tbl-…``, the target of ``@tbl-…``.
        caption: one sentence over the table; Markdown.
        note: small print under the table; Markdown. What abbreviations stand for is said after it.
        appendix: whether the report has it in its appendix, and a reference to it here.

    Raises:
        ReportError: the label is malformed, the caption empty, the frame has no rows, too many levels,
            or a heading or stub that is a raw column name.
    """
    _check(label, "tbl", caption=caption)
    if df.index.nlevels > 2 or df.columns.nlevels > 1:
        raise ReportError(f"table {label!r}: the index takes one or two levels and the columns one; flatten the rest")
    if df.empty:
        raise ReportError(f"table {label!r} has no cells; leave it out or say in the text why there are none")
    if isinstance(df.index, pd.RangeIndex) and df.index.name is None:
        raise ReportError(f"table {label!r}: the rows have no names; set the index to the column that names them")
    groups = [None] * len(df) if df.index.nlevels == 1 else df.index.get_level_values(0)
    stubs = df.index.get_level_values(-1)
    stub_head = stubs.name if stubs.name is not None else ""
    columns = {"stub": [_printed(stub, label) for stub in stubs]}
    aligns = ["left"]
    for position in range(df.shape[1]):
        cells = df.iloc[:, position].tolist()
        columns[f"c{position}"] = [as_text(cell) for cell in cells]
        aligns.append("right" if is_numeric(cells) else "left")
    heads = [_printed(head, label) for head in (stub_head, *df.columns)]
    rows = list(zip(*columns.values(), strict=True))
    names = [None if group is None else _printed(group, label) for group in groups]
    note = defined(note, (text for texts in (heads, *rows, filter(None, names)) for text in texts), caption)
    data: dict[str, Any] = {
        "label": label,
        "caption": caption,
        "note": note,
        "columns": [{"heading": head, "align": align} for head, align in zip(heads, aligns, strict=True)],
        "rows": [
            {"group": name, "cells": list(cells), "summary": summary}
            for name, cells, summary in zip(names, rows, overlapping(columns["stub"]), strict=True)
        ],
    }
    data |= _placed(appendix)
    # The report sets its tables itself.
    shown = page.table(data) if _in_report() else _great_table(columns, names, heads, aligns, label)
    return Block("table", data, {"text/html": shown, "text/plain": df.to_string(max_rows=20, max_cols=10)})


def value(name: str, text: str | float) -> Block:
    """Return an inline text, or a number as it is, for ``{{name}}`` anywhere in the Markdown of the report.

    Raises:
        ReportError: the name is not lower case letters, digits and underscores, or the text is empty.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ReportError(f"value name {name!r}: use lower-case letters, digits and underscores, e.g. 'rr_magnesium'")
    said = str(text)
    if not said.strip():
        raise ReportError(f"value {name!r} is empty; say in words what is missing, e.g. 'not estimable'")
    _SECTION.values[name] = said
    return Block("value", {"name": name, "text": said}, {"text/plain": f"{name}: {said}"})


def record(estimates: pd.DataFrame) -> Block:
    """Return tidy estimates as a block that carries them to the report's ``estimates.csv``.

    Raises:
        ReportError: the columns are not those of ``crampstudy.estimates.COLUMNS``.
        UsageError: a row is of no kind of result.
    """
    return _recorded(SectionResults(estimates, {}, {}, None))


def record_findings(found: Findings) -> None:
    """Record the estimates and the values of an analysis: display a block of them, at the head of its section."""
    _SECTION.values.update(found.values)
    display(_recorded(SectionResults.of(found)))


def _recorded(results: SectionResults) -> Block:
    estimates = results.estimates
    if tuple(estimates.columns) != COLUMNS:
        wrong = sorted(set(estimates.columns) ^ set(COLUMNS)) or "another order"
        raise ReportError(f"record takes rows as crampstudy.estimates.frame returns them; columns differ: {wrong}")
    kinds.of_rows(estimates)
    said = f"{len(estimates):,} estimates recorded for the report"
    return Block("findings", results.record(), {"text/plain": said})


def _markdown(text: str) -> dict[str, str]:
    return {"text/markdown": text, "text/plain": text}


def show(found: Findings, label: str, *, appendix: bool = False) -> Block:
    """Return the table or figure of an analysis by its label; checks and sensitivity analyses go to the ``appendix``.

    What could not be made says why, and what this kind of cohort does not have that it has none: to the reader of the
    notebook, for the report leaves both out, with what its prose says of them. A caption or a note of one's own is put
    in with :func:`dataclasses.replace`, or the table or figure is made anew from ``found.estimates``.

    Raises:
        ReportError: the analysis has no such part.
    """
    if label in found.absent:
        return Block("absent", {"label": label}, {"text/plain": f"{label}: this kind of cohort has none"})
    if reason := found.could_not.get(label):
        return _missing(label, without_advice(reason))
    if label in found.tables:
        made = found.tables[label]
        caption, note = _texts(made)
        shown = table(made.frame, label, caption=caption, note=note, appendix=appendix)
        rows = _with_marks(shown.data["rows"], made.marked)
        return replace(shown, data={**shown.data, **_told(shown.data), "rows": rows})
    if label in found.figures:
        drawing = found.figures[label]
        data, alt = drawing.estimates, drawing.alt
        caption, note = _texts(drawing)
        if _in_report():
            _check(label, "fig", caption=caption, alt=alt)
            texts = {"label": label, "caption": caption, "alt": alt, "note": note}
            block = _figure(drawn(found, label), texts, data, {}, appendix=appendix)
            return replace(block, data={**block.data, **_told(block.data)})
        caption, note = marks.without(caption), note and marks.without(note)
        fig = FIGURES[drawing.figure](data)
        return figure(fig, label, caption=caption, alt=alt, note=note, data=data, appendix=appendix)
    parts = ", ".join({**found.tables, **found.figures, **found.could_not}) or "none"
    raise ReportError(f"the analysis has no part {label!r}; its parts: {parts}")


def _texts(part: ReportTable | Drawing) -> tuple[str, str | None]:
    """Return caption and note of a part as Markdown, with the marks of the rows that they tell of."""
    caption, note = part.said.get("caption", part.caption), part.said.get("note", part.note)
    return cited(caption), note and cited(note)


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return caption and note of a block as readers have them, and beside them, where they have marks, with these."""
    texts = {name: data[name] for name in ("caption", "note") if data[name]}
    plain = {name: marks.without(text) for name, text in texts.items()}
    return {**plain, "told": {name: text for name, text in texts.items() if text != plain[name]}}


def _with_marks(lines: list[dict[str, Any]], marked: Mapping[tuple[int, int], str]) -> list[dict[str, Any]]:
    """Return the lines of a table with their cells also as ``marked``, so far as they say the same."""
    return [
        {
            **line,
            "marked": [
                own if marks.without(own := marked.get((at, column), cell)) == cell else cell
                for column, cell in enumerate(line["cells"])
            ],
        }
        for at, line in enumerate(lines)
    ]


def _placed(appendix: bool) -> dict[str, bool]:
    return {"appendix": True} if appendix else {}


def _missing(label: str, reason: str) -> Block:
    if label.startswith("fig-"):
        shown = figure(could_not_estimate(reason), label, caption=_NOT_MADE, alt=f"Could not estimate: {reason}.")
    else:
        rows = pd.DataFrame({"Reason": [capital(reason)]}, index=pd.Index(["Could not estimate"], name=""))
        shown = table(rows, label, caption=_NOT_MADE)
    return replace(shown, data={**shown.data, "missing": reason})


def _check(label: str, prefix: str, **texts: str) -> None:
    if not re.fullmatch(rf"{prefix}-[a-z0-9]+(-[a-z0-9]+)*", label):
        raise ReportError(
            f"label {label!r}: use {prefix}- and lower-case letters, digits and hyphens, e.g. {prefix}-age"
        )
    for name, text in texts.items():
        if not text.strip():
            raise ReportError(f"{label}: {name} is empty; every {'figure' if prefix == 'fig' else 'table'} needs one")


def _printed(name: object, label: str) -> str:
    text = as_text(name)
    if text in _HEADINGS:
        return _HEADINGS[text]
    if _RAW.fullmatch(text):
        raise ReportError(f"table {label!r} would print the raw name {text!r}; rename it to words for readers")
    return text


def _in_report() -> bool:
    """Say whether this is a kernel of a report, whose notebooks nobody looks at."""
    return KERNEL_VARIABLE in os.environ


def _great_table(
    columns: dict[str, list[str]], names: list[str | None], heads: list[str], aligns: list[str], label: str
) -> str:
    frame = pd.DataFrame(columns)
    grouped = any(name is not None for name in names)
    if grouped:
        frame["group"] = names
    # What takes long to load, and kernels of a report have no use for.
    import great_tables as gt

    made = gt.GT(frame, rowname_col="stub", groupname_col="group" if grouped else None, id=label)
    made = made.tab_stubhead(heads[0]).cols_label(dict(zip(list(columns)[1:], heads[1:], strict=True)))
    for name, align in zip(list(columns)[1:], aligns[1:], strict=True):
        made = made.cols_align("left" if align == "left" else "right", columns=[name])
    made = made.tab_options(table_font_names=[look.SANS, "sans-serif"], table_font_size="13px")
    # Great-tables' own ids come from group names and may hold spaces; scope says the same without them.
    return re.sub(r'(<t[hd][^>]*?) (?:id|headers)="[^"]*"', r"\1", made.as_raw_html())
