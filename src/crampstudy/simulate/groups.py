"""The scalar parameters of a simulated cohort, in groups: people, cramps, burden, weather and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crampstudy.simulate.parameters import param


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part."""

    age_limits: tuple[int, ...] = param((20, 40, 50, 60, 70, 80, 91), unit="years", low=0, high=121)
    age_shares: tuple[float, ...] = param(
        (0.15, 0.15, 0.17, 0.20, 0.18, 0.15), unit="proportion per age band", low=0, high=1
    )
    female_share: float = param(0.55, unit="proportion", low=0, high=1)
    start: date = param(date(2024, 1, 8), unit="first possible first night")  # noqa: RUF009  (a frozen value)
    start_spread_nights: int = param(28, unit="nights over which first nights are spread evenly", low=1, high=3660)
    ever_cramp_weeks: float = param(4.0, unit="weeks of own rate that 'ever a cramp' recalls", low=0, high=5000)
    no_sample: float = param(0.04, unit="proportion of participants without a blood sample", low=0, high=1)
    failed_analyte: float = param(0.02, unit="proportion of analytes lost from a sample", low=0, high=1)


@dataclass(frozen=True, slots=True)
class Cramps:
    """The counting process."""

    rate_per_week: float = param(0.8, unit="cramps per person-week at the reference", low=0, high=100)
    person_shape: float = param(
        1.0,
        unit="shape of the persons' mean-one gamma rates; their variance is its inverse",
        low=0.05,
        high=1e6,
        basis="assumption, between broad (0.2-0.6) and selected (2-3) cohorts as derived from published moments",
    )
    night_dispersion: float = param(0.5, unit="variance of the nights' mean-one gamma rates", low=0, high=20)


@dataclass(frozen=True, slots=True)
class Burden:
    """What a night's cramps do to that night and the day after; nothing runs the other way."""

    woken_per_cramp: float = param(0.67, unit="chance that a cramp wakes", low=0, high=1)
    sleep_quality: float = param(-1.0, unit="points on a night with any cramp", low=-10, high=10)
    fatigue: float = param(0.6, unit="points on the day after such a night", low=-10, high=10)
    concentration: float = param(-0.4, unit="points on the day after such a night", low=-10, high=10)
    productivity: float = param(-0.4, unit="points on the day after such a night", low=-10, high=10)
    nocturia_share_at_60: float = param(0.4, unit="chance that an awakening is to pass urine", low=0.0001, high=0.9999)
    nocturia_per_decade: float = param(0.3, unit="log odds ratio per 10 years", low=-5, high=5)


@dataclass(frozen=True, slots=True)
class Weather:
    """Outdoor temperature, one series for all; it has no effect on cramps."""

    mean_c: float = param(10.0, unit="degrees Celsius", low=-30, high=35)
    amplitude_c: float = param(9.0, unit="degrees Celsius, half of summer less winter", low=0, high=20)
    sd_c: float = param(3.0, unit="degrees Celsius between days", low=0, high=4)
    peak_day: int = param(200, unit="day of the year", low=1, high=366)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Which nights are logged: never by their cramps."""

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
    no_row_share: float = param(0.5, unit="proportion of missing nights without any row", low=0, high=1)
