"""Do the intervals of the sections on frequency and season cover? Laws whose answers are exact, and the simulator.

The tables go to docs/recovery.md; ``make recover ARGS=--sections`` renews them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from crampstudy import compute
from crampstudy.contrasts.season.annual_cycle import annual_cycle
from crampstudy.contrasts.season.rows import SeasonQuestion
from crampstudy.descriptive.frequency.diary import with_interval
from crampstudy.descriptive.frequency.measures import NEAR, NIGHTLY, OFTEN, FrequencyMeasure, Linearised, PersonSums
from crampstudy.estimates import kinds
from crampstudy.nights.calendar import YEAR
from crampstudy.simulate import Truth, draw, simulate
from crampstudy.simulate.estimands.frequency import frequency as frequency_answers
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.season import season as answers
from crampstudy.triage import red_flags
from crampstudy.triage.shares import WEEKS_ABOVE

MARKS = "<!-- sections: begin -->", "<!-- sections: end -->"
COHORTS = 400
MEASURES: Mapping[str, FrequencyMeasure] = {measure.level: measure for measure in (*OFTEN, *NIGHTLY)}
LENGTH = 35
SIZES = (30, 100, 400)
AMPLITUDES = (0.0, 1 / 3, 0.6)
MANY = 200_000
"""People of whom the share with so many cramps is the truth."""
_CHANCE, _PER_NIGHT, _EXTRA = 0.6 / 3.6, 1.3, 0.3
_PEOPLE, _NIGHTS = 250, 14
_WEEKS = 28
"""Nights behind the share of weeks with a red flag."""
_LOGGED = {"250 people, every night logged": False, "250 people, the usual gaps": True}
"""Whether the nights of red flags have gaps."""


@dataclass(frozen=True, slots=True)
class SectionCell:
    """How many of so many ``cohorts`` have an interval that covers; ``errors`` of the estimates on average."""

    name: str
    cohorts: int
    covered: int
    error: float


def law(people: int, rng: np.random.Generator, together: float = 0.2) -> PersonSums:
    """Draw nights whose cramps run: persons differ by a beta law, and a night is like the one before with a chance.

    That chance, ``together``, is the correlation of successive nights about the person's mean. A cramp night has one
    cramp and a Poisson number more.
    """
    chance = rng.beta(0.6, 3.0, people)
    cramp = rng.random((people, LENGTH)) < chance[:, None]
    stay = rng.random((people, LENGTH)) < together
    for k in range(1, LENGTH):
        cramp[:, k] = np.where(stay[:, k], cramp[:, k - 1], cramp[:, k])
    counts = np.where(cramp, 1 + rng.poisson(_EXTRA, cramp.shape), 0)
    both = (cramp[:, 1:] & cramp[:, :-1]).sum(axis=1)
    apart = [(cramp[:, lag:] & cramp[:, :-lag]).sum(axis=1) for lag in range(NEAR + 1, LENGTH)]
    far = sum(LENGTH - lag for lag in range(NEAR + 1, LENGTH))
    parts = np.full(people, LENGTH), counts.sum(axis=1), cramp.sum(axis=1), (counts**2).sum(axis=1)
    pairs = np.full(people, LENGTH - 1), both, np.full(people, far), np.sum(apart, axis=0)
    return PersonSums(*(part.astype(np.float64) for part in (*parts, *pairs)))


@cache
def truths(together: float) -> dict[str, float]:
    """Return the true value of every number: exact where the law gives it, else that of many people."""
    many, mean = law(MANY, np.random.default_rng(1), together), _CHANCE * _PER_NIGHT
    exact = {
        "nights with a cramp": _CHANCE,
        "cramps a cramp night": _PER_NIGHT,
        "dispersion": (_CHANCE * (_PER_NIGHT**2 + _EXTRA) - mean**2) / mean,
        "serial dependence": together,
    }
    return {level: measure.of(many).value for level, measure in MEASURES.items()} | exact


def limits(found: Linearised, measure: FrequencyMeasure, people: int) -> tuple[float, float]:
    """Return the interval of a number of so many people."""
    cells = {"n_participants": people, "ci_level": 0.95, "scale": measure.scale, "n_nights": LENGTH * people}
    row = with_interval(found, cells | {"analysis": kinds.OFTEN.name, "population": "all"}, people, "")
    return row["ci_low"], row["ci_high"]


def frequency_cells(people: int, cohorts: int, seed: int, together: float = 0.2) -> list[SectionCell]:
    """Draw cohorts, and count of each number of the section how many intervals cover."""
    truth = truths(together)
    covered, errors = dict.fromkeys(MEASURES, 0), dict.fromkeys(MEASURES, 0.0)
    for rng in np.random.default_rng([seed, people, int(100 * together)]).spawn(cohorts):
        sums = law(people, rng, together)
        for level, measure in MEASURES.items():
            found = measure.of(sums)
            low, high = limits(found, measure, people)
            covered[level] += low <= truth[level] <= high
            errors[level] += (found.value - truth[level]) / cohorts
    return [SectionCell(level, cohorts, covered[level], errors[level]) for level in MEASURES]


def season_cells(amplitude: float, cohorts: int, seed: int) -> list[SectionCell]:
    """Draw cohorts of the simulator in which nothing but the season acts, and count the intervals that cover.

    Of the joint test the cohorts are counted in which it does not reject at 5 per cent.
    """
    nothing = Truth().without_effects()
    truth = replace(nothing, cramps=replace(nothing.cramps, season_amplitude=amplitude, rate_per_week=2.0))
    said = {a.key: a.value for a in answers(truth, Population(truth, seed=1, draws=2))}
    size, peak = said["season:amplitude"], said.get("season:peak_day", math.nan)
    winter = math.exp(2 * size * math.cos(2 * math.pi * (1 - truth.cramps.season_peak_day) / YEAR))
    names = {"amplitude": size, "midwinter against midsummer": winter, **({"peak": peak} if amplitude else {})}
    covered, errors, held = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0), 0
    for i in range(cohorts):
        rng = np.random.default_rng([seed, int(100 * amplitude), i])
        drawn = simulate(_PEOPLE, _NIGHTS, seed=int(rng.integers(2**31)), truth=truth)
        rows = kinds.SEASON.rows(annual_cycle(drawn, SeasonQuestion(), rng)).set_index("level")
        held += rows.loc["joint test", "p_value"] > 0.05
        for name, value in names.items():
            row = rows.loc[name]
            # Where no cycle is told from none, every day may be that of the peak.
            covered[name] += bool(row["ci_low"] <= value <= row["ci_high"]) or row["status"] == "boundary"
            errors[name] += (row["estimate"] - value) / cohorts
    return [
        *(SectionCell(name, cohorts, covered[name], errors[name]) for name in names),
        SectionCell("joint test does not reject", cohorts, held, math.nan),
    ]


@cache
def flagged_weeks() -> float:
    """Return the true share of weeks with more than 2 cramps, every night logged."""
    truth = Truth()
    said = {a.key: a.value for a in frequency_answers(truth, Population(truth, seed=1, draws=2_000_000))}
    return said["weeks_above_2:all"]


def flag_cells(cohorts: int, seed: int, *, gaps: bool) -> list[SectionCell]:
    """Draw cohorts of the simulator, and count the intervals of the share of weeks above 2 cramps that cover."""
    truth, covered, error = flagged_weeks(), 0, 0.0
    for i in range(cohorts):
        rng = np.random.default_rng([seed, 2, i])
        people = (
            simulate(_PEOPLE, _WEEKS, seed=int(rng.integers(2**31)))
            if gaps
            else draw(Truth(), participants=_PEOPLE, nights=_WEEKS, rng=rng)
        )
        rows = red_flags(people)
        (row,) = rows[rows["level"].eq(WEEKS_ABOVE) & rows["population"].eq("20+")].to_dict("records")
        covered += bool(row["ci_low"] <= truth <= row["ci_high"])
        error += (row["estimate"] - truth) / cohorts
    return [SectionCell(WEEKS_ABOVE, cohorts, covered, error)]


def measured(cohorts: int, seed: int, workers: compute.Workers) -> dict[str, list[SectionCell]]:
    """Return the cells by what they are of."""
    tasks = {f"{size} people": partial(frequency_cells, size, cohorts, seed) for size in SIZES}
    tasks["100 people, nights at random"] = partial(frequency_cells, 100, cohorts, seed, 0.0)
    tasks |= {f"amplitude {size:.2f}": partial(season_cells, size, cohorts, seed) for size in AMPLITUDES}
    tasks |= {name: partial(flag_cells, cohorts, seed, gaps=gaps) for name, gaps in _LOGGED.items()}
    return dict(zip(tasks, compute.map(_called, tasks.values(), workers=workers), strict=True))


def _called(task: partial[list[SectionCell]]) -> list[SectionCell]:
    return task()


def tables(found: Mapping[str, Sequence[SectionCell]]) -> str:
    """Return the tables in Markdown."""
    cohorts = max(cell.cohorts for cells in found.values() for cell in cells)
    season = {name: cells for name, cells in found.items() if name.startswith("amplitude")}
    flags = {name: cells for name, cells in found.items() if name in _LOGGED}
    often = {name: cells for name, cells in found.items() if name not in season | flags}
    return "\n".join(
        [
            f"Of {cohorts} cohorts, in per cent: covered; in brackets the mean error of the estimate.",
            "",
            *section_table("number", often),
            "",
            *section_table("annual cycle", season),
            "",
            *section_table("red flag", flags),
        ]
    )


def section_table(stub: str, found: Mapping[str, Sequence[SectionCell]]) -> list[str]:
    names = dict.fromkeys(cell.name for cells in found.values() for cell in cells)
    by = {(where, cell.name): cell for where, cells in found.items() for cell in cells}
    rows = (f"| {name} | {' | '.join(_text(by.get((where, name))) for where in found)} |" for name in names)
    return [f"| {stub} | {' | '.join(found)} |", f"|---|{'---:|' * len(found)}", *rows]


def _text(cell: SectionCell | None) -> str:
    if cell is None:
        return "–"
    error = "" if math.isnan(cell.error) else f" ({cell.error:+.3f})"
    return f"{100 * cell.covered / cell.cohorts:.1f}{error}"
