"""Parameters that carry their own unit, allowed range and basis, and the package tables made of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from importlib.resources import files
from typing import Any, Literal, TypeVar

from crampstudy.errors import ParameterError

_Row = TypeVar("_Row", bound="Row")


def param(
    default: Any = MISSING,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    levels: tuple[str, ...] = (),
    basis: str = "assumption",
) -> Any:
    """Declare a dataclass field with its unit, its inclusive limits or levels, and where its value comes from."""
    metadata = {"unit": unit, "low": low, "high": high, "levels": levels, "basis": basis}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def check(group: str, instance: Any) -> None:
    """Hold every declared parameter of ``instance`` against its limits.

    Raises:
        ParameterError: a value is not a finite number, lies outside its limits or is not among its levels.
    """
    for item in fields(instance):
        low, high, levels = (item.metadata.get(key) for key in ("low", "high", "levels"))
        value = getattr(instance, item.name)
        if levels and value not in levels:
            raise ParameterError(f"{group}.{item.name} is {value!r}; allowed: {', '.join(map(repr, levels))}")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float | int) and not _within(number, low, high):
                raise ParameterError(f"{group}.{item.name} is {value}; allowed: {_span(low, high)}")


def check_whole(key: str, value: int, low: int, high: int) -> None:
    """Hold a whole number against its limits.

    Raises:
        ParameterError: it is not a whole number or lies outside them.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(f"{key} is {value!r}; allowed: a whole number from {low} to {high}")


def described(instance: Any) -> dict[str, Any]:
    """Return every parameter of ``instance`` with its value, unit, limits and basis."""
    return {
        item.name: {
            "value": plain(getattr(instance, item.name)),
            "unit": item.metadata["unit"],
            "allowed": [item.metadata["low"], item.metadata["high"]],
            "basis": item.metadata["basis"],
        }
        for item in fields(instance)
    }


def plain(value: Any) -> Any:
    """Return ``value`` as JSON has it: dates as ISO 8601 text, tuples as lists."""
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _within(number: float, low: float | None, high: float | None) -> bool:
    return math.isfinite(number) and (low is None or number >= low) and (high is None or number <= high)


