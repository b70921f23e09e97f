"""The numbers of tidy rows, found by the forms in which a report prints them."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from crampstudy.nights.calendar import day_of
from crampstudy.wording.numbers import LARGEST_RATIO

_INTERVAL = ("estimate", "ci_low", "ci_high")
_P = ("p_value", "q_value")
_COLUMNS = (
    *(*_INTERVAL, *_P, "std_error", "df", "n_effective"),
    *("n_participants", "n_nights", "n_events", "n_groups", "n_exposed"),
)
_WORDS = ("population", "outcome", "estimand", "adjusted_for", "term", "level", "reference", "unit", "facts", "note")
_PER_CENT = 100
_ROUNDING = 1e-9
"""The rows hold ten digits: one that lies between two printed numbers may have been either."""
_DAY = 24 * 60
_COUNTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("participants", "people", "persons"), ("n_participants", "n_groups", "n_exposed", "n_effective")),
    **dict.fromkeys(("nights", "person-nights"), ("n_nights",)),
    **dict.fromkeys(("cramps", "events"), ("n_events",)),
}
"""What a number counts by the noun after it, and the columns that have it."""
_NOUN = re.compile(rf" (?:of [\d,]+ )?({'|'.join(_COUNTS)})\b")
_ENOUGH_DIGITS = 2
_BOUNDED = re.compile("_ratio$|^gap_of_")
"""Scales of which what is very small, or large, is printed as a bound."""
_POWER = re.compile(r"(?:(.+)×)?10([⁻⁰¹²³⁴-⁹]+)")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SELDOM = frozenset({"std_error", "df", "n_effective"})
Cell = tuple[int, str]
"""A row by its place, and a column."""


@dataclass(frozen=True, slots=True)
class PrintedNumbers:
    """Numbers in rising order, each with its cell: of the rows as they are and in per cents, with and without sign."""

    numbers: tuple[float, ...]
    cells: tuple[Cell, ...]
    minutes: Mapping[int, frozenset[Cell]]
    days: Mapping[str, frozenset[Cell]]
    p_values: tuple[tuple[float, Cell], ...]
    ratios: tuple[tuple[float, Cell], ...]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, str]]) -> PrintedNumbers:
        """Return the numbers of rows."""
        given = [
            (float(text), (place, column))
            for place, row in enumerate(rows)
            for column in _COLUMNS
            if (text := row[column])
        ]
        ordered = sorted(pair for value, cell in given for pair in _forms(value, cell))
        ratios = {
            (place, column) for place, row in enumerate(rows) if _BOUNDED.search(row["scale"]) for column in _INTERVAL
        }
        minutes: dict[int, set[Cell]] = {}
        days: dict[str, set[Cell]] = {}
        for value, cell in given:
            if cell[1] in _INTERVAL and math.isfinite(value):
                minutes.setdefault(round(value * 60) % _DAY, set()).add(cell)
                if rows[cell[0]]["scale"] == "day_of_year":
                    days.setdefault(day_of(value), set()).add(cell)
        return cls(
            tuple(value for value, _ in ordered),
            tuple(cell for _, cell in ordered),
            {minute: frozenset(cells) for minute, cells in minutes.items()},
            {day: frozenset(cells) for day, cells in days.items()},
            tuple((value, cell) for value, cell in given if cell[1] in _P),
            tuple((value, cell) for value, cell in given if cell in ratios),
        )

    def find(self, text: str, *, beside: bool = False) -> frozenset[Cell]:
        """Return the cells that may have been printed so: ``1,204``, ``−0.31``, ``<0.001``, ``02:10``, ``30 June``.

        Of bounds those of p-values come before those of ratios, but not ``beside`` an estimate or its limits.
        """
        if text[-1].isalpha():
            return self.days.get(text, frozenset())
        bare = re.sub(r"[\u202f%, ]", "", text).replace("−", "-")
        if ":" in bare:
            hour, minute = map(int, bare.split(":"))
            return self.minutes.get((hour * 60 + minute) % _DAY, frozenset())
        written, power = _as_power(bare.lstrip("<≤≥>"))
        number = float(written.replace("∞", "inf")) * power
        if bare.startswith("<"):
            p_values = [] if beside else [cell for value, cell in self.p_values if value < number]
            return frozenset(p_values or [cell for value, cell in self.ratios if value < number])
        if bare.startswith(">") and number == LARGEST_RATIO:
            return frozenset(cell for value, cell in self.ratios if value > number)
        step = power * 10.0 ** -len(written.partition(".")[2])
        half = 0.0 if math.isinf(number) else 0.5 * step + abs(number) * _ROUNDING
        first, last = bisect_left(self.numbers, number - half), bisect_right(self.numbers, number + half)
        return frozenset(self.cells[first:last])


def _as_power(text: str) -> tuple[str, float]:
    """Return a number and the power of ten that it is a multiple of: ``2`` and 10⁻⁵ of ``2×10⁻⁵``."""
    if not (found := _POWER.fullmatch(text)):
        return text, 1.0
    return found[1] or "1", 10.0 ** int(found[2].translate(_LOWERED))


def _forms(value: float, cell: Cell) -> Iterator[tuple[float, Cell]]:
    for factor in (1, _PER_CENT):
        yield value * factor, cell
        if value < 0:
            yield -value * factor, cell


def could_be(
    text: str, after: str, cells: Iterable[Cell], rows: Sequence[Mapping[str, str]], *, worded: bool
) -> set[Cell]:
    """Return the cells of which a number could be by its form and by the words after it.

    A whole number is of a whole one: 5 is no ratio of 5.02. What counts people is no count of nights, and in a sentence
    what counts neither is of a row only with digits enough: 500 mL are not the participants, and the 0.05 that q is
    below is no p-value.

    Args:
        text: the number as printed.
        after: the text behind it.
        cells: which hold it.
        rows: whose cells they are.
        worded: whether it stands in a sentence.
    """
    noun = _NOUN.match(after)
    of = None if noun is None else (*_COUNTS[noun[1]], "estimate")
    whole = text.replace(",", "").isdecimal()
    few = whole or len(text.replace(".", "").strip("0−-<>≤≥ %\u202f")) < _ENOUGH_DIGITS
    if worded and noun is None and few and not text.startswith("<"):
        return set()
    return {
        (row, column)
        for row, column in cells
        if (of is None or column in of) and (not whole or float(rows[row][column]) == float(text.replace(",", "")))
    }


def likeliest(cells: set[Cell], rows: Sequence[Mapping[str, str]]) -> set[Cell]:
    """Return the cells that a number is likely to be of: those of one row or of one kind, else none."""
    often = {cell for cell in cells if cell[1] not in _SELDOM} or cells
    kinds = {
        (column, rows[row]["scale"], rows[row]["unit"]) if column in _INTERVAL else (column,) for row, column in often
    }
    return often if len(kinds) == 1 or len({row for row, _ in often}) == 1 else set()


def words(rows: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Return the numbers that stand in the words of rows, as in a level, a unit or a remark."""
    texts = {row[column] for row in rows for column in _WORDS}
    return frozenset(number for text in texts for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text))
