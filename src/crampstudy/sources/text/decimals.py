"""Which mark the numbers of a column have: one rule reads all its cells, or the file is refused.

``6,5`` can only be a decimal comma and ``6.5`` a decimal point; ``1,234`` may be either one or a thousand. A column of
which a part was read and the rest set aside would lose its fractions and keep its whole numbers, so that what is not
certain is asked, not guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning.raw import APART
from crampstudy.codebook import VariableType
from crampstudy.codebook.missing import MARKS as MARKS_OF_MISSING
from crampstudy.errors import SourceError

Mark = Literal[".", ","]
MARKS: tuple[Mark, ...] = get_args(Mark)
NUMBERS: tuple[VariableType, ...] = ("integer", "number")
"""Types of variables whose cells are numbers."""
COMMA = r"^[+-]?[\d.]*,[\d.,]*\d$"
"""What may be a number with a comma in it; where no cell looks like it, there is nothing to settle."""

_NUMERIC = r"^[+-]?(\d+([.,]\d+)?|[.,]\d+)$"
_SLIPS = 0.05  # of the cells with a mark: so many may be written the other way, and are for the ledger
_NAMES = {",": "comma", ".": "point"}


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody has said of the numbers in a file.

    ``mark`` holds for all columns, ``marks`` for single ones; ``numbers`` are columns of numbers that the codebook does
    not know, ``ungrouped`` those in which no mark can stand between thousands. ``option`` is how to state a mark.
    """

    mark: Mark | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    ungrouped: frozenset[str] = frozenset()
    option: str = "the option decimal"

    def of(self, column: str) -> Mark | None:
        """Return the mark that was stated for a column."""
        return self.marks.get(column, self.mark)

    @property
    def commas(self) -> bool:
        """Whether some column was said to have decimal commas."""
        return self.mark == "," or "," in self.marks.values()


NOTHING = Stated()


def option(source: str) -> str:
    """Return how the decimal mark of a source can be stated."""
    return f"{source}?decimal=, or {source}?decimal=."


def numbers(frame: pl.DataFrame, tables: Collection[str], stated: Stated = NOTHING) -> list[str]:
    """Return the columns of numbers: those of the codebook, those stated, and own ones that look like it.

    A column that nobody knows is one of numbers if all its cells look like one and some have a mark that leaves no
    doubt, or whose meaning was stated.
    """
    made = []
    for name, dtype in frame.schema.items():
        known = [v for table in tables if (v := codebook.find(name, table))]
        if dtype != pl.String:
            continue
        if known:
            made += [name] if known[0].type in NUMBERS else []
        elif name in stated.numbers or name in stated.marks or _numeric(frame[name], stated.mark is not None):
            made.append(name)
    return made


def _numeric(column: pl.Series, stated: bool) -> bool:
    # What stands for no value says nothing of how numbers are written.
    cells = column.drop_nulls().filter(~column.drop_nulls().is_in(sorted(MARKS_OF_MISSING)))
    if not cells.str.contains(COMMA).any() or not cells.str.contains(_NUMERIC).all():
        return False
    forms = _NumberForms.of(cells)
    return stated or (forms.comma > 0 and forms.point == 0)