def _span(low: float | None, high: float | None) -> str:
    parts = [f"{word} {limit:g}" for word, limit in (("at least", low), ("at most", high)) if limit is not None]
    return "a finite number" + (" of " + " and ".join(parts) if parts else "")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a package table; ``column`` is the codebook name, or the latent one, that it speaks of."""

    column: str = param()

    def __post_init__(self) -> None:
        check(f"{type(self).__name__.lower()} {self.column}", self)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Effect(Row):
    """What one term does to the cramp rate of a night: ``exp(log_rate_ratio * x)``.

    ``x`` by ``part``: ``person`` is the participants column (boolean 0/1, ``level`` 0/1, a number less ``centre``
    over ``scale``, by default its measure's mean and SD); ``share`` is the mean of a diary habit over the
    ``window_nights`` that end ``lag_nights`` before the night, days before the first night included; ``within`` is
    that mean less its average over the participant's drawn nights, ``between`` that average less ``centre``, each over
    ``scale`` (by default 1 for a habit that a day has or has not, else the habit's SD within and between persons).
    ``meaning`` total is an effect through all that it causes as well; the direct one is derived from it.
    """

    term: str = param()
    part: Literal["person", "within", "between", "share"] = param(levels=("person", "within", "between", "share"))
    level: str | None = param()
    centre: float | None = param()
    scale: float | None = param(low=1e-6)
    lag_nights: int = param(unit="nights", low=0, high=28)
    window_nights: int = param(unit="nights", low=1, high=28)
    unit: str = param()
    log_rate_ratio: float = param(unit="log rate ratio per unit", low=-3, high=3)
    meaning: Literal["direct", "total"] = param(levels=("direct", "total"))
    basis: Literal["published association", "assumption"] = param(levels=("published association", "assumption"))
    citation: str | None = param()
    id_or_doi: str | None = param()
    note: str = param()


@dataclass(frozen=True, slots=True)
class Cause(Row):
    """What ``parent`` does to ``column``: log odds of a condition, or a shift of a measure in its own unit.

    Per one of the parent: yes against no, ``level`` against any other, or one ``per`` (in the parent's unit) more.
    """

    parent: str = param()
    level: str | None = param()
    per: float = param(low=1e-6)
    coefficient: float = param(low=-100, high=100)


@dataclass(frozen=True, slots=True)
class Correlation(Row):
    """The correlation of the standard normal scores behind two numbers: measures, or persons' usual habits."""

    other: str = param()
    correlation: float = param(low=-0.99, high=0.99)


@dataclass(frozen=True, slots=True)
class Condition(Row):
    """A yes-or-no column, logistic in age and its causes; ``includes`` makes it yes wherever that one is."""

    prevalence_at_60: float = param(unit="proportion of men aged 60 without any cause", low=0.0001, high=0.9999)
    log_odds_per_decade: float = param(unit="log odds ratio per 10 years", low=-5, high=5)
    log_odds_female: float = param(unit="log odds ratio", low=-5, high=5)
    includes: str | None = param()


@dataclass(frozen=True, slots=True)
class Measure(Row):
    """A number per participant; ``mean`` is a man's at 60 without any cause, shifts and SD in the column's unit.

    ``season`` is the relative amplitude of the recorded value over the year, highest in late July; effects and causes
    act through the person's level over the year. ``sd_repeat`` is the SD of a repeated sample around it.
    """

    shape: Literal["normal", "log-normal"] = param(levels=("normal", "log-normal"))
    mean: float = param()
    sd: float = param(low=1e-6)
    per_decade: float = param()
    female: float = param()
    chance_of_any: float = param(unit="proportion", low=0, high=1)
    decimals: int = param(low=0, high=6)
    sampled: Literal["yes", "no"] = param(levels=("yes", "no"))
    sd_repeat: float = param(low=0)
    season: float = param(unit="proportion of the mean", low=0, high=0.9)


@dataclass(frozen=True, slots=True)
class Level(Row):
    """The share of one level of a column, and its share among those with ``given``."""

    level: str = param()
    share: float = param(unit="proportion", low=0, high=1)
    given: str | None = param()
    share_given: float = param(unit="proportion", low=0, high=1)


@dataclass(frozen=True, slots=True)
class Habit(Row):
    """A diary column or a latent day gate; persons differ by ``sd_between`` and ``chance_spread``.

    A day has it with the person's chance (logit-normal, ``chance`` at the median) and only where the gate
    ``given`` is open; the amount is normal, log-normal or a Poisson count around the person's own mean,
    with ``sd_within`` from day to day. ``weekend`` (Friday and Saturday) and ``season`` (amplitude over the year,
    highest in late July) change the log odds of a chance and the amount by so large a part of it.
    """

    kind: Literal["chance", "normal", "log-normal", "count"] = param(levels=("chance", "normal", "log-normal", "count"))
    given: str | None = param()
    chance: float = param(unit="proportion of days", low=0, high=1)
    chance_spread: float = param(unit="SD of the logit", low=0, high=10)
    mean: float = param(low=0)
    sd_between: float = param(low=0)
    sd_within: float = param(low=0)
    decimals: int = param(low=0, high=6)
    weekend: float = param(unit="log odds, or proportion of the amount", low=-3, high=3)
    season: float = param(unit="log odds, or proportion of the amount", low=-3, high=3)


def table(row: type[_Row], file: str) -> tuple[_Row, ...]:
    """Read a table of the package into rows."""
    text = files("crampstudy.simulate.truth.tables").joinpath(file).read_text(encoding="utf-8")
    return tuple(row(**_cells(row, cells)) for cells in csv.DictReader(text.splitlines()))


def _cells(row: type[Row], cells: Mapping[str, str]) -> dict[str, Any]:
    # Annotations are text here, so the first word of a type says how its cell is read.
    types = {item.name: str(item.type).split(" ")[0] for item in fields(row)}
    readers = {"int": int, "float": float}
    return {name: readers.get(types[name], str)(cell) if cell else None for name, cell in cells.items()}
