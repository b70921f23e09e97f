"""Person-time exposures: the truths of their cohorts, and how their ratios are asked.

The simulator's answers stand behind :class:`Simulated`. What it lacks is in :class:`Diaries`: nights that are not
logged, so that lags reach across gaps; an exposure that is like that of the night before; usual amounts that act and of
which a few nights tell little, so that the ratio between participants is to be corrected; and a curve that turns.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from recovery_asked import Asked

from crampstudy.cohort import Cohort
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.within_between import within_between
from crampstudy.estimates import kinds
from crampstudy.models import fit
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands.diary_answers import conditional
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.sums_and_contrasts import cumulative, fluid

Row = Mapping[Hashable, Any]
_FIRST = date(2024, 1, 1)
_REPLICATES = 200
LAGS = tuple(f"lag {k}" for k in range(4))
SUM, LATER, CORRECTED = "cumulative", "lead 1", "between, corrected"
CURVE, PRODUCT = "dose-response", "product"
DRUNK, EATEN, WARM, MEASURED = "drunk", "eaten", "warm", "serum_potassium_mmol_l"
"""What acts over several nights; within and between participants, and within by how warm it is; and by a curve."""
_SD = 0.35


@dataclass(frozen=True, slots=True)
class Simulated:
    """A truth of the simulator: alcohol over two nights, fluid within and between, by temperature, and potassium."""

    truth: Truth

    @property
    def effects(self) -> Mapping[str, float]:
        """Log ratios by term, of fluid per 350 mL."""
        population = Population(self.truth, seed=1, draws=2)
        answers = {a.key: a.value for of in (conditional, cumulative, fluid) for a in of(self.truth, population)}
        centre = {e.term: self.truth.scaling(e)[1] for e in self.truth.effects}
        per = centre["fluid_within"] / centre["fluid_between"]
        own = ("alcohol_day", "alcohol_day_before")
        lags = dict.fromkeys((*LAGS, LATER), 0.0)
        lags |= {f"lag {k}": answers[f"within:{term}"] for k, term in enumerate(own)}
        return lags | {
            SUM: answers["cumulative:alcohol_day"],
            "within": answers["within:fluid_within"],
            "between": answers["between:fluid_between"] * per,
            CURVE: answers["conditional:serum_potassium_sd"],
            PRODUCT: answers["interaction:fluid-temperature"],
        }

    def curve(self, value: float) -> float:
        """Return the log rate ratio at a serum potassium to that at 4.2 mmol/L."""
        return self.effects[CURVE] * (value - 4.2) / _SD

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary, every night logged."""
        drawn = simulate(people, nights, int(rng.integers(2**31)), self.truth, Mess.none())
        diary = drawn.frame("diary").select(
            *("participant_id", "date", "entry_made", "cramps"),
            (pl.col("alcohol_units") > 0).cast(pl.Float64).alias(DRUNK),
            (pl.col("fluid_ml") / 350).alias(EATEN),
            ((pl.col("ambient_temperature_c") - 10) / 10).alias(WARM),
        )
        persons = drawn.frame("participants").select("participant_id", "age_years", "sex", MEASURED)
        return Cohort("drawn", "diary", {"participants": persons, "diary": diary}, synthetic=True)


