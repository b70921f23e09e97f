"""Cohorts of laws that hold exactly, for the models to which the simulator has no answer.

Where nights, cramps or people hang together, they do so through normal scores that they share (a Gaussian copula), so
that the law of each single one stays exactly what is stated. Exposures are drawn independently of all else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, gammaincinv, logit, ndtr
from scipy.stats import nbinom

from crampstudy import codebook
from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.cohort import Cohort, SurveyDesign

Floats = NDArray[np.float64]
Exposures = Mapping[str, NDArray[Any]]

ZERO = "zero: "
"""What stands before the terms of a zero part, here and in the rows of a fit."""
STRATA, PSUS = 10, 3
_FIRST = date(2024, 1, 1)
_MOST = int(codebook.variable("cramps").maximum)
_TOGETHER = 0.3
"""Share of the normal scores' variance that nights and cramps of one participant have in common."""


class Law(Protocol):
    """A law with the true log ratio of each term, such as ``had``, ``remedy[heat]`` or ``zero: had``."""

    @property
    def effects(self) -> Mapping[str, float]:
        """Log ratios by term."""

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a cohort."""


@dataclass(frozen=True, slots=True)
class Nights:
    """Counts of nights with a log-linear mean: Poisson, or negative binomial if nights differ, given the person.

    Persons have a normal intercept and, with ``slope_sd``, a normal slope of ``dose`` that is correlated with it.
    Without that slope ratios given the person and over all persons are the same. With ``hours`` the mean is per hour
    in bed, and those who have the condition lie longer: ratios of rates per night would be others. With ``exposed`` it
    is so many participants who have the condition, neither more nor fewer.
    """

    effects: Mapping[str, float]
    rate: float = 0.6
    person_sd: float = 0.6
    slope_sd: float = 0.0
    correlation: float = 0.0
    night_dispersion: float = 0.0
    hours: bool = False
    exposed: int | None = None

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary, every night logged."""
        x = dict(_exposures(people, nights, rng))
        if self.exposed is not None:
            x["had"] = (np.arange(people) < self.exposed)[:, None]
        scores = rng.standard_normal((2, people, 1))
        slope = self.correlation * scores[0] + math.sqrt(1 - self.correlation**2) * scores[1]
        eta = (
            math.log(self.rate) + _sum(self.effects, x) + self.person_sd * scores[0] + self.slope_sd * slope * x["dose"]
        )
        more = {}
        if self.hours:
            more["hours_in_bed"] = np.round(rng.uniform(5, 8, (people, nights)) + 2.0 * x["had"], 1)
            eta = eta + np.log(more["hours_in_bed"] / 8)
        mean = np.exp(eta)
        if self.night_dispersion:
            mean = mean * rng.gamma(1 / self.night_dispersion, self.night_dispersion, mean.shape)
        return _diary(x, rng.poisson(mean), more)


@dataclass(frozen=True, slots=True)
class Zeros:
    """A night's count is zero by odds of its own, else negative binomial (inflated), or that above zero (hurdle).

    ``together`` is how much a participant's nights hang together, in both parts.
    """

    kind: Literal["inflated", "hurdle"]
    effects: Mapping[str, float]
    mean: float = 1.5
    zero_share: float = 0.4
    dispersion: float = 0.5
    together: float = _TOGETHER

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary, every night logged."""
        x = _exposures(people, nights, rng)
        mean = self.mean * np.exp(_sum(self.effects, x))
        zero = expit(logit(self.zero_share) + _sum(_zero_part(self.effects), x))
        none = _alike((people, nights), self.together, rng) < zero
        u = _alike((people, nights), self.together, rng)
        theta = 1 / self.dispersion
        chance = theta / (theta + mean)
        if self.kind == "hurdle":
            at_zero = chance**theta
            u = at_zero + (1 - at_zero) * u
        counts = np.where(none, 0, nbinom.ppf(u, theta, chance))
        return _diary(x, counts.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Cramps:
    """Single cramps: pain by proportional odds, time to relief by proportional hazards (Weibull), both of one effect.

    A ratio is that of the odds of more pain and that of the hazard of relief. Of one cramp in ten the record says until
    when relief had not come. ``together`` is how much the cramps of one participant hang together.
    """

    effects: Mapping[str, float]
    together: float = _TOGETHER
    shape: float = 1.5
    typical_s: float = 600.0

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary with one cramp on each of a participant's first nights, 2 to ``nights`` of them."""
        x = dict(_exposures(people, nights, rng))
        shape = (people, nights)
        used = np.arange(nights) < rng.integers(2, nights + 1, (people, 1))
        remedies = np.array(["none", "stretch", "heat"])
        x["remedy"] = remedies[rng.choice(3, shape, p=(0.4, 0.35, 0.25))]
        eta = _sum(self.effects, x)
        latent = eta + logit(_alike(shape, self.together, rng))
        limits = logit(np.arange(1, 11) / 11)
        pain = np.searchsorted(limits, latent)
        spent = -np.log(_alike(shape, self.together, rng)) * np.exp(-eta)
        relief = np.maximum(self.typical_s * spent ** (1 / self.shape), 1)
        over = rng.uniform(0.2, 6, shape) * self.typical_s
        seen = relief <= over
        cohort = _diary(x, used.astype(np.int64), without=("remedy",))
        episodes = (
            cohort.frame("diary")
            .select("participant_id", "date")
            .with_columns(
                episode=pl.lit(1, pl.Int64),
                pain_0_10=pl.Series(pain.ravel().astype(np.float64)),
                remedy=pl.Series(x["remedy"].ravel()),
                relief_s=pl.Series(np.ceil(np.minimum(relief, over)).ravel()),
                relieved=pl.Series(seen.ravel()),
            )
        )
        tables = {**cohort.tables, "episodes": episodes.filter(pl.Series(used.ravel()))}
        return Cohort("drawn", "diary", tables, synthetic=True)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Recalled classes of a survey: by proportional odds, or those of a negative binomial count of 30 nights.

    ``nights`` counts nights with a cramp instead of cramps; with ``nightly_share`` so many people cramp every night,
    whatever their exposures. People of one PSU are alike by ``together``. Those with cramps and those who have the
    condition are sampled more often, and weigh less.
    """

    kind: Literal["classes", "counts", "nights"]
    effects: Mapping[str, float]
    mean: float = 3.0
    dispersion: float = 0.8
    nightly_share: float = 0.0
    together: float = 0.03

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a survey of about 60 in 100 of ``people``."""
        x = _persons(people, rng)
        x["score"] = np.round(2 * rng.standard_normal((people, 1))) / 2
        unit = rng.integers(0, STRATA * PSUS, people)
        score = math.sqrt(self.together) * rng.standard_normal(STRATA * PSUS)[unit]
        u = ndtr(score + math.sqrt(1 - self.together) * rng.standard_normal(people))
        eta = _sum(self.effects, x)[:, 0]
        if self.kind == "classes":
            place = np.searchsorted(logit([0.5, 0.65, 0.8, 0.92]), eta + logit(u))
        else:
            rates = self.mean * np.exp(eta) * self.dispersion * gammaincinv(1 / self.dispersion, u)
            by_night = self.kind == "nights"
            counts = rng.binomial(NIGHTS, -np.expm1(-rates / NIGHTS)) if by_night else rng.poisson(rates)
            counts = np.where(rng.random(people) < self.nightly_share, NIGHTS, counts)
            place = np.searchsorted(LOWS, counts, side="right") - 1
        had = x["had"][:, 0]
        frame = pl.DataFrame(
            {
                **_known(people),
                "had": had,
                "level": x["level"][:, 0],
                "score": x["score"][:, 0],
                "stratum": unit // PSUS,
                "psu": unit % PSUS + 1,
            }
        )
        return sampled(frame, place, 0.3 + 0.3 * (place > 0) + 0.3 * had, rng)


