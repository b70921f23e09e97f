"""Do the intervals of rates cover? Small groups of people of the presets, by age band, and of laws that they lack.

Groups are drawn with replacement from people whose own rate is the truth, or from a law with a known mean. The tables
go to docs/recovery.md, and what the package says of its intervals to ``descriptive/rate_coverage.csv``.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.descriptive.incidence import Rate, incidence_rate, standardised_rate
from crampstudy.descriptive.rate_intervals import Coverage
from crampstudy.models.inference.covariance import degrees_of_freedom, quantile
from crampstudy.nights import NIGHTS_PER_WEEK, person_nights
from crampstudy.simulate import simulate
from crampstudy.simulate.scenario import presets

Integers = NDArray[np.int64]
Sums = tuple[Integers, Integers, float]
"""Cramps and nights of each person of a group, and the true rate per week."""

SHIPPED = Path(__file__).resolve().parents[2] / "src" / "crampstudy" / "descriptive" / "rate_coverage.csv"
MARKS = "<!-- rates: begin -->", "<!-- rates: end -->"
CI_LEVEL = 0.95
GROUPS = 4000
"""Groups a cell; a quarter as many cohorts of the standardised rate."""
SIZES = (5, 7, 9, 14, 20, 40, 100, 400)
PER_BAND = (3, 5, 7, 9, 14, 20, 40)
PEOPLE = 10_000
"""People of a preset from whom groups are drawn."""
_RATE = 0.15
"""Cramps a night of the laws that are no presets."""


def _lognormal(sd: float, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.exp(rng.normal(-(sd**2) / 2, sd, shape))


def _two(share: float, times: float, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    usual = 1 / (1 + share * (times - 1))
    return np.where(rng.random(shape) < share, times * usual, usual)


LAWS: Mapping[str, Callable[..., NDArray[np.float64]]] = {
    "log-normal person rates of SD 0.9": partial(_lognormal, 0.9),
    "log-normal person rates of SD 1.2": partial(_lognormal, 1.2),
    "half at 5 times the rate of the others": partial(_two, 0.5, 5.0),
    "30 % at 8 times the rate of the others": partial(_two, 0.3, 8.0),
    "15 % at 10 times the rate of the others": partial(_two, 0.15, 10.0),
}
"""Mean-one multipliers of persons (groups x people), by what they are called."""


@dataclass(frozen=True, slots=True)
class Standardised:
    """How often the age-standardised rate of ``per_band`` people in each band covered, and with z as quantile alone."""

    preset: str
    per_band: int
    cohorts: int
    covered: int
    covered_by_z: int


@cache
def pool(preset: str, seed: int) -> pl.DataFrame:
    """Return the people of a preset, as it loses nights: cramps, nights logged and age band."""
    chosen = presets.preset(preset)
    nights = person_nights(simulate(PEOPLE, chosen.nights, seed, chosen.truth, chosen.mess), AgeBands())
    sums = nights.group_by("participant_id").agg(
        pl.col("cramps").sum(), pl.len().cast(pl.Int64).alias("nights"), pl.col("age_band").first()
    )
    return sums.sort("participant_id")


def bands_of(people: pl.DataFrame) -> list[tuple[str, Integers, Integers, float]]:
    """Return by age band its label, the cramps and nights of its people, and their rate per week."""
    found = []
    for (label,), own in people.sort("age_band").group_by("age_band", maintain_order=True):
        cramps, nights = own["cramps"].to_numpy(), own["nights"].to_numpy()
        found.append((str(label), cramps, nights, float(cramps.sum() / nights.sum() * NIGHTS_PER_WEEK)))
    return found


def groups(law: str, size: int, number: int, seed: int, rng: np.random.Generator) -> Iterator[Sums]:
    """Draw so many groups of ``size`` people: of a preset each age band in its turn."""
    if law in LAWS:
        shape = number, size
        nights = rng.integers(20, 91, shape)
        # Nights of one person are negative binomial with dispersion 0.5.
        mean = LAWS[law](shape, rng) * _RATE * nights * rng.gamma(2 * nights, 1 / (2 * nights))
        yield from ((c, n, _RATE * NIGHTS_PER_WEEK) for c, n in zip(rng.poisson(mean), nights, strict=True))
        return
    bands = bands_of(pool(law, seed))
    for i in range(number):
        _, cramps, nights, truth = bands[i % len(bands)]
        who = rng.integers(0, len(cramps), size)
        yield cramps[who], nights[who], truth


def cell(law: str, size: int, number: int, seed: int) -> Coverage:
    """Draw groups and count; a group without an interval, as all its people are alike, does not count."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*law.encode(), size)))
    q, covered, plainly, ratios = quantile(CI_LEVEL, degrees_of_freedom(size)), 0, 0, []
    answered = 0
    for cramps, nights, truth in groups(law, size, number, seed, rng):
        rate = incidence_rate(cramps, nights, CI_LEVEL)
        if math.isnan(rate.ci_high):
            continue
        answered += 1
        covered += rate.ci_low <= truth <= rate.ci_high
        # Without a cramp both are the exact Poisson limit.
        plainly += abs(math.log(truth / rate.estimate)) <= q * rate.std_error if rate.cramps else truth <= rate.ci_high
        if rate.cramps:
            ratios.append(rate.ci_high / rate.ci_low / math.exp(2 * q * rate.std_error))
    return Coverage(law, size, answered, covered, plainly, round(float(np.median(ratios)), 3))


