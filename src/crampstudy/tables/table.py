"""A table for readers: a data frame of text that knows its caption and its notes, and can be taken elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, ParamSpec

import pandas as pd

from crampstudy import export
from crampstudy.atomic_write import whole_file
from crampstudy.errors import NoRowToShow, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.results import Rows, rows_of
from crampstudy.tables.remarks import notes
from crampstudy.tables.remarks.model_parameters import parameters

P = ParamSpec("P")
_OF_NONE = frozenset({"table_one", "table_of_arms"})
"""Tables that say of no rows that nothing was recorded."""
File = str | Path


class PrintedTable(pd.DataFrame):
    """A data frame of text with a ``caption`` above and ``notes`` below it.

    :meth:`to_html`, :meth:`to_latex` and :meth:`to_markdown` return a text or write it to a file, :meth:`to_docx` and
    :meth:`to_excel` write a file; whole or not at all, and the same bytes for the same table. With arguments of
    pandas, :meth:`to_html`, :meth:`to_latex`, :meth:`to_markdown` and :meth:`to_excel` are those of a data frame.
    """

    _metadata: ClassVar[list[str]] = ["caption", "notes"]
    caption: str = ""
    notes: tuple[str, ...] = ()

    @property
    def _constructor(self) -> type[PrintedTable]:
        return PrintedTable

    @classmethod
    def of(cls, frame: pd.DataFrame, caption: str = "", notes: Iterable[str] = ()) -> PrintedTable:
        """Return a data frame as a table."""
        made = cls(frame)
        made.caption, made.notes = caption, tuple(filter(None, notes))
        return made

    def to_html(self, buf: Any = None, **of_pandas: Any) -> Any:
        """Return the table as HTML, or write it to a file."""
        if of_pandas:
            return super().to_html(buf, **of_pandas)
        return _put(export.html(self, self.caption, self.notes), buf)

    def to_latex(self, buf: Any = None, **of_pandas: Any) -> Any:
        """Return the table as LaTeX (booktabs and longtable), or write it to a file."""
        if of_pandas:
            return super().to_latex(buf, **of_pandas)
        return _put(export.text(self, self.caption, self.notes, "latex"), buf)

    def to_markdown(self, buf: Any = None, **of_pandas: Any) -> Any:
        """Return the table as Markdown, or write it to a file."""
        if of_pandas:
            return super().to_markdown(buf, **of_pandas)
        return _put(export.text(self, self.caption, self.notes, "markdown"), buf)

    def to_docx(self, path: File) -> None:
        """Write the table to a document of Word."""
        whole_file(_named(path, ".docx"), export.docx(self, self.caption, self.notes))

    def to_excel(self, excel_writer: Any, **of_pandas: Any) -> None:  # type: ignore[misc]
        """Write the table to a workbook of Excel."""
        if of_pandas or not isinstance(excel_writer, (str, Path)):
            super().to_excel(excel_writer, **of_pandas)
        else:
            whole_file(_named(excel_writer, ".xlsx"), export.xlsx(self, self.caption, self.notes))

    def _repr_html_(self) -> str:
        return export.html(self, self.caption, self.notes)


def as_table(made: Callable[P, pd.DataFrame]) -> Callable[P, PrintedTable]:
    """Return a function whose data frame is a :class:`PrintedTable`."""

    @wraps(made)
    def of(*given: P.args, **options: P.kwargs) -> PrintedTable:
        return PrintedTable.of(made(*given, **options))

    return of


def table_of_rows(made: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Rows], PrintedTable]:
    """Return a function of rows that takes a result as well, and whose table has what is said of the rows as notes.

    One that returns a table with notes of its own keeps them.
    """

    @wraps(made)
    def of(estimates: Rows) -> PrintedTable:
        rows = rows_of(estimates)
        _check_kinds(rows, made.__name__)
        found = made(rows)
        if isinstance(found, PrintedTable):
            return found
        return PrintedTable.of(found, notes=(*parameters(rows), notes(rows)))

    return of


def _check_kinds(rows: pd.DataFrame, table: str) -> None:
    """Check that a table shows some of the rows, and else say which tables do."""
    own = [kind.name for kind in kinds.KINDS.values() if kind.table == table]
    if rows["analysis"].isin(own).any() or (rows.empty and table in _OF_NONE):
        return
    others = {kind.table: name for name, kind in kinds.of_rows(rows).items()}
    there = "; ".join(f"tables.{name} shows {analysis}" for name, analysis in others.items())
    raise NoRowToShow(f"tables.{table} shows {', '.join(own)}, and there is no such row{there and f'; {there}'}")


def _put(text: str, buf: Any) -> str | None:
    if buf is None:
        return text
    if isinstance(buf, (str, Path)):
        whole_file(Path(buf), text.encode())
    else:
        buf.write(text)
    return None


def _named(path: File, ending: str) -> Path:
    if Path(path).suffix.lower() != ending:
        raise UsageError(
            f"{path} has not the ending {ending}, by which it is opened; name it {Path(path).stem}{ending}"
        )
    return Path(path)
