"""A model applied to a cohort: a row for each participant or night, and how right it was in people it never saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array, Flags
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.nights.diary import Diary, observed_night
from crampstudy.prediction.baselines import Climate, MovingAverage
from crampstudy.prediction.features import FeatureTable, newcomers, nights_of
from crampstudy.prediction.files.model_file import NEWCOMER, ModelFile
from crampstudy.prediction.outcome import ANY, COUNT
from crampstudy.prediction.resampled import FEWEST, Resamples, limits
from crampstudy.prediction.rows import AREA, BRIER, INTERCEPT, SLOPE
from crampstudy.prediction.scores import weighted_area
from crampstudy.prediction.scores.calibration import recalibration
from crampstudy.prediction.validation import SEED

SENSITIVE, READ_AS = "SENSITIVE: values of single participants", "Research output, not medical advice"
DRIFT = "drift of the calibration slope"
MODEL = "applied model"
_WHO, _WEEK, _LINES = "participant_id", 7, 100


@dataclass(frozen=True, slots=True)
class Applied:
    """What a model says of rows: ``said`` by outcome, ``nan`` where it says nothing, for a value is outside training.

    ``outside`` has by feature the rows that lie out of its range, ``outside_baseline`` those of the model of baseline
    alone, ``absent`` the features that nobody here has.
    """

    table: FeatureTable
    said: dict[str, Array]
    rule: Array
    outside: dict[str, Flags]
    outside_baseline: dict[str, Flags]
    absent: tuple[str, ...]

    @property
    def told(self) -> Flags:
        """Which rows have a prediction."""
        return np.asarray(np.isfinite(self.said[ANY.name]))

    def counted(self, outside: Mapping[str, Flags]) -> dict[str, int]:
        """Return by feature how many participants are out of its range, the most common first."""
        found = {name: len(np.unique(self.table.person[rows])) for name, rows in outside.items()}
        return dict(sorted(found.items(), key=lambda each: -each[1]))


def apply(model: ModelFile, cohort: Cohort, *, every_night: bool = False) -> Applied:
    """Return what a model says of the night after the last logged one of each participant, or of every logged night.

    Raises:
        AnalysisError: the cohort is a survey, or nobody has logged a night.
    """
    if cohort.kind != "diary":
        raise AnalysisError(f"{cohort.name} is a survey, and the model foretells nights of a diary")
    bands = AgeBands(model.rules[ANY.name].bands)
    table = nights_of(cohort, bands, constant=True) if every_night else _next_nights(cohort, bands)
    if not len(table.counts):
        raise AnalysisError(f"nobody in {cohort.name} has logged a night")
    names = dict.fromkeys(name for each in (ANY, COUNT) for name in model.models[each.name].names)
    outside: dict[str, Flags] = {}
    said: dict[str, Array] = {}
    for each in (ANY, COUNT):
        own = model.models[each.name]
        values = aligned(table, own.names)
        outside |= own.outside(values)
        said[each.name] = own.predict(values)
    said = {name: np.where(_any(outside, len(table.counts)), np.nan, of) for name, of in said.items()}
    outside_baseline: dict[str, Flags] = {}
    if NEWCOMER in model.models:
        said[NEWCOMER], outside_baseline = _of_newcomers(model, cohort, bands, table)
    rule = model.rules[ANY.name]
    climate = Climate(rule.rates).predict(table)
    average = MovingAverage(rule.window, rule.prior).predict(table, ANY, climate)
    return Applied(
        table, said, average, outside, outside_baseline, tuple(name for name in names if name not in table.names)
    )


def aligned(table: FeatureTable, names: tuple[str, ...]) -> Array:
    """Return the features of a table in the order of a model; what the table does not have is missing."""
    place = {name: i for i, name in enumerate(table.names)}
    missing = np.full(len(table.counts), np.nan)
    return np.column_stack([table.values[:, place[name]] if name in place else missing for name in names]).astype(float)


def predictions(applied: Applied, model: ModelFile, *, every_night: bool = False) -> pl.DataFrame:
    """Return what was said as a table of single participants: a row each, or one for each logged night."""
    table, count = applied.table, len(applied.table.counts)
    assert table.day is not None
    said = applied.said
    made = pl.DataFrame(
        {
            _WHO: [table.ids[number] for number in table.person],
            "sensitive": [SENSITIVE] * count,
            "read_as": [READ_AS] * count,
            "night": pl.Series(table.day).cast(pl.Int32).cast(pl.Date),
            "probability_of_a_cramp": said[ANY.name],
            "expected_cramps": said[COUNT.name],
            "moving_average_probability": applied.rule,
            "outside_of_training": _named(applied.outside, count),
            "learned_from": [str(model.cohort["name"])] * count,
        }
    )
    if NEWCOMER in said:
        made = made.insert_column(6, pl.Series("cramps_a_week_from_baseline", said[NEWCOMER] * _WEEK))
        outside = pl.Series("baseline_outside_of_training", _named(applied.outside_baseline, count), pl.String)
        made = made.insert_column(7, outside)
    if every_night:
        made = made.insert_column(4, pl.Series("cramps", table.counts.astype(np.int64)))
    return made.with_columns(pl.selectors.float().fill_nan(None))


def _named(outside: Mapping[str, Flags], count: int) -> list[str | None]:
    """Return of each row the features that are out of their ranges, ``None`` where none is."""
    named: list[list[str]] = [[] for _ in range(count)]
    for name, rows in outside.items():
        for i in np.flatnonzero(rows):
            named[i].append(name)
    return ["; ".join(each) or None for each in named]


def _any(outside: Mapping[str, Flags], count: int) -> Flags:
    return np.asarray(np.any([np.zeros(count, dtype=bool), *outside.values()], axis=0))


def validation_rows(applied: Applied, model: ModelFile, cohort: str, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how right a model was on every logged night of a cohort, of all and by age band, with calibration drift.

    Drift is how far the calibration slope lies from that of cross-validation where the model was made.
    """
    check_level(ci_level)
    table, told = applied.table, applied.told
    band = np.where(table.band < 0, len(table.bands), table.band)[table.person]
    groups = {"all": told} | {name: told & (band == i) for i, name in enumerate(table.bands)}
    base = {"cohort": cohort, "outcome": ANY.name, "model": f"learned from {model.cohort['name']}"}
    made = [row for name, own in groups.items() for row in _of_group(applied, own, base, name, model, ci_level)]
    return estimates.frame(made)