def standardised(preset: str, size: int, number: int, seed: int) -> Standardised:
    """Draw cohorts with so many people in each age band, and count how often their standardised rate covers."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*preset.encode(), size, 1)))
    bands = bands_of(pool(preset, seed))
    labels = [label for label, *_ in bands]
    weights = AgeBands(tuple(int(label[:2]) for label in labels)).standard_weights("who")
    truth = sum(w * rate for w, (*_, rate) in zip(weights, bands, strict=True))
    found: list[Rate] = []
    for _ in range(number):
        drawn = [(cramps, nights, rng.integers(0, len(cramps), size)) for _, cramps, nights, _ in bands]
        rates = [incidence_rate(cramps[who], nights[who], CI_LEVEL) for cramps, nights, who in drawn]
        found.append(standardised_rate(rates, weights, labels, CI_LEVEL))
    found = [rate for rate in found if not math.isnan(rate.ci_high)]
    z = quantile(CI_LEVEL, math.inf)
    return Standardised(
        *(preset, size, len(found), sum(r.ci_low <= truth <= r.ci_high for r in found)),
        sum(abs(math.log(truth / r.estimate)) <= z * r.std_error for r in found),
    )


def measured(number: int, seed: int, workers: compute.Workers) -> tuple[list[Coverage], list[Standardised]]:
    """Return the cells of every law and size, and of every preset's standardised rate."""
    parts = list(compute.map(partial(_of_law, number=number, seed=seed), [*presets.names(), *LAWS], workers=workers))
    return [c for cells, _ in parts for c in cells], [c for _, cells in parts for c in cells]


def _of_law(law: str, number: int, seed: int) -> tuple[list[Coverage], list[Standardised]]:
    crude = [cell(law, size, number, seed) for size in SIZES]
    return crude, [] if law in LAWS else [standardised(law, size, number // 4, seed) for size in PER_BAND]


def as_csv(cells: Sequence[Coverage]) -> str:
    """Return the cells as the package ships them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(Coverage)])
    writer.writerows([getattr(c, f.name) for f in fields(Coverage)] for c in cells)
    return text.getvalue()


def tables(crude: Sequence[Coverage], adjusted: Sequence[Standardised]) -> str:
    """Return both tables in Markdown."""
    lines = [
        f"Of {max(c.cohorts for c in crude):,} groups, in per cent: covered, in brackets by log-t alone; median ratio "
        "of upper to lower limit relative to log-t.",
        "",
        *_table("people", "law", SIZES, {(c.law, c.participants): _crude(c) for c in crude}),
        "",
        f"The age-standardised rate (WHO) of {max(c.cohorts for c in adjusted):,} cohorts, in per cent: covered, in "
        "brackets with z in the place of t and without the correction.",
        "",
        *_table("people in each band", "preset", PER_BAND, {(c.preset, c.per_band): _adjusted(c) for c in adjusted}),
    ]
    return "\n".join(lines)


def _table(what: str, stub: str, sizes: Sequence[int], texts: Mapping[tuple[str, int], str]) -> list[str]:
    heading = [f"| {stub} | {' | '.join(f'{size} {what}' if i == 0 else str(size) for i, size in enumerate(sizes))} |"]
    rows = (
        f"| {law} | {' | '.join(texts[law, size] for size in sizes)} |" for law in dict.fromkeys(x for x, _ in texts)
    )
    return [*heading, f"|---|{'---:|' * len(sizes)}", *rows]


def _crude(c: Coverage) -> str:
    return f"{100 * c.covered / c.cohorts:.1f} ({100 * c.covered_by_log_t / c.cohorts:.1f}); {c.ratio:.2f}"


def _adjusted(c: Standardised) -> str:
    return f"{100 * c.covered / c.cohorts:.1f} ({100 * c.covered_by_z / c.cohorts:.1f})"
