"""The parameters of gaps: which nights are logged, when a diary ends, what is filled in without being remembered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.simulate.arrays import expit
from crampstudy.simulate.truth.parameters import param


@dataclass(frozen=True, slots=True)
class Gaps:
    """Which nights are logged, by person, weekday, time and (``cramp_log_odds``) the night's own cramps.

    A diary begins with its first night, which is always logged. With a mean of 1 every night is, whatever the odds.
    """

    adherence_mean: float = param(
        0.90,
        unit="mean of the persons' beta chances of logging a weekday night in the first nights",
        low=0.01,
        high=1,
        basis="assumption, within person means of 0.70 to 0.94 (Heyer and Rose 2015; Stone 2003)",
    )
    adherence_concentration: float = param(8.0, unit="beta concentration a + b", low=0.1, high=1e6)
    decay_after_nights: int = param(14, unit="nights", low=0, high=3660, basis="Heyer and Rose 2015")
    decay_log_odds: float = param(
        -0.262, unit="log odds of logging later on", low=-5, high=5, basis="1/1.3, Heyer and Rose 2015"
    )
    weekend_log_odds: float = param(
        -0.598, unit="log odds on Friday and Saturday", low=-5, high=5, basis="0.55, Heyer and Rose 2015"
    )
    cramp_log_odds: float = param(
        0.0,
        unit="log odds of logging a night with any cramp",
        low=-5,
        high=5,
        basis="assumption; other than 0, missing not at random; a headache diary was so (Heyer and Rose 2015)",
    )
    dropout_per_night: float = param(
        0.002,
        unit="chance from night to night that the diary ends",
        low=0,
        high=0.99,
        basis="assumption, near 6 of 94 in four weeks (Roguin Maor 2017) and 14 of 66 in 90 days (Heyer and Rose 2015)",
    )
    no_row_share: float = param(0.5, unit="proportion of missing nights without any row", low=0, high=1)
    paper_share: float = param(0.0, unit="proportion of participants with a paper diary", low=0, high=1)
    paper_adherence_mean: float = param(
        0.11,
        unit="mean of the persons' beta chances of logging a night in time on paper",
        low=0.01,
        high=1,
        basis="11 % of entries made in time (Stone 2003), of three a day; a night's may be more",
    )
    backfill_share: float = param(
        0.89,
        unit="proportion of the missing nights of a paper diary filled in later with the person's typical values",
        low=0,
        high=1,
        basis="derived: 90 % reported, 11 % in time (Stone 2003)",
    )

    @classmethod
    def none(cls) -> Gaps:
        """Return the gaps of a diary that has none."""
        return cls(adherence_mean=1, dropout_per_night=0, paper_share=0)

    def chance(self, *log_odds: float, paper: bool = False) -> float:
        """Return the chance that a night is logged in time, the mean over persons, given shifts of its log odds.

        By the trapezoid rule on the logit scale, which for this integrand errs by less than rounding does.
        """
        mean, total = self.paper_adherence_mean if paper else self.adherence_mean, self.adherence_concentration
        if mean == 1:
            return mean
        a, b, sd = mean * total, (1 - mean) * total, (total * mean * (1 - mean)) ** -0.5
        centre = np.log(mean / (1 - mean))
        low, high = max(-40.0, centre - 45 / a - 15 * sd), min(40.0, centre + 45 / b + 15 * sd)
        x, step = np.linspace(low, high, 2 + int((high - low) / min(0.25, sd / 4)), retstep=True)
        log_density = a * x - total * np.logaddexp(0, x)
        weight = np.exp(log_density - log_density.max())
        # Beyond both ends the weights fall geometrically.
        weight[[0, -1]] /= -np.expm1([-a * step, -b * step])
        return float(weight @ expit(x + sum(log_odds)) / weight.sum())

    def implied(self) -> dict[str, float]:
        """Return what follows: chances of logging a night without a cramp, leaving out the first night and dropout."""
        weekend, later, cramp = self.weekend_log_odds, self.decay_log_odds, self.cramp_log_odds
        paper = self.chance(paper=True)
        return {
            "weekday_at_first": self.chance(),
            "weekend_at_first": self.chance(weekend),
            "weekday_later": self.chance(later),
            "weekend_later": self.chance(weekend, later),
            "weekday_at_first_with_cramp": self.chance(cramp),
            "odds_ratio_of_a_cramp_night": float(np.exp(cramp)),
            "paper_weekday_at_first_in_time": paper,
            "paper_weekday_at_first_reported": paper + (1 - paper) * self.backfill_share,
        }
