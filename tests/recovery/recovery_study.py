"""Complete simulated cohorts as arrays, with the covariates that the truth's own words ask for."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy.cohort import Cohort
from crampstudy.simulate import Truth

Floats = NDArray[np.float64]

EVEN = replace(
    Truth().cramps,
    rate_per_week=3.0,
    person_shape=4.0,
    near_nightly_share=0.0,
    night_dispersion=0.3,
    latent_sd=0.3,
    season_amplitude=0.0,
)
"""Many cramps, and persons who do not differ much: a method has little excuse to miss the truth."""

PERSON = re.compile(
    r"1 where (?P<flag>\w+)(?: is (?P<level>\w+))?, else 0"
    r"|\((?P<number>\w+)(?: / \(1 \+ (?P<season>\S+) cos\(2 pi \(d - 205\) / 365\.25\)\))? - (?P<centre>\S+)\)"
    r" / (?P<scale>[^\s,]+)(?:, d the day of the year of the first night)?"
)
NIGHT = re.compile(
    r"(?P<wrapped>\()?(?:mean of )?(?:\((?P<any>\w+) > 0\)|(?P<column>\w+))"
    r"(?: over (?P<window>\d+) nights, the last of them (?P<back>\d+) back| (?P<lag>\d+) nights? before)?"
    r"(?:(?P<within>, less its mean over all nights of the participant, logged or not)"
    r"|(?P<between> over all nights of the participant), less (?P<centre>[\d.]+))?"
    r"(?(wrapped)\) / (?P<scale>\S+))"
)


class Study:
    """A complete cohort as arrays, and the covariates that the truth's own words ask for."""

    def __init__(self, cohort: Cohort) -> None:
        self.people = cohort.frame("participants")
        self.diary = cohort.frame("diary")
        self.shape = self.people.height, self.diary.height // self.people.height
        self.cramps = self.night("cramps")

    def night(self, column: str) -> Floats:
        """A diary column, participants x nights; there is no warm-up of a session that was not."""
        return self.diary[column].cast(pl.Float64).fill_null(0).to_numpy().reshape(self.shape)

    @cached_property
    def day(self) -> Floats:
        """Day of the year of the first night."""
        return self.diary["date"].dt.ordinal_day().to_numpy().reshape(self.shape)[:, 0].astype(float)

    def x(self, stated: str) -> Floats:
        """A term's covariate from its statement: participants x 1, or x nights, nan where days before are needed."""
        if said := PERSON.fullmatch(stated):
            if said["flag"]:
                column = self.people[said["flag"]]
                return (column == said["level"] if said["level"] else column).to_numpy().astype(float)[:, None]
            value = self.people[said["number"]].to_numpy().astype(float)
            if said["season"]:
                value = value / (1 + float(said["season"]) * np.cos(2 * np.pi * (self.day - 205) / 365.25))
            return ((value - float(said["centre"])) / float(said["scale"]))[:, None]
        said = NIGHT.fullmatch(stated)
        assert said, stated
        value = (self.night(said["any"]) > 0).astype(float) if said["any"] else self.night(said["column"])
        scale = float(said["scale"] or 1)
        if said["between"]:
            return (value.mean(axis=1, keepdims=True) - float(said["centre"])) / scale
        lag, window = int(said["back"] or said["lag"] or 0), int(said["window"] or 1)
        x = np.full(self.shape, np.nan)
        means = np.lib.stride_tricks.sliding_window_view(value, window, axis=1).mean(axis=2)
        x[:, lag + window - 1 :] = means[:, : means.shape[1] - lag]
        return (x - np.nanmean(x, axis=1, keepdims=True) if said["within"] else x) / scale


def common(truth: Truth) -> Truth:
    """The truth with every rare thing made common, so that few people tell something of it."""
    levels = []
    for row in truth.levels:
        of_column = [r for r in truth.levels if r.column == row.column]
        share, share_given = ((1 + 4 * x) / (len(of_column) + 4) for x in (row.share, row.share_given))
        fertile = row.column == "pregnancy_trimester"
        levels.append(replace(row, share=row.share if fertile else share, share_given=share_given))
    conditions = (replace(c, prevalence_at_60=max(c.prevalence_at_60, 0.15)) for c in truth.conditions)
    people = replace(truth.people, age_limits=(20, 45, 60, 91), age_shares=(0.4, 0.25, 0.35))
    return replace(truth, people=people, levels=tuple(levels), conditions=tuple(conditions))


def strengthened(truth: Truth) -> Truth:
    """The truth with an effect of every term, of either sign; that of age stays a total one."""
    effects = []
    for sign, effect in zip(([1, -1] * len(truth.effects))[: len(truth.effects)], truth.effects, strict=True):
        per_unit = effect.scale is None and re.search(r"SD|minute", effect.unit)
        size = 0.12 if effect.column == "age_years" else sign * (0.12 if per_unit or effect.scale else 0.3)
        effects.append(replace(effect, log_rate_ratio=size))
    return replace(truth, effects=tuple(effects))
