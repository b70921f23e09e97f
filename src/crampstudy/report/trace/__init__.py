"""Where the numbers of a report come from: printed numbers led back to the cells of the estimates they are of.

A number that was marked when it was printed (:mod:`crampstudy.wording.marks`) is of the row of its mark. Of others the
digits tell: a number is of a row where it is one of the row's numbers as printed: rounded, in per cents, without its
sign in words such as "lower by", as a time of day or a day of the year. An estimate with its interval has to be that
of one row in all three numbers. A number alone is taken from the row nearest in its line or sentence that holds it,
else from the rows of its section that hold it in the same column and on the same scale; where they do not, nobody
knows. What stands in the words of a row (a level, a contrast, a unit, a date in its note) is a label, and no estimate.
"""

from __future__ import annotations

import calendar
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from crampstudy.report.trace.printed_numbers import Cell, PrintedNumbers, could_be, likeliest, words
from crampstudy.wording import marks

_NUMBER = r"(?:10[⁻⁰¹²³⁴-⁹]+|[−-]?\d[\d,]*(?:\.\d+)?(?: × 10[⁻⁰¹²³⁴-⁹]+|\u202f?%)?)"
_LIMIT = r"(?:[−<>-]?\d[\d,]*(?:\.\d+)?|∞)"
# Not within a word or a longer number: the 12 of B12, the 2020 of a date, the 25 of 25-hydroxyvitamin.
_ALONE = rf"(?<![\w.,−-])(?:[<≥≤>] ?)?{_NUMBER}(?![\w]|[.,]\d|-[^\W\d])"
_DAY = rf"(?<!\d)\d{{1,2}} (?:{'|'.join(calendar.month_name[1:])})(?! \d)"
_MOMENT = rf"(?:\d\d:\d\d|{_DAY})"
_TOKEN = re.compile(
    rf"(?P<middle>{_MOMENT}|(?<![\w.,−-])[<>]?{_NUMBER}) "
    rf"\((?P<low>{_MOMENT}|{_LIMIT})(?: to |–)(?P<high>{_MOMENT}|{_LIMIT})\)"
    rf"|(?P<alone>{_MOMENT}|{_ALONE})"
)
_LETTER = re.compile(r"[^\W\d_]")
_END = re.compile(r"[.!?] ")
_ESTIMATE = "estimate"
_MOST = 4
"""How many rows a number names that several hold, such as a small count."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of a text: a number with the ``keys`` of its rows, or what stands between numbers.

    ``shows`` are the keys of the rows that it shows. A number that stands in the words of a row is a ``label``.
    """

    text: str
    keys: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    number: bool = False
    label: bool = False


@dataclass(frozen=True)
class TracedLine:
    """Texts that stand together, as readers have them, and the rows of their marks by text and place.

    Of those that were ``recorded`` whoever printed a number of a row marked it.
    """

    texts: tuple[str, ...]
    rows: Mapping[tuple[int, int], int]
    recorded: bool

    def within(self, text: int, start: int, end: int) -> int | None:
        """Return the row of a mark in a stretch of a text; before a number there may be a sign such as ``<``."""
        return next((row for at in range(start, end) if (row := self.rows.get((text, at))) is not None), None)

    def nearest(self, text: int, at: int) -> list[int]:
        """Return the rows that the line tells of by how near they stand; of sentences, those of the same one."""
        own = self.texts[text]

        def beside(place: tuple[int, int]) -> bool:
            first, last = sorted((at, place[1]))
            return place[0] != text or not _END.search(own, first, last)

        def distance(place: tuple[int, int]) -> tuple[int, int]:
            return abs(place[0] - text), abs(place[1] - at)

        return list(dict.fromkeys(self.rows[place] for place in sorted(filter(beside, self.rows), key=distance)))