def _of_group(
    applied: Applied, own: Flags, base: dict[str, Any], name: str, model: ModelFile, ci_level: float
) -> Iterator[dict[str, Any]]:
    table = applied.table
    people, happened = len(np.unique(table.person[own])), (table.counts[own] > 0).astype(np.float64)
    cells = base | {"population": name, "term": MODEL, "n_participants": people, "n_nights": int(own.sum())}
    cells |= {"n_events": int(happened.sum()), "ci_level": ci_level, "analysis": kinds.PREDICTION_SCORE.name}
    if not people:
        return
    if people < FEWEST or not 0 < happened.sum() < len(happened):
        why = f"fewer than {FEWEST} participants" if people < FEWEST else "no night with a cramp, or none without"
        yield estimates.row(status="not_estimable", note=why, level=BRIER, scale="score", **cells)
        return
    said, simple = applied.said[ANY.name][own], applied.rule[own]
    drawn = Resamples.of_participants(table.person[own], np.random.default_rng([SEED, 17]))
    loss, of_rule = (said - happened) ** 2, (simple - happened) ** 2
    nights = drawn.sums(np.ones(len(said)))
    weights = [drawn.weights(i) for i in range(_LINES)]
    lines = np.array([recalibration(happened, said, each) for each in weights])
    areas = np.array([weighted_area(happened, said, each) for each in weights])
    intercept, slope = recalibration(happened, said)
    trained = model.calibration[ANY.name][1]
    found = {
        BRIER: (float(loss.mean()), drawn.sums(loss) / nights),
        AREA: (weighted_area(happened, said), areas),
        INTERCEPT: (intercept, lines[:, 0]),
        SLOPE: (slope, lines[:, 1]),
        DRIFT: (slope - trained, lines[:, 1] - trained),
    }
    for level, (estimate, values) in found.items():
        if not np.isfinite(estimate):
            yield estimates.row(
                status="not_estimable", note=f"{level} cannot be told", level=level, scale="score", **cells
            )
            continue
        low, high = limits(values, ci_level)
        spread = {"estimate": estimate, "ci_low": low, "ci_high": high}
        yield estimates.row(status="converged", level=level, scale="score", **spread, **cells)
    low, high = limits(1 - drawn.sums(loss) / drawn.sums(of_rule), ci_level)
    skill = {"estimate": 1 - float(loss.sum() / of_rule.sum()), "ci_low": low, "ci_high": high, "scale": "skill"}
    kind = {"analysis": kinds.PREDICTION_SKILL.name, "reference": "moving average"}
    yield estimates.row(status="converged", **cells | kind | skill)


def _next_nights(cohort: Cohort, bands: AgeBands) -> FeatureTable:
    """Return the features of the night after the last logged one of each participant."""
    nights = cohort.frame("diary").filter(observed_night(cohort))
    after = nights.group_by(_WHO).agg(pl.col("date").max() + timedelta(days=1)).sort(_WHO)
    # What is written for that night is read by nothing: features are of nights before.
    unknown = after.with_columns(cramps=pl.lit(0, nights.schema["cramps"]))
    if "entry_made" in nights.columns:
        unknown = unknown.with_columns(entry_made=pl.lit(value=True))
    together = pl.concat([nights, unknown], how="diagonal")
    table = nights_of(Diary(cohort.name, cohort.frame("participants"), together.lazy()), bands, constant=True)
    last = np.flatnonzero(np.r_[table.person[1:] != table.person[:-1], True]) if len(table.person) else table.person
    return table.only(last)


def _of_newcomers(
    model: ModelFile, cohort: Cohort, bands: AgeBands, table: FeatureTable
) -> tuple[Array, dict[str, Flags]]:
    """Return the rate that baseline alone says of the participant of each row, and by feature who is out of range.

    Participants stand in the same order in both tables, for both are those with a logged night.
    """
    people, own = newcomers(cohort, bands, constant=True), model.models[NEWCOMER]
    values = aligned(people, own.names)
    outside = own.outside(values)
    rate = np.where(_any(outside, len(values)), np.nan, own.predict(values))
    return rate[table.person], {name: rows[table.person] for name, rows in outside.items()}
