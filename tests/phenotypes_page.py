"""How often groups are found in simulated cohorts; ``python tests/phenotypes_page.py --write docs/phenotypes.md``.

Without a class of people with cramps nearly every night there are none to find: people differ, but by degrees.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from page_table import main
from scipy.stats import beta

from crampstudy.cohort import Cohort
from crampstudy.phenotypes.groups import grouping_of, members
from crampstudy.phenotypes.traits import traits_of
from crampstudy.simulate.chunks import Job, draw_chunk
from crampstudy.simulate.draw.cohort import as_cohort
from crampstudy.simulate.scenario import presets

MARKS = "<!-- found -->", "<!-- end of found -->"
_FACTOR = 8.0
"""Times the mean rate between the highest that a gamma person comes to and the near-nightly class, of factor 12."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Cohorts that are drawn alike: what they are, from which preset, with what changed, of what size and how many."""

    title: str
    preset: str
    changes: dict[str, float]
    participants: int
    nights: int
    cohorts: int

    @property
    def none(self) -> bool:
        """Whether there is no group to find."""
        return not self.changes["near_nightly_share"]


SETTINGS = (
    Setting("no groups, nothing has an effect", "null", {"near_nightly_share": 0.0}, 100, 42, 400),
    Setting("a class of 5% near-nightly", "null", {"near_nightly_share": 0.05}, 200, 42, 10),
    Setting("no groups, all effects of the default", "default", {"near_nightly_share": 0.0}, 200, 60, 20),
    Setting(
        "no groups, few people have most cramps", "null", {"near_nightly_share": 0.0, "person_shape": 0.3}, 200, 60, 20
    ),
)


def drawn(setting: Setting, seed: int) -> tuple[Cohort, set[str]]:
    """Return a cohort, and who of it is in the near-nightly class."""
    preset = presets.preset(setting.preset)
    truth = replace(preset.truth, cramps=replace(preset.truth.cramps, **setting.changes))
    job = Job.of(setting.participants, setting.nights, seed, truth, preset.mess)
    chunk = draw_chunk(job, range(job.plan.blocks))
    often = pl.col("rate").mean() > _FACTOR * truth.cramps.rate_per_week / 7
    inside = chunk.rates.group_by("participant_id").agg(inside=often).filter("inside")["participant_id"]
    return as_cohort(chunk.tables), set(inside) if not setting.none else set()


def found_in(setting: Setting) -> Iterator[tuple[int, float]]:
    """Yield of each cohort how many groups were found, and the share of the people whom they put where they belong."""
    for seed in range(setting.cohorts):
        cohort, inside = drawn(setting, seed)
        table = traits_of(cohort)
        grouping = grouping_of(table)
        if grouping.chosen is None:
            yield 1, np.nan
            continue
        last = np.asarray(members(grouping)) == len(grouping.chosen.mixture.shares) - 1
        yield len(grouping.chosen.mixture.shares), float(np.mean(last == [each in inside for each in table.ids]))


def bound(number: int, of: int, *, upper: bool) -> float:
    """Return the exact one-sided 95% bound of a share (Clopper and Pearson 1934)."""
    if upper:
        return float(beta.ppf(0.95, number + 1, of - number)) if number < of else 1.0
    return float(beta.ppf(0.05, number, of - number + 1)) if number else 0.0


def line(setting: Setting) -> str:
    """Return what was found in the cohorts of a setting, as a row of Markdown."""
    every = list(found_in(setting))
    groups = sum(number > 1 for number, _ in every)
    side = "at most" if setting.none else "at least"
    limit = 100 * bound(groups, len(every), upper=setting.none)
    right = [share for _, share in every if not np.isnan(share)]
    placed = "–" if setting.none else f"{100 * np.mean(right):.1f}"
    size = f"{setting.participants} × {setting.nights}"
    return f"| {setting.title} | {size} | {len(every)} | {groups} | {side} {limit:.1f}% | {placed} |"


def page() -> str:
    """Return the table of all settings."""
    lines = [
        "| what is drawn | participants × nights | cohorts | with clear groups | share, exact 95% bound "
        "| people put where they belong, % |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(line, SETTINGS)])


if __name__ == "__main__":
    sys.exit(main(page(), MARKS, __doc__))
