"""Mistakes that people, spreadsheets and exports make in one cell, each a function from a row to the wrong cell.

Some are made by one person in every row: a clock or a format of dates of their own.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from crampstudy import codebook

Row = Mapping[str, str | None]
Window = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mistake is made: a row as text, the column, the study's window, and chance."""

    row: Row
    column: str
    window: Window
    rng: np.random.Generator

    @property
    def cell(self) -> str:
        """The right cell, never missing."""
        return self.row[self.column] or ""

    @property
    def number(self) -> float:
        """The right cell as a number."""
        return float(self.cell)


CorruptCell = Callable[[Place], str | None]
"""Returns the wrong cell, empty for a missing one, or ``None`` where the mistake would not be one in this cell."""


@dataclass(frozen=True, slots=True)
class CellError:
    """A mistake in one cell of ``table``; ``shown`` is the column in which it can be seen, where that is another.

    One made ``by_person`` is made in all rows of a person, and all in one way.
    """

    kind: str
    table: str
    columns: tuple[str, ...]
    about: str
    corrupt: CorruptCell
    shown: str | None = None
    by_person: bool = False


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _number_text(value: float) -> str:
    return f"{value:.10g}"


def _insert_letter(at: Place) -> str:
    position = int(at.rng.integers(len(at.cell) + 1))
    return at.cell[:position] + str(at.rng.choice(list(string.ascii_lowercase.replace("e", "")))) + at.cell[position:]


def _impossible_date(at: Place) -> str:
    return f"{at.cell[:4]}-{at.rng.choice(['02-30', '02-31', '04-31', '06-31', '09-31', '11-31', '13-01', '00-10'])}"


def _swap_day_and_month(at: Place) -> str | None:
    year, month, day = at.cell.split("-")
    if int(day) > 12:
        return None
    swapped = date(int(year), int(day), int(month))
    return None if at.window[0] <= swapped <= at.window[1] else swapped.isoformat()


def _shift_year(at: Place) -> str | None:
    day = date.fromisoformat(at.cell)
    wrong = day - timedelta(days=364 * int(at.rng.integers(2, 12)))
    return wrong.isoformat() if wrong < at.window[0] else None


def _day_number(at: Place) -> str:
    return str((date.fromisoformat(at.cell) - date(1899, 12, 30)).days)


