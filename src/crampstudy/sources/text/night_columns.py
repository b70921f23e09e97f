"""Wide tables: columns that are nights, found by their headings and turned into rows.

A pattern says which headings are nights: ``{n}`` in it stands for the number of a night, ``{date}`` for its date, as in
``Day {n}``, ``cramps_{n}`` or ``{date}``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from crampstudy import codebook
from crampstudy.sources.text import dates, month_names

Night = int | date
Block = Mapping[Night, str]
"""The column of each night, by its number or its date."""

NUMBER, DATE = "{n}", "{date}"
PLACES = (NUMBER, DATE)
"""What stands for the night in a pattern."""
NIGHT = "{night}"
"""The column of a long table that has the night of each row."""

# English, German, French, Spanish and Portuguese, Italian, Dutch, Nordic; without accents.
_WORDS = r"day|night|tag|nacht|abend|jour|journee|nuit|soir|dia|noche|noite|giorno|notte|sera|dag|avond|natt|nat"
_BEFORE = re.compile(rf"(?:(?<![^\W\d_])(?:{_WORDS})[\s_.\-]*|(?<![^\W\d_])[dnj])$")
_BEHIND = re.compile(rf"^[\s_.\-]*(?:{_WORDS})(?![^\W\d_])")
_APART = r"[\s_.\-]*"
_DATES = {
    r"\d{4}-\d{1,2}-\d{1,2}": ("%Y-%m-%d",),
    r"\d{4}/\d{1,2}/\d{1,2}": ("%Y/%m/%d",),
    r"\d{4}\.\d{1,2}\.\d{1,2}": ("%Y.%m.%d",),
    r"\d{1,2}\.\d{1,2}\.\d{4}": ("%d.%m.%Y",),
    r"\d{1,2}\.\d{1,2}\.\d{2}": ("%d.%m.%y",),
    r"\d{1,2}/\d{1,2}/\d{4}": ("%d/%m/%Y", "%m/%d/%Y"),
    r"\d{1,2}/\d{1,2}/\d{2}": ("%d/%m/%y", "%m/%d/%y"),
    r"\d{1,2}-\d{1,2}-\d{4}": ("%d-%m-%Y", "%m-%d-%Y"),
    r"\d{1,2}-\d{1,2}-\d{2}": ("%d-%m-%y", "%m-%d-%y"),
}
_WHOLE = r"(?<!\d)(?:{})(?:[T ]00:00(?::00(?:\.0+)?)?)?(?![\d])"


@dataclass(frozen=True, slots=True)
class NightPatterns:
    """Patterns of headings that are nights, by what their cells hold, which may have no name.

    ``formats`` are how dates in them may be written; where there are two, nothing tells which.
    """

    patterns: Mapping[str, str]
    formats: tuple[str, ...] = field(default=())


def recognised(headings: Sequence[str], quantities: str = r"(?!)") -> NightPatterns | None:
    """Return the patterns of headings that are nights, ``None`` where there are none.

    Dates are nights, and so are numbers beside a word for a day or a night (``Day1``, ``night_1``, ``Tag 1``, ``D01``),
    a column of the codebook's diary (``cramps_1``), or what matches ``quantities``, in small letters without accents.
    """
    return _dated(headings) or _numbered(headings, quantities)


def matching(headings: Sequence[str], pattern: str, formats: Sequence[str] = ()) -> dict[Night, str]:
    """Return the columns that a pattern finds, by their nights; ``formats`` are those of dates, else ISO 8601.

    Case, spaces, dots, hyphens and underscores of a heading count only where another is the same without them.

    Raises:
        ValueError: two headings are one night; the message names them.
    """
    found: dict[Night, str] = {}
    for loose in (False, True):
        more: dict[Night, str] = {}
        for heading, night in _nights(headings, pattern, formats, loose=loose):
            if night in more:
                raise ValueError(f"{more[night]!r} and {heading!r} are both night {night}")
            if night not in found:
                more[night] = heading
        found |= more
    return dict(sorted(found.items()))


def named(columns: Sequence[str], wanted: Collection[str], formats: Sequence[str] = ()) -> set[str]:
    """Return the columns that are ``wanted`` by their names, or by one of the patterns among them."""
    found = set(columns) & set(wanted)
    for pattern in filter(is_pattern, wanted):
        found.update(matching(columns, pattern, formats).values())
    return found


def is_pattern(name: str) -> bool:
    """Return whether a name stands for columns that are nights."""
    return any(place in name for place in PLACES)


def unpivot(frame: pl.DataFrame, lines: pl.Series, blocks: Mapping[str, Block]) -> tuple[pl.DataFrame, pl.Series]:
    """Return a row for each row and night, and its line: the other columns, :data:`NIGHT`, and a column for each block.

    A night that a block lacks is empty there. The nights of a row follow each other.
    """
    nights = sorted({night for block in blocks.values() for night in block})
    used = {heading for block in blocks.values() for heading in block.values()}
    rows = frame.with_row_index("__row")
    others = [name for name in rows.columns if name not in used]
    empty = pl.lit(None, dtype=pl.String)
    parts = [
        rows.select(
            *others,
            pl.lit(night).alias(NIGHT),
            *((pl.col(block[night]) if night in block else empty).alias(name) for name, block in blocks.items()),
        )
        for night in nights
    ]
    long = pl.concat(parts).sort("__row", maintain_order=True)
    return long.drop("__row"), lines.gather(long["__row"])


def counted_from(start: pl.Series, numbers: pl.Series, first: int) -> pl.Series:
    """Return the date of each night by its number, that of the ``first`` being ``start``."""
    days = (numbers.cast(pl.Int64) - first).alias("days")
    return pl.select(pl.lit(start.cast(pl.Date)) + pl.duration(days=pl.lit(days))).to_series()


def first_number(blocks: Mapping[str, Block]) -> int:
    """Return the number of the first night: 0 where some heading has it, else 1."""
    return 0 if any(0 in block for block in blocks.values()) else 1


def _nights(headings: Sequence[str], pattern: str, formats: Sequence[str], *, loose: bool) -> list[tuple[str, Night]]:
    """Return the headings that fit a pattern with their nights."""
    before, after, place = _parts(pattern)
    captured = r"0*(\d{1,4})" if place == NUMBER else "(.+?)"
    expression = re.compile(
        f"{_loose(before)}{_APART}{captured}{_APART}{_loose(after)}"
        if loose
        else f"{re.escape(before)}{captured}{re.escape(after)}",
        re.IGNORECASE if loose else 0,
    )
    fitting = [(heading, found[1]) for heading in headings if (found := expression.fullmatch(heading))]
    if place == NUMBER:
        return [(heading, int(n)) for heading, n in fitting]
    cells = pl.Series([text for _, text in fitting], dtype=pl.String)
    read, _ = dates.moments(cells, formats, timed=False, zone=None)
    return [(heading, day.date()) for (heading, _), day in zip(fitting, read, strict=True) if day is not None]


def _parts(pattern: str) -> tuple[str, str, str]:
    """Return what stands before and behind the night in a pattern, and whether it is a number or a date."""
    place = NUMBER if NUMBER in pattern else DATE
    before, _, after = pattern.partition(place)
    return before, after, place


def _loose(text: str) -> str:
    return _APART.join(re.escape(part) for part in re.split(r"[\s_.\-]+", text.strip(" _.-")))


def _dated(headings: Sequence[str]) -> NightPatterns | None:
    """Return the patterns of headings with a date, all of which are written in one way."""
    for form, formats in _DATES.items():
        stems: dict[str, list[str]] = defaultdict(list)
        for heading in headings:
            if found := re.search(_WHOLE.format(form), heading):
                stems[heading[: found.start()] + DATE + heading[found.end() :]].append(found[0])
        if several := {stem: texts for stem, texts in stems.items() if len(texts) > 1}:
            texts = [text for texts in several.values() for text in texts]
            return NightPatterns({_quantity(stem)[0]: stem for stem in several}, _fitting(texts, formats))
    named = [heading for heading in headings if month_names.format_of(heading)]
    if len(named) > 1 and (written := month_names.date_format(named)):
        return NightPatterns({"": DATE}, (written,))
    return None


def _fitting(texts: Sequence[str], formats: Sequence[str]) -> tuple[str, ...]:
    """Return the formats that read all dates, the one that makes nights in a row where it alone does."""
    cells = pl.Series(texts, dtype=pl.String)
    read = {written: dates.moments(cells, (written,), timed=False, zone=None)[0] for written in formats}
    whole = {written: set(days.dt.date()) for written, days in read.items() if not days.null_count()}
    in_a_row = [w for w, days in whole.items() if max(days) - min(days) == timedelta(days=len(days) - 1)]
    return tuple(in_a_row if len(in_a_row) == 1 else whole)


def _numbered(headings: Sequence[str], quantities: str) -> NightPatterns | None:
    """Return the patterns of headings with the number of a night."""
    groups: dict[str, list[str]] = {}
    for heading in headings:
        if found := re.fullmatch(r"(.*?)(\d{1,3})(\D*)", heading):
            pattern = f"{found[1]}{NUMBER}{found[3]}"
            # As a typist writes them: Day1, day 2.
            same = next((known for known in groups if _tight(known) == _tight(pattern)), pattern)
            groups.setdefault(same, []).append(heading)
    patterns: dict[str, str] = {}
    for pattern, found_headings in groups.items():
        name, night = _quantity(pattern)
        if len(found_headings) > 1 and (night or _is_known(name, quantities)):
            patterns[name] = pattern
    return NightPatterns(patterns) if patterns else None


def _is_known(name: str, quantities: str) -> bool:
    """Return whether a quantity is a column of the diary, or one that the caller knows."""
    plain = month_names.plain(name)
    column = re.sub(r"[\s.\-]+", "_", plain)
    return codebook.find(column, "diary") is not None or re.match(quantities, plain) is not None


def _tight(pattern: str) -> str:
    return re.sub(r"[\s_.\-]+", "", pattern.casefold())


def _quantity(pattern: str) -> tuple[str, bool]:
    """Return what a pattern says beside the night (``sleep`` of ``sleep_day{n}``), and whether it names a night."""
    before, behind, _ = _parts(unicodedata.normalize("NFC", pattern))
    word = _BEFORE.search(month_names.plain(before))
    other = None if word else _BEHIND.search(month_names.plain(behind))
    rest = (before[: word.start()] if word else before, behind[other.end() :] if other else behind)
    name = " ".join(part.strip(" _.-()[]:,") for part in rest).strip()
    return re.sub(r"[\s_.\-]+", " ", name), bool(word or other)