def sampled(people: pl.DataFrame, place: NDArray[Any], chance: Floats, rng: np.random.Generator) -> Cohort:
    """Return the survey that takes each of ``people`` by a ``chance``; their recalled classes are at ``place`` (n)."""
    lows = np.array(LOWS)
    highs = pl.Series([*(lows[1:] - 1).tolist(), None], dtype=pl.Int64)
    asked = people.with_columns(
        recalled_low=pl.Series(lows[place]).cast(pl.Int64),
        recalled_high=highs.gather(pl.Series(place)),
        weight_interview=pl.Series(1 / chance),
    ).filter(pl.Series(rng.random(people.height) < chance))
    design = SurveyDesign(("one",), {"interview": "weight_interview"})
    return Cohort("sample", "survey", {"participants": asked}, design, as_of=date(2024, 12, 31), synthetic=True)


def _persons(people: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    return {"had": rng.random((people, 1)) < 0.4, "level": rng.integers(-1, 2, (people, 1)).astype(np.float64)}


def _exposures(people: int, nights: int, rng: np.random.Generator) -> Exposures:
    """Draw what a person has (n x 1) and a dose of 0 to 2 that differs from night to night and between persons."""
    found = _persons(people, rng)
    usual = rng.beta(2, 2, (people, 1))
    return found | {"dose": rng.binomial(2, usual, (people, nights)).astype(np.float64)}


def _zero_part(effects: Mapping[str, float]) -> dict[str, float]:
    return {term.removeprefix(ZERO): size for term, size in effects.items() if term.startswith(ZERO)}


def _sum(effects: Mapping[str, float], x: Exposures) -> Floats:
    """Return what the terms of the mean add up to, those of a zero part left out."""
    total = np.zeros((1, 1))
    for term, size in effects.items():
        name, _, level = term.partition("[")
        if not term.startswith(ZERO):
            total = total + size * (x[name] == level.rstrip("]") if level else x[name])
    return total


def _alike(shape: tuple[int, int], together: float, rng: np.random.Generator) -> Floats:
    """Draw uniform numbers (persons x nights) whose normal scores have the correlation ``together`` within a person."""
    own = math.sqrt(together) * rng.standard_normal((shape[0], 1))
    return np.asarray(ndtr(own + math.sqrt(1 - together) * rng.standard_normal(shape)))


def _known(people: int) -> dict[str, Any]:
    """Return what a table of participants must have, whoever they are."""
    names = [f"p{i:05}" for i in range(people)]
    return {"participant_id": names, "age_years": np.full(people, 60.0), "sex": ["female"] * people}


def _diary(
    x: Exposures, cramps: NDArray[np.int64], more: Exposures | None = None, without: Sequence[str] = ()
) -> Cohort:
    people, nights = cramps.shape
    persons = _known(people)
    diary = {
        "participant_id": np.repeat(persons["participant_id"], nights),
        "date": [_FIRST + timedelta(days=k) for k in range(nights)] * people,
        "entry_made": np.ones(cramps.size, dtype=bool),
        # More in a night than the codebook allows are drawn once in millions of nights.
        "cramps": np.minimum(cramps.ravel(), _MOST),
    }
    for name, values in {**x, **(more or {})}.items():
        if name not in without:
            into = persons if values.shape[1] == 1 else diary
            into[name] = values.ravel()
    tables = {"participants": pl.DataFrame(persons), "diary": pl.DataFrame(diary)}
    return Cohort("drawn", "diary", tables, synthetic=True)
