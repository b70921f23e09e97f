"""The scalar parameters of a simulated cohort, in groups: people, cramps, recruitment, burden and weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crampstudy.simulate.calendar import JULY_PEAK
from crampstudy.simulate.truth.parameters import param


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part."""

    age_limits: tuple[int, ...] = param((20, 40, 50, 60, 70, 80, 91), unit="years", low=0, high=121)
    age_shares: tuple[float, ...] = param(
        (0.15, 0.15, 0.17, 0.20, 0.18, 0.15), unit="proportion per age band", low=0, high=1
    )
    female_share: float = param(0.55, unit="proportion", low=0, high=1)
    start: date = param(date(2023, 1, 9), unit="first possible first night")  # noqa: RUF009  (a frozen value)
    start_spread_nights: int = param(
        730,
        unit="nights over which first nights are spread evenly, so that season and time in study part",
        low=1,
        high=3660,
    )
    ever_cramp_weeks: float = param(4.0, unit="weeks of own rate that 'ever a cramp' recalls", low=0, high=5000)
    recall_sd: float = param(0.5, unit="SD of the log of cramps recalled of 30 nights over their number", low=0, high=3)
    labs_every_nights: int = param(42, unit="nights between dated blood samples", low=1, high=3660)


@dataclass(frozen=True, slots=True)
class Cramps:
    """The counting process. Every multiplier of the rate has mean one, so that effects keep their meaning."""

    rate_per_week: float = param(0.5, unit="cramps per person-week at the reference", low=0, high=100)
    person_shape: float = param(
        1.0,
        unit="shape of the persons' gamma multipliers; their variance is its inverse",
        low=0.05,
        high=1e6,
        basis="assumption, between broad (0.2-0.6) and selected (2-3) cohorts as derived from published moments",
    )
    near_nightly_share: float = param(
        0.01, unit="proportion of persons with cramps on nearly every night", low=0, high=0.5
    )
    near_nightly_factor: float = param(
        12.0, unit="multiplier of such a person's rate; the others' is lowered to keep the mean", low=1, high=1000
    )
    night_dispersion: float = param(0.4, unit="variance of the nights' gamma multipliers", low=0, high=20)
    latent_sd: float = param(0.4, unit="SD of the log of the multiplier that lasts from night to night", low=0, high=3)
    latent_correlation: float = param(
        0.35,
        unit="its correlation from one night to the next",
        low=0,
        high=0.999,
        basis="assumption; one day of autocorrelation fits seizure diaries best (Tharayil 2017)",
    )
    slow_sd: float = param(0.0, unit="SD of the log of a slow multiplier: flares", low=0, high=3)
    slow_correlation: float = param(0.97, unit="its correlation from one night to the next", low=0, high=0.9999)
    season_amplitude: float = param(
        1 / 3, unit="relative amplitude of the annual cosine", low=0, high=0.95, basis="Garrison 2015"
    )
    season_peak_day: float = param(
        JULY_PEAK, unit="day of the year (north; 22 in the south)", low=1, high=366, basis="Garrison 2015: July"
    )
    sleep_feedback: float = param(
        0.0, unit="log rate ratio per point of sleep quality above one's own in the night before", low=-1, high=1
    )
    natural_history_log: float = param(
        0.0,
        unit="log rate ratio that everybody reaches after entry: placebo response or natural history",
        low=-3,
        high=3,
    )
    fluid_by_temperature: float = param(
        0.0,
        unit="log rate ratio per SD of fluid above one's own mean and 10 degrees Celsius above weather.mean_c",
        low=-3,
        high=3,
    )
    natural_history_nights: int = param(28, unit="nights after the run-in in which it is reached", low=1, high=3660)


@dataclass(frozen=True, slots=True)
class Recruitment:
    """Who of those asked gets in: by the cramps of a run-in, which is the beginning of the diary."""

    run_in_nights: int = param(0, unit="nights", low=0, high=366)
    minimum_cramps: int = param(0, unit="cramps in the run-in", low=0, high=1000)
    flare: float = param(
        0.0,
        unit="SDs of the slow multiplier's log by which those asked stand above their usual on the first night",
        low=0,
        high=5,
    )


@dataclass(frozen=True, slots=True)
class Burden:
    """What a night's cramps do to that night and the day after."""

    sleep_quality: float = param(-1.0, unit="points on a night with any cramp", low=-10, high=10)
    fatigue: float = param(0.6, unit="points on the day after such a night", low=-10, high=10)
    concentration: float = param(-0.4, unit="points on the day after such a night", low=-10, high=10)
    productivity: float = param(-0.4, unit="points on the day after such a night", low=-10, high=10)
    nocturia_share_at_60: float = param(0.4, unit="chance that an awakening is to pass urine", low=0.0001, high=0.9999)
    nocturia_per_decade: float = param(0.3, unit="log odds ratio per 10 years", low=-5, high=5)
    nocturia_per_litre: float = param(
        0.0, unit="log rate ratio per litre of fluid above one's own mean", low=-1, high=1
    )


@dataclass(frozen=True, slots=True)
class Weather:
    """Outdoor temperature, one series for all; cramps follow the annual cycle, and the heat only as fluid does."""

    mean_c: float = param(10.0, unit="degrees Celsius", low=-30, high=35)
    amplitude_c: float = param(9.0, unit="degrees Celsius, half of summer less winter", low=0, high=20)
    sd_c: float = param(3.0, unit="degrees Celsius between days", low=0, high=4)
    peak_day: int = param(JULY_PEAK, unit="day of the year", low=1, high=366)