def _reformat_date(at: Place) -> str:
    day = date.fromisoformat(at.cell)
    own = (f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", f"{day.day} {_MONTHS[day.month - 1]} {day.year}", f"{day:%Y/%m/%d}")
    return own[int(at.rng.integers(len(own)))]


def _exceed_maximum(at: Place) -> str:
    table = "diary" if "date" in at.row else "participants"
    highest = codebook.variable(at.column, table).maximum or 0
    return _number_text(np.ceil(highest * at.rng.uniform(1.1, 5)) + 1)


def _mistype_identifier(at: Place) -> str:
    return str(at.rng.choice([at.cell.lower(), f"{at.cell[:1]} {at.cell[1:]}", at.cell.replace("0", "O", 1)]))


def _misspell_level(at: Place) -> str:
    spaced = at.cell.replace("_", " ")
    return str(at.rng.choice([at.cell.capitalize(), spaced.upper(), at.cell[0], at.cell + "s", at.cell[:-2]]))


def _move_onset(at: Place) -> str:
    onset = datetime.fromisoformat(at.cell)
    return (onset + timedelta(days=int(at.rng.choice([-2, -1, 1, 2])))).isoformat(timespec="minutes")


def _to_12_hours(at: Place) -> str | None:
    """Write the hour of a clock of 12 hours: 22:10 as 10:10, and 00:10 as 12:10."""
    onset = datetime.fromisoformat(at.cell)
    hour = (onset.hour + 11) % 12 + 1
    return None if hour == onset.hour else onset.replace(hour=hour).isoformat(timespec="minutes")


def _to_am_pm(at: Place) -> str:
    onset = datetime.fromisoformat(at.cell)
    half = "AM" if onset.hour < 12 else "PM"
    return f"{onset:%Y-%m-%d} {(onset.hour + 11) % 12 + 1}:{onset.minute:02d} {half}"


def _to_evening_date(at: Place) -> str | None:
    """Write the evening's date beside a time after midnight."""
    onset = datetime.fromisoformat(at.cell)
    return None if onset.hour >= 12 else (onset - timedelta(days=1)).isoformat(timespec="minutes")


def _stop_before_start(at: Place) -> str:
    start = date.fromisoformat(at.row["start"] or "")
    return (start - timedelta(days=int(at.rng.integers(1, 200)))).isoformat()


def _sleep_beyond_bed(at: Place) -> str | None:
    bed = at.row["hours_in_bed"]
    longer = float(bed) + float(at.rng.uniform(0.5, 3)) if bed else 25
    return None if longer > 24 else _number_text(round(longer, 2))


def _in_mg_dl(at: Place) -> str | None:
    analyte = at.row.get("analyte") or at.column
    per = {"serum_sodium": 2.299, "serum_potassium": 3.910, "serum_calcium": 4.008, "serum_albumin": 0.1}
    factor = next((factor for name, factor in per.items() if analyte.startswith(name)), None)
    return _number_text(round(at.number * factor, 4)) if factor else None


def _one_of(*choices: str) -> CorruptCell:
    return lambda at: str(at.rng.choice(choices))


def _multiply(factor: float, low: float = -np.inf) -> CorruptCell:
    """Return the cell times ``factor``; only cells of at least ``low``, below which the result is a usual value."""
    return lambda at: _number_text(round(at.number * factor, 4)) if at.number >= low else None


_SCORES = ("stress_0_10", "sleep_quality_0_10", "fatigue_0_10", "concentration_0_10", "productivity_0_10")
_AMOUNTS = ("fluid_ml", "sitting_min", "steps", "dietary_potassium_mg", "dietary_calcium_mg", "dietary_sodium_mg")
_NUMBERS = (*_SCORES, *_AMOUNTS, "hours_in_bed", "sleep_hours", "ambient_temperature_c")
_FLAGS = ("electrolyte_drink", "warm_up", "entry_made")
_SERUM = ("serum_sodium_mmol_l", "serum_potassium_mmol_l", "serum_calcium_mmol_l", "serum_albumin_g_l")
_LEVELS = ("sex", "education", "smoking", "usual_activity", "diuretic_class", "pregnancy_trimester")

CELL_ERRORS: tuple[CellError, ...] = (
    CellError("letter-in-number", "diary", _NUMBERS, "a letter typed into a number", _insert_letter),
    CellError(
        "word-for-number", "diary", _NUMBERS, "a word where a number belongs", _one_of("some", "many", "ca.", "?")
    ),
    CellError(
        "missing-mark", "diary", _NUMBERS, "a mark of a missing value", _one_of("NaN", "#N/A", "null", "n/a", "-")
    ),
    CellError(
        "unit-in-cell", "diary", _AMOUNTS, "the unit beside the number", lambda at: f"{at.cell} {at.column[-2:]}"
    ),
    CellError("two-in-one", "diary", _SCORES, "two cells in one, 3/4", lambda at: f"{at.cell}/{at.rng.integers(10)}"),
    CellError("point-lost", "diary", _SCORES, "a score times 10", _multiply(10, 2)),
    CellError("sign", "diary", _AMOUNTS, "a minus before an amount", lambda at: f"-{at.cell}" if at.number else None),
    CellError("beyond-range", "diary", (*_SCORES, *_AMOUNTS), "a value above what is possible", _exceed_maximum),
    CellError("litres", "diary", ("fluid_ml",), "litres in a column of millilitres", _multiply(0.001)),
    CellError("minutes", "diary", ("hours_in_bed", "sleep_hours"), "minutes in a column of hours", _multiply(60, 1)),
    CellError("hours", "diary", ("sitting_min",), "hours in a column of minutes", _multiply(1 / 60)),
    CellError("grams", "diary", _AMOUNTS[3:], "grams in a column of milligrams", _multiply(0.001)),
    CellError(
        "boolean-word", "diary", _FLAGS, "yes, ja, 1 for true", _one_of("yes", "no", "ja", "1", "0", "x", "wahr")
    ),
    CellError("count-negative", "diary", ("cramps",), "a count below 0", lambda at: str(-1 - int(at.rng.integers(5)))),
    CellError("count-fraction", "diary", ("cramps",), "a count with a fraction", lambda at: f"{at.number + 0.5:g}"),
    CellError("count-word", "diary", ("cramps",), "a count as a word", _one_of("none", "two", "several", "1-2", "2x")),
    CellError("key-missing", "diary", ("participant_id", "date"), "no identifier or no date", lambda at: ""),
    CellError("unknown-id", "diary", ("participant_id",), "an identifier of nobody", lambda at: f"{at.cell}9"),
    CellError("id-mistyped", "diary", ("participant_id",), "other case, a space, O for 0", _mistype_identifier),
    CellError("impossible-date", "diary", ("date",), "30 February", _impossible_date),
    CellError("two-digit-year", "diary", ("date",), "a year of two digits", lambda at: at.cell[2:]),
    CellError("date-format", "diary", ("date",), "a date in another format", _reformat_date),
    CellError("day-number", "diary", ("date",), "a spreadsheet's day number for a date", _day_number),
    CellError("day-month", "diary", ("date",), "day and month swapped, out of the study's window", _swap_day_and_month),
    CellError("wrong-year", "diary", ("date",), "a year before the study", _shift_year),
    CellError(
        "future", "diary", ("date",), "a day after the study", lambda at: f"2{at.rng.integers(2, 9)}{at.cell[2:]}"
    ),
    CellError("no-entry", "diary", ("entry_made",), "a count where no entry was made", lambda at: "false", "cramps"),
    CellError("no-count", "diary", ("cramps",), "an entry without its count", lambda at: ""),
    CellError("more-sleep-than-bed", "diary", ("sleep_hours",), "sleep longer than the time in bed", _sleep_beyond_bed),
    CellError("serum-mg-dl", "participants", _SERUM, "mg/dL or g/dL in a column of mmol/L or g/L", _in_mg_dl),
    CellError("level-misspelt", "participants", _LEVELS, "a level otherwise spelt", _misspell_level),
    CellError(
        "birth-year",
        "participants",
        ("birth_year",),
        "birth year and age apart by years",
        lambda at: str(int(at.cell) + int(at.rng.choice([-20, -10, -5, 5, 10, 20]))),
        "age_years",
    ),
    CellError("onset", "episodes", ("onset",), "an onset in another night", _move_onset),
    CellError("stop", "treatments", ("stop",), "the last day before the first", _stop_before_start),
    CellError("lab-mg-dl", "labs", ("value",), "a value in mg/dL or g/dL beside another unit", _in_mg_dl),
    CellError(
        "lab-unit", "labs", ("unit",), "another unit beside the value", _one_of("mg/dL", "g/dL", "ng/mL"), "value"
    ),
    CellError(
        "person-date-format",
        "diary",
        ("date",),
        "a person's dates in another format",
        _reformat_date,
        by_person=True,
    ),
    CellError(
        "person-12-hours",
        "episodes",
        ("onset",),
        "a person's onsets by a clock of 12 hours, 22:10 as 10:10",
        _to_12_hours,
        by_person=True,
    ),
    CellError("person-am-pm", "episodes", ("onset",), "a person's onsets with AM and PM", _to_am_pm, by_person=True),
    CellError(
        "person-evening-date",
        "episodes",
        ("onset",),
        "a person's onsets after midnight under the date of the evening",
        _to_evening_date,
        by_person=True,
    ),
)
