"""Where the numbers of a report come from: printed numbers led back to the cells of the estimates they are of.

A number is of a row where it is one of the row's numbers as printed: rounded, in per cents, without its sign in words
such as "lower by", as a time of day. An estimate with its interval has to be that of one row in all three numbers. A
number alone is taken from the rows that its line or sentence already has a number of, where one of them holds it, else
from any row of its section. What stands in the words of a row (a level, a contrast, a unit, a date in its note) is a
label, and no estimate.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from crampstudy.report.trace.printed_numbers import PrintedNumbers, words

_NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?(?:\u202f?%)?"
_LIMIT = r"(?:[−<>-]?\d[\d,]*(?:\.\d+)?|∞)"
# Not within a word or a longer number: the 12 of B12, the 2020 of a date.
_ALONE = rf"(?<![\w.,−-])(?:[<≥≤>] ?)?{_NUMBER}(?![\w]|[.,]\d)"
_CLOCK = r"\d\d:\d\d"
_TOKEN = re.compile(
    rf"(?P<middle>{_CLOCK}|(?<![\w.,−-])[<>]?{_NUMBER}) "
    rf"\((?P<low>{_CLOCK}|{_LIMIT})(?: to |–)(?P<high>{_CLOCK}|{_LIMIT})\)"
    rf"|(?P<alone>{_CLOCK}|{_ALONE})"
)
_LETTER = re.compile(r"[^\W\d_]")
_ESTIMATE = "estimate"
_MOST = 4
"""How many rows a number names that several hold, such as a small count."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of a text: a number with the ``keys`` of its rows, or what stands between numbers.

    ``shows`` are the keys of the rows whose estimate it is. A number that stands in the words of a row is a ``label``.
    """

    text: str
    keys: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    number: bool = False
    label: bool = False


@dataclass(frozen=True)
class RowTrace:
    """The tidy rows of a section by the forms in which their numbers are printed."""

    rows: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, parts: Iterable[str]) -> RowTrace:
        """Return the trace of a section from the CSV of its rows."""
        return cls(tuple(row for part in parts for row in csv.DictReader(io.StringIO(part))))

    @cached_property
    def _cells(self) -> PrintedNumbers:
        return PrintedNumbers.of(self.rows)

    @cached_property
    def _words(self) -> frozenset[str]:
        return words(self.rows)

    def pieces(self, texts: Sequence[str]) -> list[list[TextPiece]]:
        """Return texts that stand together, such as the cells of a line, in pieces."""
        found = [list(_TOKEN.finditer(text)) for text in texts]
        near = {row for tokens in found for token in tokens if token["middle"] for row in self._whole(token)}
        return [list(self._split(text, tokens, near)) for text, tokens in zip(texts, found, strict=True)]

    def _split(self, text: str, tokens: list[re.Match[str]], near: set[int]) -> Iterator[TextPiece]:
        done = 0
        for token in tokens:
            for at, piece in self._numbers(token, near):
                if text[done:at]:
                    yield TextPiece(text[done:at])
                yield piece
                done = at + len(piece.text)
        if text[done:]:
            yield TextPiece(text[done:])

    def _numbers(self, token: re.Match[str], near: set[int]) -> Iterator[tuple[int, TextPiece]]:
        if token["middle"] and (rows := self._whole(token)):
            keys = self._keys(rows)
            yield token.start(), TextPiece(token[0], keys, keys, number=True)
            return
        worded = bool(_LETTER.search(token.string))
        for name in ("alone", "middle", "low", "high"):
            if token[name]:
                yield token.start(name), self._single(token[name], near, worded=worded)

    def _single(self, text: str, near: set[int], *, worded: bool) -> TextPiece:
        cells = self._cells.find(text)
        beside = {cell for cell in cells if cell[0] in near}
        if not beside and (worded or not cells) and text.strip("−-%") in self._words:
            return TextPiece(text, number=True, label=True)
        chosen = beside or cells
        estimates = {row for row, column in chosen if column == _ESTIMATE}
        shows = self._keys(estimates) if len(estimates) == 1 else ()
        return TextPiece(text, self._keys({row for row, _ in chosen})[:_MOST], shows, number=True)

    def _whole(self, token: re.Match[str]) -> set[int]:
        """Return the rows of which an estimate with its interval is."""
        cells = {name: self._cells.find(token[name], beside=True) for name in ("middle", "low", "high")}
        of = {"middle": (_ESTIMATE,), "low": ("ci_low", "ci_high"), "high": ("ci_low", "ci_high")}
        rows = [{row for row, column in cells[name] if column in of[name]} for name in cells]
        return set.intersection(*rows)

    def _keys(self, rows: set[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.rows[row]["key"] for row in sorted(rows)))


def shown(pieces: Iterable[TextPiece]) -> set[str]:
    """Return the keys of the rows whose estimates are among pieces."""
    return {key for piece in pieces for key in piece.shows}


def as_data(pieces: Sequence[TextPiece]) -> list[tuple[str, str]]:
    """Return pieces as pairs of text and keys, which are separated by spaces."""
    return [(piece.text, " ".join(piece.keys)) for piece in pieces]
