"""From a complete cohort to the one that a study gets: gaps, lost samples and mistakes, all on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from crampstudy import suggestions
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Integers
from crampstudy.simulate.corruption.error_injection import INJECTED, Mistakes, inject
from crampstudy.simulate.corruption.gaps import Gaps
from crampstudy.simulate.corruption.lost_lab_samples import Samples, lose
from crampstudy.simulate.corruption.thinning import thin
from crampstudy.simulate.truth.parameters import as_plain, check, describe

_PARTS = {"gaps": Gaps, "samples": Samples, "mistakes": Mistakes}


@dataclass(frozen=True, slots=True)
class Mess:
    """All that goes wrong between a night and its row; by default gaps and lost samples, and no mistakes.

    Raises:
        ParameterError: a parameter is outside its limits.
    """

    gaps: Gaps = field(default_factory=Gaps)
    samples: Samples = field(default_factory=Samples)
    mistakes: Mistakes = field(default_factory=Mistakes)

    def __post_init__(self) -> None:
        for name in _PARTS:
            check("mess", getattr(self, name))

    @classmethod
    def none(cls) -> Mess:
        """Return the mess that leaves a cohort as it is."""
        return cls(Gaps.none(), Samples.none(), Mistakes())

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Mess:
        """Return a mess from its parameters by name, those of all parts together; the others keep their defaults.

        With ``base: none`` the others are those of :meth:`none`.

        Raises:
            ParameterError: a name is unknown, or a value has another type or is outside its limits.
        """
        rest = dict(given)
        base = rest.pop("base", "default")
        if base not in ("default", "none"):
            raise ParameterError(f"mess.base is {base!r}; allowed: 'default', 'none'")
        mess = cls() if base == "default" else cls.none()
        known = {item.name: part for part in _PARTS for item in fields(getattr(mess, part))}
        for name in rest:
            if name not in known:
                allowed = f"allowed: base, {', '.join(known)}"
                raise suggestions.unknown(ParameterError, f"mess.{name} is no parameter", name, known, allowed)
        for part in _PARTS:
            before = getattr(mess, part)
            own = {name: value for name, value in rest.items() if known[name] == part}
            values = {name: _typed(name, value, getattr(before, name)) for name, value in own.items()}
            mess = replace(mess, **{part: replace(before, **values)})
        return mess

    def as_mapping(self) -> dict[str, Any]:
        """Return every parameter by name, as :meth:`from_mapping` takes them."""
        return {item.name: as_plain(getattr(own, item.name)) for own in self._own() for item in fields(own)}

    def described(self) -> dict[str, Any]:
        """Return every parameter by name with its value, unit, limits and basis."""
        return {name: item for own in self._own() for name, item in describe(own).items()}

    def _own(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in _PARTS)


def _typed(name: str, value: Any, like: Any) -> Any:
    """Return ``value`` in the type of the parameter that it replaces."""
    match like:
        case tuple():
            if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
                return tuple(value)
            raise ParameterError(f"mess.{name} is {value!r}; allowed: a list of names")
        case int() if name in _WHOLE:
            if isinstance(value, int) and not isinstance(value, bool):
                return value
            raise ParameterError(f"mess.{name} is {value!r}; allowed: a whole number")
        case _:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            raise ParameterError(f"mess.{name} is {value!r}; allowed: a number")


_WHOLE = {item.name for part in (Gaps, Samples, Mistakes) for item in fields(part) if item.type == "int"}


@dataclass(frozen=True, slots=True)
class CorruptionRecord:
    """What was broken, so that what is made of the rest can be held against it.

    ``participants``: a row each, with the chance of logging a weekday night in the first nights, whether the diary is
    on paper, the first night after its end (from 0, missing if it did not end), the numbers of nights by what became
    of them, and all cramps, true and reported. ``filled``: the nights filled in later, with true and reported count.
    ``labs``: the lost values (:data:`crampstudy.simulate.corruption.lost_lab_samples.LOST`).
    """

    mess: Mess
    participants: pl.DataFrame
    filled: pl.DataFrame
    labs: pl.DataFrame

    @classmethod
    def joined(cls, blocks: Sequence[CorruptionRecord]) -> CorruptionRecord:
        """Return the record of all blocks of a cohort, in their order."""
        frames = {name: pl.concat([getattr(b, name) for b in blocks]) for name in ("participants", "filled", "labs")}
        return cls(blocks[0].mess, **frames)

    def summary(self) -> dict[str, Any]:
        """Return the totals, as JSON has them."""
        counts = ("nights", "logged", "back_filled", "entry_not_made", "without_row", "after_dropout")
        people, columns = self.participants, pl.col(*counts, "cramps", "cramps_reported")
        return {
            "participants": people.height,
            **people.select(columns.sum()).row(0, named=True),
            "mean_adherence": people["adherence"].mean(),
            "paper_diaries": people["paper"].sum(),
            "dropped_out": people["dropout_night"].count(),
            "log_odds_of_logging_a_cramp_night": self.mess.gaps.cramp_log_odds,
            "back_filled_cramps": self.filled["cramps"].sum(),
            "back_filled_cramps_reported": self.filled["reported"].sum(),
            "baseline_values_lost": self.labs.filter(pl.col("table") == "participants").height,
            "lab_rows_lost": self.labs.filter(pl.col("table") == "labs").height,
        }

    def record(self) -> dict[str, Any]:
        """Return the parameters, the totals and the record by column, as JSON has them."""
        frames = {"participants": self.participants, "back_filled": self.filled, "labs": self.labs}
        columns = {
            name: frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dict(as_series=False)
            for name, frame in frames.items()
        }
        return {"parameters": self.mess.as_mapping(), "totals": self.summary(), **columns}


@dataclass(frozen=True, slots=True)
class Degraded:
    """A cohort with gaps, as it would be if typed without mistakes; if any were asked for, its tables with them.

    ``tables`` are text, rows in the order of the cohort and new ones last, and empty without mistakes; ``planted``
    is their record (:data:`crampstudy.simulate.corruption.error_injection.INJECTED`). ``window``: first and last night
    before the gaps.
    """

    cohort: Cohort
    tables: Mapping[str, pl.DataFrame]
    window: tuple[date, date]
    planted: pl.DataFrame
    broken: CorruptionRecord


def degrade(cohort: Cohort, mess: Mess, rng: np.random.Generator) -> Degraded:
    """Take nights and samples out of a diary cohort and plant mistakes; equal arguments give an equal outcome.

    Each part has a generator of its own: other gaps move neither lost samples nor mistakes, and the other way round.
    Without any mess the cohort is the same.

    Raises:
        ParameterError: the cohort has no diary.
    """
    if cohort.kind != "diary":
        raise ParameterError(f"{cohort.name} is a survey: only a diary can be degraded")
    nights = cohort.frame("diary")["date"]
    window: tuple[date, date] = (nights.min(), nights.max())  # type: ignore[assignment]
    before = dict(cohort.tables)
    pieces, mistakes = rng.spawn(2)
    tables, kept, broken = degrade_tables(before, mess, pieces)
    typed = replace(cohort, tables=tables) if any(tables[name] is not before[name] for name in before) else cohort
    text: dict[str, pl.DataFrame] = {}
    planted = pl.DataFrame(schema=INJECTED)
    if mess.mistakes.any:
        text, planted = inject(tables, before, kept, mess.mistakes, window, mistakes)
    return Degraded(typed, text, window, planted, broken)


def degrade_tables(
    tables: Mapping[str, pl.DataFrame], mess: Mess, rng: np.random.Generator
) -> tuple[dict[str, pl.DataFrame], dict[str, Integers], CorruptionRecord]:
    """Return the tables of a diary cohort, or of a block of its participants, with gaps and without the lost samples.

    With them the former row numbers of tables that lost rows, and the record. Mistakes are not planted. A table that
    nothing was taken from is the same object.
    """
    gaps, samples = rng.spawn(2)
    thinned = thin(tables, mess.gaps, gaps)
    # The baseline is told from the first night, which gaps never take.
    lost, labs_kept, labs = lose(thinned.tables, mess.samples, samples)
    kept = dict(thinned.kept) if labs_kept is None else {**thinned.kept, "labs": labs_kept}
    return lost, kept, CorruptionRecord(mess, thinned.participants, thinned.filled, labs)
