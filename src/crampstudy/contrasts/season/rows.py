"""The rows of an annual cycle: its joint test, amplitude, peak and ratios, and the curve over the year."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crampstudy import estimates
from crampstudy.arrays import Array
from crampstudy.contrasts.season.cosinor import AnnualCycle, resampled
from crampstudy.estimates import kinds, note, verdicts
from crampstudy.models.coefficients.rows import untested, wald_cells
from crampstudy.models.inference.covariance import combined, p_value, quantile
from crampstudy.models.nights import count
from crampstudy.models.nights.solution import Solution
from crampstudy.models.terms.design_matrix import INTERCEPT
from crampstudy.nights import NIGHTS_PER_WEEK
from crampstudy.nights.calendar import CYCLE, WINTER, YEAR, Hemisphere, day_of

REPLICATES = 400
COSINE, SINE = CYCLE
SURE = 3.0
"""Amplitudes of fewer standard errors are biased upwards so much that the note says so."""
NONE = "a cycle cannot be told from none, so that the peak may be on any day"
_DAYS = tuple(range(1, 366, 7))

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeasonQuestion:
    """What is asked of the annual cycle.

    Args:
        where: condition that names a part of the cohort.
        hemisphere: which months are winter.
        ci_level: confidence level.
        per_coefficient: participants that the model needs for each coefficient; of fewer the last terms are left out.
        replicates: how many times the participants are drawn.
    """

    where: str | None = None
    hemisphere: Hemisphere = "north"
    ci_level: float = 0.95
    per_coefficient: int | None = None
    replicates: int = REPLICATES


_LEVELS: tuple[tuple[str, str, str], ...] = (
    ("joint test", "wald_test", "joint test"),
    ("amplitude", "log_amplitude", "log rate"),
    ("relative amplitude", "relative_amplitude", "(max − min) / (max + min)"),
    ("peak to trough", "rate_ratio", "peak against trough"),
    ("peak", "day_of_year", "day of the year"),
    ("peak in winter", "proportion", "share of resampled peaks"),
    ("midwinter against midsummer", "rate_ratio", "ratio of the two"),
)


def _cells(base: Row, level: str) -> Row:
    (found,) = (each for each in _LEVELS if each[0] == level)
    term = "contrast: season" if level == "midwinter against midsummer" else "season"
    return base | {"analysis": kinds.SEASON.name, "term": term, "level": level, "scale": found[1], "unit": found[2]}


def not_estimable(base: Row, status: estimates.Status, reason: str) -> Iterator[Row]:
    """Yield rows that say why there is no cycle."""
    for level, *_ in _LEVELS:
        yield estimates.row(status=status, **_cells(base, level), note=reason)


@dataclass(frozen=True, slots=True)
class FittedCycle:
    """A fitted cycle: the solution, the places of cosine and sine, their covariance and how they were resampled."""

    solution: Solution
    places: tuple[int, int]
    variance: Array
    df: float
    cycle: AnnualCycle | None
    reason: str | None

    @classmethod
    def of(
        cls,
        solution: Solution,
        fitted: count.CountFit,
        places: tuple[int, int],
        asked: SeasonQuestion,
        rng: np.random.Generator,
    ) -> FittedCycle:
        """Return the cycle of a solution that has an answer.

        Args:
            solution: the model of the nights.
            fitted: its fit, in the standard columns.
            places: which columns of the design are cosine and sine.
            asked: how many times the participants are drawn.
            rng: the source of the draws.
        """
        solved = solution.solved
        if solved is None or solved.moments is None:
            raise TypeError("a solution without an answer")
        own = list(places)
        block = solved.variance[np.ix_(own, own)]
        df = float(np.min(solved.df[own]))
        if (reason := untested(block)) is not None:
            return cls(solution, places, block, df, None, reason)
        people = len(solution.participants)
        scores = np.zeros((people, fitted.scores.shape[1]))
        np.add.at(scores, solution.data.groups, fitted.scores)
        influence = scores @ np.linalg.inv(fitted.information) @ solution.design.standard.back().T
        errors = resampled(influence[:, own], block, asked.replicates, rng)
        cosine, sine = (float(solved.coefficients[place]) for place in places)
        return cls(solution, places, block, df, AnnualCycle(cosine, sine, errors), None)

    def rows(self, base: Row, asked: SeasonQuestion) -> Iterator[Row]:
        """Yield what is said of the cycle."""
        solution, clusters = self.solution, len(self.solution.participants)
        others = [term for term in solution.design.terms() if term not in (COSINE, SINE, INTERCEPT)]
        notes = solution.solved.notes if solution.solved else ()
        base = base | {
            "n_participants": clusters,
            "n_groups": clusters,
            "n_nights": solution.n_nights,
            "n_events": solution.n_events,
            "n_exposed": clusters,
            "adjusted_for": "; ".join(others) or None,
        }
        remark = note(*solution.remarks, *solution.design.remarks, *solution.account.remarks(), *notes) or ""
        if self.cycle is None:
            yield from not_estimable(base | {"note": None}, "not_estimable", str(self.reason))
            return
        cycle, level = self.cycle, asked.ci_level
        tested = wald_cells(np.array([cycle.cosine, cycle.sine]), self.variance, self.df)
        yield estimates.row(status="converged", **_cells(base, "joint test") | tested, note=remark or None)
        along = np.array([cycle.cosine, cycle.sine]) / cycle.amplitude
        error = math.sqrt(float(along @ self.variance @ along))
        low, high = cycle.amplitude_interval(level)
        sure = "" if cycle.amplitude >= SURE * error else "biased upwards, since it is not much larger than its error"
        how = note(f"interval from {asked.replicates} resamples of the participants", sure, remark)
        for name, of in (("amplitude", float), ("relative amplitude", math.tanh), ("peak to trough", _peak_to_trough)):
            limits = {"estimate": of(cycle.amplitude), "ci_low": of(low), "ci_high": of(high)}
            cells = _cells(base, name) | limits | ({"std_error": error} if name == "amplitude" else {})
            made = estimates.row(status="converged", **cells, note=how)
            yield made | ({"verdict": verdicts.verdict(made)} if name == "peak to trough" else {})
        yield self._peak(cycle, base, low, asked, remark)
        first, last = WINTER[asked.hemisphere]
        inside = cycle.share_of_peaks(first, last)
        span = f"share of resampled peaks from {day_of(first)} to {day_of(last)}"
        yield estimates.row(
            status="converged",
            **_cells(base, "peak in winter") | {"estimate": inside, "unit": span},
            note=remark or None,
        )
        yield self._winter(cycle, base, asked, remark)

    def _peak(self, cycle: AnnualCycle, base: Row, low: float, asked: SeasonQuestion, remark: str) -> Row:
        cells = _cells(base, "peak") | {"estimate": cycle.peak}
        interval = cycle.peak_interval(asked.ci_level) if low > 0 else None
        if interval is None:
            return estimates.row(status="boundary", **cells, note=note(NONE, remark))
        said = f"{day_of(cycle.peak)} ({day_of(interval[0])} to {day_of(interval[1])})"
        limits = {"ci_low": interval[0], "ci_high": interval[1]}
        return estimates.row(status="converged", **cells, **limits, note=note(said, remark))

    def _winter(self, cycle: AnnualCycle, base: Row, asked: SeasonQuestion, remark: str) -> Row:
        """Return the rate on 1 January against that half a year later, in the south the other way round."""
        side = 1.0 if asked.hemisphere == "north" else -1.0
        twice = 2 * side * np.array([math.cos(2 * math.pi / YEAR), math.sin(2 * math.pi / YEAR)])
        value = float(twice @ [cycle.cosine, cycle.sine])
        error = math.sqrt(float(twice @ self.variance @ twice))
        half = quantile(asked.ci_level, self.df) * error
        ratio, low, high = (math.exp(value + shift) for shift in (0.0, -half, half))
        days = [day_of(day) for day in (1, 1 + YEAR / 2)]
        when = " against ".join(days if asked.hemisphere == "north" else reversed(days))
        made = estimates.row(
            status="converged",
            **_cells(base, "midwinter against midsummer") | {"unit": when},
            reference="midsummer",
            estimate=ratio,
            ci_low=low,
            ci_high=high,
            std_error=error,
            df=self.df,
            p_value=p_value(value / error, self.df),
            note=remark or None,
        )
        return made | {"verdict": verdicts.verdict(made)}

    def curve(self, base: Row, asked: SeasonQuestion) -> Iterator[Row]:
        """Yield the rate over the days of the year, all else as it is on average."""
        solution, solved = self.solution, self.solution.solved
        if self.cycle is None or solved is None:
            return
        data, design = solution.data, solution.design
        times = np.ones(len(data.outcome)) if data.weights is None else data.weights
        own = data.matrix @ design.standard.turned + design.standard.centre
        mean = times @ own / times.sum()
        rest = np.setdiff1d(np.arange(own.shape[1]), self.places)
        usual = np.exp(own[:, rest] @ solved.coefficients[rest] + data.offset)
        level = math.log(float(times @ usual / times.sum())) - float(mean[rest] @ solved.coefficients[rest])
        angle = 2 * math.pi * np.array(_DAYS) / YEAR
        at = np.tile(mean, (len(_DAYS), 1))
        at[:, self.places[0]], at[:, self.places[1]] = np.cos(angle), np.sin(angle)
        log_rate, error = combined(at, solved.coefficients, solved.variance)
        half = quantile(asked.ci_level, self.df) * error
        cells = base | {
            "analysis": kinds.CYCLE.name,
            "term": "season",
            "scale": "rate",
            "unit": "cramps per person-week",
            "n_participants": len(solution.participants),
        }
        for day, value, width, spread in zip(_DAYS, log_rate + level, half, error, strict=True):
            estimate, low, high = (NIGHTS_PER_WEEK * math.exp(value + shift) for shift in (0.0, -width, width))
            limits = {"estimate": estimate, "ci_low": low, "ci_high": high, "std_error": spread, "df": self.df}
            yield estimates.row(status="converged", **cells, **limits, level=str(day))


def _peak_to_trough(amplitude: float) -> float:
    return math.exp(2 * amplitude)