def settle(
    frame: pl.DataFrame,
    columns: Collection[str],
    file: str,
    lines: pl.Series,
    stated: Stated = NOTHING,
    by_comma: bool = False,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return texts whose numbers have decimal points and no thousands apart, and notices of what was done.

    A cell that its column's rule cannot read stays, and is no number then.

    Args:
        frame: The table, all text.
        columns: Those of its columns that hold numbers.
        file: The file's name, for messages.
        lines: The line of each row in ``file``.
        stated: What somebody has said of the marks.
        by_comma: Whether the file comes from where decimal marks are commas.

    Raises:
        SourceError: a column has decimal commas and points, or only cells such as 1,234, and its mark is not stated.
    """
    found = {name: forms for name in columns if (forms := _NumberForms.of(frame[name])).any}
    by_comma |= any(forms.comma and not forms.point for forms in found.values())
    made, commas, apart = [], [], []
    for name, forms in found.items():
        mark = forms.mark(stated.of(name), name in stated.ungrouped, by_comma)
        told = mark is not None and mark == stated.of(name)
        if mark is None or forms.against(mark, told) > forms.slips(mark, told):
            raise SourceError(_refusal(frame[name], file, lines, forms, stated.option))
        commas += [name] if mark == "," and forms.comma + forms.open_comma else []
        grouped = forms.apart(mark, told) > 0
        apart += [name] if grouped else []
        made.append(_pointed(name, mark, grouped))
    notices = [f"{file}: read with a decimal comma: {', '.join(commas)}"] if commas else []
    notices += [f"{file}: read with a mark between thousands: {', '.join(apart)}"] if apart else []
    return frame.with_columns(made) if made else frame, tuple(notices)


def _decimal(mark: Mark) -> str:
    """Return the form of a number whose mark cannot stand between thousands."""
    m = f"[{mark}]"
    return rf"^[+-]?(\d*{m}\d{{1,2}}|\d*{m}\d{{4,}}|(0\d*|\d{{4,}})?{m}\d{{3}})([eE][+-]?\d+)?$"


def _open(mark: Mark) -> str:
    return rf"^[+-]?[1-9]\d{{0,2}}[{mark}]\d{{3}}$"


# Points alone never group here: 1.234.567 is also a version, a date or an address.
_APART: dict[Mark, str] = {
    ",": r"^[+-]?[1-9]\d{0,2}([.]\d{3})+,\d+$",
    ".": r"^[+-]?[1-9]\d{0,2}(((,\d{3})+[.]\d+)|((,\d{3}){2,}))$",
}


@dataclass(frozen=True, slots=True)
class _NumberForms:
    """How many cells of a column have which form; ``apart_comma`` are those with a decimal comma and thousands."""

    decimal_comma: int
    decimal_point: int
    apart_comma: int
    apart_point: int
    open_comma: int
    open_point: int

    @classmethod
    def of(cls, cells: pl.Series) -> _NumberForms:
        if not cells.str.contains("[.,]").any():
            return cls(0, 0, 0, 0, 0, 0)
        patterns = (_decimal(","), _decimal("."), _APART[","], _APART["."], _open(","), _open("."))
        cell = pl.col("cell").str
        counts = cells.to_frame("cell").select(cell.contains(p).sum().alias(str(i)) for i, p in enumerate(patterns))
        return cls(*(int(n) for n in counts.row(0)))

    @property
    def any(self) -> bool:
        return bool(self.comma + self.point + self.open_comma + self.open_point)

    @property
    def comma(self) -> int:
        """How many cells can only have a decimal comma."""
        return self.decimal_comma + self.apart_comma

    @property
    def point(self) -> int:
        """How many cells can only have a decimal point."""
        return self.decimal_point + self.apart_point

    def mark(self, told: Mark | None, ungrouped: bool, by_comma: bool) -> Mark | None:
        """Return the mark that the cells show, and where they leave it open what was ``told``, if anything."""
        if self.comma != self.point:
            return "," if self.comma > self.point else "."
        if self.comma or told:
            return told
        if ungrouped and not (self.open_comma and self.open_point):
            return "," if self.open_comma else "."
        # In a file of decimal commas a point may stand between thousands.
        return None if self.open_comma or by_comma else "."

    def apart(self, mark: Mark, told: bool) -> int:
        """Return how many cells have thousands apart, read by ``mark``."""
        sure, unsure = (self.apart_comma, self.open_point) if mark == "," else (self.apart_point, self.open_comma)
        return sure + unsure if sure or told else 0

    def against(self, mark: Mark, told: bool) -> int:
        """Return how many cells ``mark`` cannot read."""
        other, unsure = (self.point, self.open_point) if mark == "," else (self.comma, self.open_comma)
        return other + (0 if self.apart(mark, told) else unsure)

    def slips(self, mark: Mark, told: bool) -> int:
        """Return how many cells may contradict ``mark`` as slips of the pen."""
        against = self.against(mark, told)
        fitting = self.comma + self.point + self.open_comma + self.open_point - against
        return min(max(1, int(_SLIPS * (fitting + against))), fitting - 1)


def _pointed(name: str, mark: Mark, grouped: bool) -> pl.Expr:
    """Return the cells of a column, read by one rule."""
    cell = pl.col(name)
    other: Mark = "." if mark == "," else ","
    apart = cell.str.contains(f"{_APART[mark]}|{_open(other)}") if grouped else pl.lit(value=False)
    plain = pl.when(apart).then(cell.str.replace_all(other, "", literal=True)).otherwise(cell)
    if mark == ".":
        return plain.alias(name)
    # A point that is left would pass for a decimal one.
    point = ~apart & cell.str.contains(r"^[+-]?\d*[.]\d")
    marked = pl.when(point).then(pl.format(f"{{}}{APART}", cell))
    return marked.otherwise(plain.str.replace(",", ".", literal=True)).alias(name)


def _refusal(cells: pl.Series, file: str, lines: pl.Series, forms: _NumberForms, option: str) -> str:
    examples = list(_examples(cells, lines))
    shown = " and ".join(f"{cell!r} (line {line})" for line, cell in examples)
    why, remedy = "have different decimal marks", "write the whole column in one way"
    if not forms.comma or not forms.point:
        mark: Mark = "," if "," in examples[0][1] else "."
        why = f"may have a decimal {_NAMES[mark]} or a mark between thousands"
        remedy = f"say what the decimal mark is with {option}"
    return f"{file}, column {cells.name}: {shown} {why}; a column is read in one way or not at all: {remedy}"


def _examples(cells: pl.Series, lines: pl.Series) -> Iterator[tuple[int, str]]:
    """Yield the first cell with a comma and the first with a point, each with its line."""
    for mark in MARKS[::-1]:
        fits = cells.str.contains("|".join((_decimal(mark), _APART[mark], _open(mark)))).fill_null(value=False)
        if fits.any():
            at = fits.arg_max() or 0
            yield lines[at], cells[at]