@dataclass(frozen=True)
class RowTrace:
    """The tidy rows of a section by the forms in which their numbers are printed."""

    rows: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, parts: Iterable[str]) -> RowTrace:
        """Return the trace of a section from the CSV of its rows."""
        return cls(tuple(row for part in parts for row in csv.DictReader(io.StringIO(part))))

    def telling(self, texts: Iterable[str], report: Mapping[str, Mapping[str, str]]) -> RowTrace:
        """Return the trace of a section whose texts tell also of rows of others.

        Args:
            texts: with marks.
            report: the rows of all sections by their marks.
        """
        told = dict.fromkeys(mark for text in texts for mark in marks.MARK.findall(text))
        return RowTrace((*self.rows, *(report[mark] for mark in told if mark in report and mark not in self._places)))

    @cached_property
    def _cells(self) -> PrintedNumbers:
        return PrintedNumbers.of(self.rows)

    @cached_property
    def _words(self) -> frozenset[str]:
        return words(self.rows)

    @cached_property
    def _places(self) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(marks.mark_of(row["key"]), place)
        return places

    def pieces(self, texts: Sequence[str], *, recorded: bool = False) -> list[list[TextPiece]]:
        """Return texts that stand together, such as the cells of a line, in pieces.

        Of those that were ``recorded`` the numbers of rows bear marks: another number is of a row only where that row
        is told beside it, and never in the stub of a line.
        """
        parted = [marks.parted(text) for text in texts]
        plain = tuple(text for text, _ in parted)
        found = [list(_TOKEN.finditer(text)) for text in plain]
        told = {
            (i, at): self._places[mark]
            for i, (_, places) in enumerate(parted)
            for at, mark in places.items()
            if mark in self._places
        }
        guessed = {
            (i, token.start()): row
            for i, tokens in enumerate(found)
            for token in tokens
            if token["middle"] and not any((i, at) in told for at in range(*token.span()))
            for row in sorted(self._whole(token))
        }
        return [
            list(
                self._split(
                    i, tokens, TracedLine(plain, told, recorded), TracedLine(plain, {**guessed, **told}, recorded)
                )
            )
            for i, tokens in enumerate(found)
        ]

    def _split(self, text: int, tokens: list[re.Match[str]], told: TracedLine, line: TracedLine) -> Iterator[TextPiece]:
        done, whole = 0, line.texts[text]
        for token in tokens:
            for at, piece in self._numbers(text, token, told, line):
                if whole[done:at]:
                    yield TextPiece(whole[done:at])
                yield piece
                done = at + len(piece.text)
        if whole[done:]:
            yield TextPiece(whole[done:])

    def _numbers(
        self, text: int, token: re.Match[str], told: TracedLine, line: TracedLine
    ) -> Iterator[tuple[int, TextPiece]]:
        names = [name for name in ("alone", "middle", "low", "high") if token[name]]
        marked = {name: told.within(text, *token.span(name)) for name in names}
        if token["middle"]:
            # An infinite limit has no digit that a mark could stand before.
            of = {row for name, row in marked.items() if token[name] != "∞"}
            rows = of if None not in of and len(of) == 1 else set() if of - {None} else self._whole(token)
            if rows:
                keys = self._keys(row for row in rows if row is not None)[:_MOST]
                yield token.start(), TextPiece(token[0], keys, keys, number=True)
                return
        for name in names:
            row = marked[name]
            if row is not None:
                keys = self._keys([row])
                yield token.start(name), TextPiece(token[name], keys, keys, number=True)
            else:
                yield token.start(name), self._single(text, token, name, line)

    def _single(self, text: int, token: re.Match[str], name: str, line: TracedLine) -> TextPiece:
        shown, worded = token[name], bool(_LETTER.search(token.string))
        after = token.string[token.end(name) :]
        cells = could_be(shown, after, self._cells.find(shown), self.rows, worded=worded)
        several = len(line.texts) > 1
        stub, beside_others = line.recorded and several and text == 0, several or worded
        for row in () if stub else line.nearest(text, token.start(name)):
            if beside := {cell for cell in cells if cell[0] == row}:
                return self._piece(shown, beside)
        if (worded or not cells) and shown.strip("−-%") in self._words:
            return TextPiece(shown, number=True, label=True)
        return self._piece(shown, set() if line.recorded and beside_others else likeliest(cells, self.rows))

    def _piece(self, text: str, cells: set[Cell]) -> TextPiece:
        estimates = {row for row, column in cells if column == _ESTIMATE}
        shows = self._keys(estimates) if len(estimates) == 1 else ()
        return TextPiece(text, self._keys({row for row, _ in cells})[:_MOST], shows, number=True)

    def _whole(self, token: re.Match[str]) -> set[int]:
        """Return the rows of which an estimate with its interval is."""
        cells = {name: self._cells.find(token[name], beside=True) for name in ("middle", "low", "high")}
        of = {"middle": (_ESTIMATE,), "low": ("ci_low", "ci_high"), "high": ("ci_low", "ci_high")}
        rows = [{row for row, column in cells[name] if column in of[name]} for name in cells]
        return set.intersection(*rows)

    def _keys(self, rows: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.rows[row]["key"] for row in sorted(rows)))


def by_mark(traces: Iterable[RowTrace]) -> dict[str, Mapping[str, str]]:
    """Return the rows of traces by the marks of their keys."""
    return {marks.mark_of(row["key"]): row for trace in traces for row in trace.rows}


def shown(pieces: Iterable[TextPiece]) -> set[str]:
    """Return the keys of the rows whose numbers are among pieces."""
    return {key for piece in pieces for key in piece.shows}


def as_data(pieces: Sequence[TextPiece]) -> list[tuple[str, str]]:
    """Return pieces as pairs of text and keys, which are separated by spaces."""
    return [(piece.text, " ".join(piece.keys)) for piece in pieces]
