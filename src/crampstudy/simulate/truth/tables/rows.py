"""One row type for each table of a truth, and the reader of the package's tables."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any, Literal, TypeVar

from crampstudy import codebook
from crampstudy.simulate.truth.parameters import as_plain, check, param

_AnyRow = TypeVar("_AnyRow", bound="TableRow")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a package table; ``column`` is the codebook name, or the latent one, that it speaks of."""

    column: str = param()

    def __post_init__(self) -> None:
        check(f"{type(self).__name__.lower()} {self.column}", self)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {item.name: as_plain(getattr(self, item.name)) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Effect(TableRow):
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
class Cause(TableRow):
    """What ``parent`` does to ``column``: log odds of a condition, or a shift of a measure in its own unit.

    Per one of the parent: yes against no, ``level`` against any other, or one ``per`` (in the parent's unit) more.
    """

    parent: str = param()
    level: str | None = param()
    per: float = param(low=1e-6)
    coefficient: float = param(low=-100, high=100)


@dataclass(frozen=True, slots=True)
class Correlation(TableRow):
    """The correlation of the standard normal scores behind two numbers: measures, or persons' usual habits."""

    other: str = param()
    correlation: float = param(low=-0.99, high=0.99)


@dataclass(frozen=True, slots=True)
class Condition(TableRow):
    """A yes-or-no column, logistic in age and its causes; ``includes`` makes it yes wherever that one is."""

    prevalence_at_60: float = param(unit="proportion of men aged 60 without any cause", low=0.0001, high=0.9999)
    log_odds_per_decade: float = param(unit="log odds ratio per 10 years", low=-5, high=5)
    log_odds_female: float = param(unit="log odds ratio", low=-5, high=5)
    includes: str | None = param()


@dataclass(frozen=True, slots=True)
class Measure(TableRow):
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
class Level(TableRow):
    """The share of one level of a column, and its share among those with ``given``."""

    level: str = param()
    share: float = param(unit="proportion", low=0, high=1)
    given: str | None = param()
    share_given: float = param(unit="proportion", low=0, high=1)


@dataclass(frozen=True, slots=True)
class Habit(TableRow):
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


def read_table(row: type[_AnyRow], file: str) -> tuple[_AnyRow, ...]:
    """Read a table of the package into rows."""
    text = files("crampstudy.simulate.truth.tables").joinpath(file).read_text(encoding="utf-8")
    return tuple(row(**_cells(row, cells)) for cells in csv.DictReader(text.splitlines()))


def _cells(row: type[TableRow], cells: Mapping[str, str]) -> dict[str, Any]:
    # Annotations are text here, so the first word of a type says how its cell is read.
    types = {item.name: str(item.type).split(" ")[0] for item in fields(row)}
    readers = {"int": int, "float": float}
    return {name: readers.get(types[name], str)(cell) if cell else None for name, cell in cells.items()}


REMEDIES = codebook.variable("remedy", "episodes").levels


@dataclass(frozen=True, slots=True)
class Remedy(TableRow):
    """A level of ``remedy``: how often it is used and what it does.

    ``log_hazard_ratio`` is that of relief against no remedy given the person, ``pain_points`` shifts the pain
    afterwards, ``soreness_log_odds`` the log odds of soreness.
    """

    column: str = param(levels=REMEDIES)
    share: float = param(unit="proportion of cramps", low=0, high=1)
    log_hazard_ratio: float = param(unit="log hazard ratio of relief", low=-3, high=3)
    pain_points: float = param(unit="points", low=-10, high=10)
    soreness_log_odds: float = param(unit="log odds ratio", low=-5, high=5)
    basis: Literal["published result", "assumption"] = param(levels=("published result", "assumption"))
    citation: str | None = param()
    id_or_doi: str | None = param()
    note: str = param()


AGENTS = codebook.variable("agent", "treatments").levels


@dataclass(frozen=True, slots=True)
class Agent(TableRow):
    """What a level of ``agent`` does to the nights of those who take it.

    The effect builds up in even steps over ``onset_nights`` and fades in even steps over ``carry_over_nights``; at
    its height it adds ``log_rate_ratio`` to the log rate, and ``log_rate_ratio_per_sd`` for each SD by which the
    participant's ``modifier`` lies above its mean (positive: those with a low level gain). ``pain_points`` and
    ``duration_log`` shift the pain and the log of the time to relief of each cramp. In open use ``share_using`` is
    the chance that a person of one cramp a week takes it, ``log_odds_per_sd`` its log odds ratio per SD of the
    modifier.
    """

    column: str = param(levels=AGENTS)
    dose: float | None = param(low=0)
    unit: str | None = param()
    log_rate_ratio: float = param(unit="log rate ratio at full effect", low=-5, high=5)
    onset_nights: int = param(unit="nights before the full effect", low=0, high=365)
    carry_over_nights: int = param(unit="nights with some effect after the last", low=0, high=365)
    modifier: str | None = param()
    log_rate_ratio_per_sd: float = param(unit="log rate ratio per SD of the modifier", low=-3, high=3)
    pain_points: float = param(unit="points", low=-10, high=10)
    duration_log: float = param(unit="log ratio of times to relief", low=-3, high=3)
    share_using: float = param(unit="proportion", low=0, high=0.9999)
    log_odds_per_sd: float = param(unit="log odds ratio per SD of the modifier", low=-5, high=5)
    basis: Literal["published result", "assumption"] = param(levels=("published result", "assumption"))
    citation: str | None = param()
    id_or_doi: str | None = param()
    note: str = param()
