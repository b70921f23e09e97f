"""From a truth to a cohort: people, habits, cramps, their burden, and last the gaps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.codebook import Variable, rules
from crampstudy.cohort import Cohort
from crampstudy.simulate.groups import Burden, Gaps
from crampstudy.simulate.habits import draw_habits, log_rate, temperature
from crampstudy.simulate.parameters import check_whole
from crampstudy.simulate.people import Column, Flags, Floats, draw_people, expit, logit
from crampstudy.simulate.truth import SURVEY_ONLY, Truth

MAX_PARTICIPANTS = 1_000_000
MAX_NIGHTS = 3_660

# The codebook caps a night's count far below this; it only keeps the Poisson generator in its range.
_HIGHEST_MEAN = 1e6


def draw(truth: Truth, *, participants: int, nights: int, rng: np.random.Generator) -> Cohort:
    """Draw a diary cohort of ``participants``, each with ``nights`` consecutive nights.

    Every part has a generator of its own: other gaps leave people, habits and cramps as they were. Values are held
    within the codebook's limits before they act on the cramps.

    Raises:
        ParameterError: ``participants`` or ``nights`` is out of range.
    """
    check_whole("participants", participants, 1, MAX_PARTICIPANTS)
    check_whole("nights", nights, 1, MAX_NIGHTS)
    people_rng, habits_rng, weather_rng, cramps_rng, burden_rng, gaps_rng = rng.spawn(6)
    drawn = draw_people(truth, participants, people_rng)
    people = _limited("participants", drawn.columns)
    habits, gates = draw_habits(truth, participants, nights, habits_rng)
    habits = _limited("diary", habits)
    cramps, people["ever_cramp"] = _cramps(truth, log_rate(truth, people, gates, nights), cramps_rng)
    date = drawn.first_night[:, None] + np.arange(nights)
    first = int(date.min())
    series = temperature(truth.weather, first, int(date.max()) - first + 1, weather_rng)
    diary: dict[str, Column] = {
        **habits,
        **_limited("diary", _burden(truth.burden, habits, cramps, people["age_years"].astype(np.float64), burden_rng)),
        "cramps": cramps,
        "ambient_temperature_c": series[date - first],
    }
    samples_rng, nights_rng = gaps_rng.spawn(2)
    tables = {
        "participants": _participants(truth, people, samples_rng),
        "diary": _diary(truth.gaps, diary, date, nights_rng),
    }
    return Cohort(name="simulated", kind="diary", tables=tables, synthetic=True)


def _cramps(truth: Truth, log_mean: Floats, rng: np.random.Generator) -> tuple[NDArray[np.int64], Flags]:
    persons, nights, counts, recall = rng.spawn(4)
    shape, dispersion = truth.cramps.person_shape, truth.cramps.night_dispersion
    expected = np.exp(np.minimum(log_mean, np.log(_HIGHEST_MEAN))) * persons.gamma(shape, 1 / shape, (len(log_mean), 1))
    mean = expected * nights.gamma(1 / dispersion, dispersion, expected.shape) if dispersion > 0 else expected
    drawn = counts.poisson(np.minimum(mean, _HIGHEST_MEAN))
    # Whether a person recalls any cramp at baseline follows the person's own rate.
    recalled = expected.mean(axis=1) * 7 * truth.people.ever_cramp_weeks
    return _limited("diary", {"cramps": drawn})["cramps"].astype(np.int64), recall.random(len(drawn)) < -np.expm1(
        -recalled
    )


def _burden(
    burden: Burden, habits: Mapping[str, Column], cramps: NDArray[np.int64], age: Floats, rng: np.random.Generator
) -> dict[str, Column]:
    woken, voiding = rng.spawn(2)
    awake = habits["awakenings"].astype(np.int64) + woken.binomial(cramps, burden.woken_per_cramp)
    share = expit(logit(burden.nocturia_share_at_60) + burden.nocturia_per_decade * (age - 60) / 10)
    asleep = np.maximum(
        habits["hours_in_bed"].astype(np.float64) - habits["sleep_latency_min"].astype(np.float64) / 60, 0
    )
    shifted = {
        f"{name}_0_10": habits[f"{name}_0_10"].astype(np.float64) + getattr(burden, name) * (cramps > 0)
        for name in ("sleep_quality", "fatigue", "concentration", "productivity")
    }
    # Scores are whole points; what cramps do is added before they are rounded.
    return {
        "awakenings": awake,
        "nocturia": voiding.binomial(awake, share[:, None]),
        "sleep_hours": (asleep * np.clip(habits["sleep_continuity"].astype(np.float64), 0, 1)).round(2),
        **{name: values.round() for name, values in shifted.items()},
    }


def _participants(truth: Truth, people: Mapping[str, Column], rng: np.random.Generator) -> pl.DataFrame:
    n = len(people["age_years"])
    table = {**people, "participant_id": _identifiers(n)}
    names = [v for v in codebook.variables("participants") if not v.name.startswith(SURVEY_ONLY)]
    frame = pl.DataFrame([_series(v, table[v.name]) for v in names])
    sampled = [m.column for m in truth.measures if m.sampled == "yes"]
    whole, single = rng.spawn(2)
    lost = (whole.random((n, 1)) < truth.people.no_sample) | (
        single.random((n, len(sampled))) < truth.people.failed_analyte
    )
    return frame.with_columns(
        pl.when(pl.Series(lost[:, i])).then(None).otherwise(pl.col(name)).alias(name) for i, name in enumerate(sampled)
    )


def _diary(gaps: Gaps, diary: Mapping[str, Column], date: NDArray[np.int64], rng: np.random.Generator) -> pl.DataFrame:
    logged, without_row = _logged(gaps, date, rng)
    kept = ~without_row
    columns: dict[str, Column] = {
        **diary,
        "participant_id": np.broadcast_to(_identifiers(len(date))[:, None], date.shape),
        "entry_made": logged,
        "date": date.astype("datetime64[D]"),
    }
    series = [_series(v, columns[v.name][kept]) for v in codebook.variables("diary")]
    filled = [v.name for v in codebook.variables("diary") if v.name not in ("participant_id", "date", "entry_made")]
    frame = pl.DataFrame(series).with_columns(pl.when(pl.col("entry_made")).then(pl.col(name)) for name in filled)
    # There is no warming up for a session that was not.
    return frame.with_columns(pl.when(pl.col("exercise_min") > 0).then(pl.col("warm_up")))


def _logged(gaps: Gaps, date: NDArray[np.int64], rng: np.random.Generator) -> tuple[Flags, Flags]:
    persons, nights, rows = rng.spawn(3)
    if gaps.adherence_mean < 1:
        a = gaps.adherence_mean * gaps.adherence_concentration
        chance = persons.beta(a, gaps.adherence_concentration - a, (len(date), 1)).clip(1e-9, 1 - 1e-9)
        # 1970-01-01 was a Thursday; Friday and Saturday are days 4 and 5 from Monday.
        weekend = np.isin((date + 3) % 7, (4, 5))
        later = np.arange(date.shape[1]) >= gaps.decay_after_nights
        odds = np.log(chance / (1 - chance)) + gaps.weekend_log_odds * weekend + gaps.decay_log_odds * later
        logged = nights.random(date.shape) < expit(odds)
    else:
        logged = np.ones(date.shape, dtype=np.bool_)
    # A diary begins with its first entry.
    logged[:, 0] = True
    return logged, ~logged & (rows.random(date.shape) < gaps.no_row_share)


def _identifiers(n: int) -> Column:
    width = max(4, len(str(n)))
    return np.asarray([f"P{i:0{width}d}" for i in range(1, n + 1)])


def _limited(table: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    limited = dict(columns)
    for name, values in columns.items():
        variable = codebook.find(name, table)
        if variable and variable.minimum is not None and values.dtype != np.bool_:
            # Adding zero turns a rounded -0.0 into 0.0.
            limited[name] = np.clip(values.astype(np.float64), variable.minimum, variable.maximum) + 0.0
    return limited


def _series(variable: Variable, values: Column) -> pl.Series:
    match variable.type:
        case "integer":
            return pl.Series(variable.name, values.astype(np.int64))
        case "level" | "text" | "identifier":
            return pl.Series(variable.name, values.tolist(), dtype=pl.String)
        case _:
            return pl.Series(variable.name, values).cast(rules.DTYPES[variable.type])
