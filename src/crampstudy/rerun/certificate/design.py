"""The design of a diary: whose nights were observed, and how cramps vary between people and nights, as estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models import fit

MODEL = "negative-binomial"


@dataclass(frozen=True, slots=True)
class CohortDesign:
    """A diary from which cohorts of known truth are drawn: the same people, nights and gaps, other cramps.

    Args:
        cohort: the diary.
        terms: of the model by which people's means differ.
        people: the row in the participants of each observed night.
        mean: expected cramps per night of each participant.
        between: variance of a participant's factor, whose mean is 1.
        within: dispersion of a participant's nights.
        ratios: the true ratio of each term of the model, by the key of its row.
    """

    cohort: Cohort
    terms: str
    people: Codes
    mean: Array
    between: float
    within: float
    ratios: Mapping[str, float]

    def draw(self, rng: np.random.Generator) -> Cohort:
        """Return a cohort of this design: a factor for each participant, then a count for each observed night."""
        factors = _gamma(rng, self.between, len(self.mean))
        nights = (self.mean * factors)[self.people]
        counts = rng.poisson(nights * _gamma(rng, self.within, len(nights)))
        diary = self.cohort.frame("diary")
        observed = diary["cramps"].is_not_null()
        drawn = pl.Series(counts).cast(diary.schema["cramps"])
        places = observed.cast(pl.Int64).cum_sum() - 1
        cramps = pl.select(pl.when(observed).then(drawn.gather(places.clip(lower_bound=0)))).to_series()
        tables = {"participants": self.cohort.frame("participants"), "diary": diary.with_columns(cramps=cramps)}
        return replace(self.cohort, tables=tables)

    def expected_rate(self, inside: Flags) -> float:
        """Return the true cramps per person-week of the participants that lie ``inside``."""
        nights = np.bincount(self.people, minlength=len(self.mean)) * inside
        return float(7 * (nights * self.mean).sum() / nights.sum())


def design_of(cohort: Cohort) -> CohortDesign:
    """Return the design of a diary, with the dispersion that is estimated of it.

    Raises:
        UsageError: it is no diary, or has neither ages nor sexes.
        AnalysisError: the model cannot be fitted.
    """
    if cohort.kind != "diary":
        raise UsageError(f"a certificate is of a diary, whose nights can be drawn anew; {cohort.name} is a survey")
    columns = {"age_years": "age_decade", "sex": "sex"}
    terms = [term for column, term in columns.items() if cohort.has(column)]
    if not terms:
        raise UsageError(f"a certificate needs ages or sexes of participants, and {cohort.name} has none")
    rows = fit(cohort, model=MODEL, terms=" + ".join(terms)).estimates
    ratios = rows[(rows["scale"] == "rate_ratio") & rows["term"].isin(terms) & rows["estimate"].notna()]
    participants = cohort.frame("participants")
    score = np.zeros(participants.height)
    for term, level, estimate in ratios[["term", "level", "estimate"]].itertuples(index=False):
        score += np.log(estimate) * _column(participants, term, level)
    diary = cohort.frame("diary").filter(pl.col("cramps").is_not_null())
    places = participants.select("participant_id", place=pl.int_range(pl.len(), dtype=pl.Int64))
    people = diary.select("participant_id").join(places, on="participant_id", how="left", maintain_order="left")[
        "place"
    ]
    who, cramps = people.to_numpy(), diary["cramps"].to_numpy().astype(float)
    nights = np.bincount(who, minlength=participants.height).astype(float)
    mean = np.exp(score) * cramps.sum() / (nights * np.exp(score)).sum()
    between, within = _dispersion(who, cramps, nights, mean)
    known = dict(zip(ratios["key"], ratios["estimate"], strict=True))
    return CohortDesign(cohort, " + ".join(terms), who, mean, between, within, known)


def _column(participants: pl.DataFrame, term: str, level: object) -> Array:
    """Return a column of the model's design; who has no value is taken to be in the middle, or at the reference."""
    if term == "age_decade":
        ages = participants["age_years"].cast(pl.Float64)
        values = (ages.fill_null(ages.mean()).to_numpy() - 60) / 10
    else:
        values = (participants[term].cast(pl.String) == str(level)).fill_null(value=False).to_numpy().astype(float)
    return np.asarray(values, dtype=float)


def _dispersion(who: Codes, cramps: Array, nights: Array, mean: Array) -> tuple[float, float]:
    """Return the variance between people's factors and the dispersion within their nights, by moments."""
    total, squares = (np.bincount(who, weights=each, minlength=len(mean)) for each in (cramps, cramps**2))
    several = nights > 1
    own = np.where(several, (squares - total**2 / np.maximum(nights, 1)) / np.maximum(nights - 1, 1), 0.0)
    expected = nights * mean
    between = ((total - expected) ** 2 - nights * own)[several].sum() / (expected[several] ** 2).sum()
    between = max(float(between), 0.0)
    within = (nights * (own - mean))[several].sum() / (nights * mean**2 * (1 + between))[several].sum()
    return between, max(float(within), 0.0)


def _gamma(rng: np.random.Generator, variance: float, size: int) -> Array:
    """Return factors with mean 1 and a variance."""
    return np.ones(size) if variance == 0 else rng.gamma(1 / variance, variance, size)