@dataclass(frozen=True, slots=True)
class Diaries:
    """Diaries with gaps of a log-linear law; what is eaten acts by the usual amount and by the distance from it.

    The mean of a few nights is not the usual amount: ``correlation`` is that of two nights of a participant. ``prone``
    are the participants who have any cramps, all of them if not given; their number a night is about ``rate``.
    """

    effects: Mapping[str, float]
    correlation: float = 0.2
    alike: float = 0.4
    logged: float = 0.85
    person_sd: float = 0.9
    night_dispersion: float = 0.4
    rate: float = 0.6
    prone: int | None = None

    def curve(self, value: float) -> float:
        """Return the log rate ratio at a serum potassium to that at 4.2 mmol/L: least there, or a little above."""
        z = (value - 4.2) / _SD
        return self.effects[CURVE] * (z * z - z)

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary of which some nights are not logged."""
        size, before = (people, nights), len(LAGS) - 1
        drunk = rng.standard_normal((people, nights + before))
        for k in range(1, nights + before):
            drunk[:, k] = self.alike * drunk[:, k - 1] + math.sqrt(1 - self.alike**2) * drunk[:, k]
        usual = math.sqrt(self.correlation) * rng.standard_normal((people, 1))
        away = math.sqrt(1 - self.correlation) * rng.standard_normal(size)
        warm, potassium = rng.standard_normal(size), 4.2 + _SD * rng.standard_normal((people, 1))
        eta = math.log(self.rate) + self.person_sd * rng.standard_normal((people, 1)) + self.effects[CORRECTED] * usual
        eta = eta + (self.effects["within"] + self.effects[PRODUCT] * warm) * away
        eta = eta + np.vectorize(self.curve)(potassium)
        for k, lag in enumerate(LAGS):
            eta = eta + self.effects[lag] * drunk[:, before - k : nights + before - k]
        mean = np.exp(eta) * rng.gamma(1 / self.night_dispersion, self.night_dispersion, size)
        if self.prone is not None:
            mean[self.prone :] = 0.0
        names = [f"p{i:05}" for i in range(people)]
        person = drunk[:, before:] + 2 + rng.standard_normal((people, 1))
        columns: Mapping[str, NDArray[Any]] = {
            "cramps": np.minimum(rng.poisson(mean), 50),
            DRUNK: person,
            EATEN: usual + away + 5,
            WARM: warm,
        }
        diary = pl.DataFrame(
            {
                "participant_id": np.repeat(names, nights),
                "date": [_FIRST + timedelta(days=k) for k in range(nights)] * people,
                "entry_made": np.ones(people * nights, dtype=bool),
                **{name: values.ravel() for name, values in columns.items()},
            }
        ).filter(pl.Series(rng.random(people * nights) < self.logged))
        persons = pl.DataFrame(
            {"participant_id": names, "age_years": 60.0, "sex": "female", MEASURED: potassium.ravel()}
        )
        return Cohort("drawn", "diary", {"participants": persons, "diary": diary}, synthetic=True)


def terms_of(truth: Simulated | Diaries, asked: Asked) -> tuple[str, ...]:
    """Return what a door has a ratio of, of what is in a truth."""
    found = {"distributed_lag": (*LAGS, SUM, LATER), "within_between": ("within", "between", CORRECTED)}
    return tuple(t for t in found.get(str(asked.by), (CURVE, PRODUCT)) if t in truth.effects)


def run(truth: Simulated | Diaries, asked: Asked, cohort: Cohort) -> dict[str, list[float] | None]:
    """Ask a door of a cohort; return by term the error of its log ratio, its standard error and whether it covers.

    A term without an answer has ``None``.
    """
    rows = _rows(asked, cohort)
    found: dict[str, list[float] | None] = {}
    for term in terms_of(truth, asked):
        row, value = rows.get(term), truth.effects[term]
        if row is None or row["status"] != "converged":
            found[term] = None
            continue
        if term == CURVE:
            value = truth.curve(float(row["level"])) - truth.curve(float(row["reference"]))
        covered = row["ci_low"] <= math.exp(value) <= row["ci_high"]
        found[term] = [math.log(row["estimate"]) - value, row["std_error"], float(covered)]
    return found


def _rows(asked: Asked, cohort: Cohort) -> dict[str, Row]:
    """Return the rows that answer, by term: per unit, that of the curve at its declared contrast."""
    match asked.by:
        case "distributed_lag":
            made = distributed_lag(cohort, DRUNK, model=asked.model)
            return {row["level"]: row for row in made[made["term"] == DRUNK].to_dict("records")}
        case "within_between":
            rng = np.random.default_rng(1)
            made = within_between(cohort, [EATEN], model=asked.model, rng=rng, replicates=_REPLICATES)
            own = made[(made["term"] == EATEN) & (made["scale"] != "reliability")]
            corrected = zip((CORRECTED,), kinds.CORRECTED.rows(own).to_dict("records"), strict=False)
            plain = kinds.WITHIN_BETWEEN.rows(own).to_dict("records")
            return {row["level"]: row for row in plain} | dict(corrected)
        case _:
            split = f"within({EATEN})"
            formula = f"ns({MEASURED}, df=3) + {split} * {WARM} + between({EATEN})"
            rows = fit(cohort, model=asked.model, terms=formula).estimates.to_dict("records")
            by_term = {row["term"]: row for row in rows}
            return {CURVE: by_term[f"contrast: {MEASURED}"], PRODUCT: by_term[f"{split}:{WARM}"]}
