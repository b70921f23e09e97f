"""Does the ratio of a condition, and how it differs with age, come out as it was put in?

``python tests/recovery/recovery_conditions.py --cohorts 400`` draws diaries of a law, asks :func:`condition_ratios` of
each, and prints how often its intervals cover, by the rule of docs/recovery.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from crampstudy.cohort import Cohort
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.contrasts.people.ratios_by_age import OLD, YOUNG
from crampstudy.estimates import kinds

ROWS = {
    "all ages": kinds.CONDITION,
    f"at {YOUNG}": kinds.CONDITION_AT_50,
    f"at {OLD}": kinds.CONDITION_AT_75,
    f"{OLD} against {YOUNG}": kinds.CONDITION_BY_AGE,
}
PEOPLE, NIGHTS = 250, 14


@dataclass(frozen=True, slots=True)
class ByAge:
    """A condition that is more common in the old, with a log rate ratio that is a line of age.

    Rates rise with age by a curve, persons differ, and nights are overdispersed.
    """

    at_young: float
    at_old: float
    person_sd: float = 0.6
    night_dispersion: float = 0.4

    @property
    def answers(self) -> Mapping[str, float]:
        """Log ratios by row; at all ages there is one only where it is the same at every age."""
        change = self.at_old - self.at_young
        by_age = dict(zip(list(ROWS)[1:], (self.at_young, self.at_old, change), strict=True))
        return by_age if change else {"all ages": self.at_young, **by_age}

    def cohort(self, people: int, nights: int, rng: np.random.Generator) -> Cohort:
        """Draw a diary, every night logged."""
        age = rng.uniform(35, 90, people).round()
        female = rng.random(people) < 0.5
        has = rng.random(people) < 1 / (1 + np.exp(-(-0.7 + 0.3 * (age - 60) / 10)))
        slope = (self.at_old - self.at_young) / (OLD - YOUNG)
        eta = math.log(0.5) + 0.12 * (age - 60) / 10 + 0.03 * ((age - 60) / 10) ** 2 + 0.25 * female
        eta += has * (self.at_young + slope * (age - YOUNG)) + self.person_sd * rng.standard_normal(people)
        size = (people, nights)
        mean = np.exp(eta)[:, None] * rng.gamma(1 / self.night_dispersion, self.night_dispersion, size)
        who = pl.DataFrame(
            {
                "participant_id": [f"p{i:04}" for i in range(people)],
                "age_years": age,
                "sex": np.where(female, "female", "male"),
                "arthritis": has,
            }
        )
        dates = pl.DataFrame({"date": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, nights), eager=True)})
        diary = who.select("participant_id").join(dates, how="cross")
        diary = diary.with_columns(
            entry_made=pl.lit(value=True), cramps=pl.Series(np.minimum(rng.poisson(mean), 50).ravel())
        )
        return Cohort("drawn", "diary", {"participants": who, "diary": diary}, synthetic=True)


LAWS = {"with age": ByAge(0.1, 0.6), "at every age": ByAge(0.4, 0.4), "null": ByAge(0.0, 0.0)}


def run(law: ByAge, cohort: Cohort) -> dict[str, tuple[float, float, bool] | None]:
    """Return by row the error of its log ratio, its standard error, and whether its interval covers the answer."""
    rows = condition_ratios(cohort, [HealthCondition("arthritis")], model="negative-binomial", outcome="cramps")
    found: dict[str, tuple[float, float, bool] | None] = {}
    for name, value in law.answers.items():
        (row,) = ROWS[name].rows(rows).to_dict("records")
        if row["status"] != "converged":
            found[name] = None
            continue
        covered = row["ci_low"] <= math.exp(value) <= row["ci_high"]
        found[name] = (math.log(row["estimate"]) - value, row["std_error"], bool(covered))
    return found


def table(cohorts: int, seed: int) -> str:
    """Return the table: by law and row how often the interval covered, its exact test, and the bias."""
    lines = ["| ratio | row | covered | p | bias (its error) | no estimate |", "|---|---|---:|---:|---:|---:|"]
    for number, (name, law) in enumerate(LAWS.items()):
        seeds = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(cohorts)
        drawn = [run(law, law.cohort(PEOPLE, NIGHTS, np.random.default_rng(each))) for each in seeds]
        for row in law.answers:
            answers = [each[row] for each in drawn]
            known = [answer for answer in answers if answer is not None]
            covered, errors = sum(answer[2] for answer in known), np.array([answer[0] for answer in known])
            p = stats.binomtest(covered, len(known), 0.95).pvalue
            bias = f"{errors.mean():+.3f} ({errors.std(ddof=1) / math.sqrt(len(errors)):.3f})"
            missing = len(answers) - len(known)
            lines.append(f"| {name} | {row} | {covered} of {len(known)} | {p:.3f} | {bias} | {missing} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.stdout.write(f"{table(asked.cohorts, asked.seed)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
