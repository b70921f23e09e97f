"""Preset cards: what a preset is meant to show beside what it does show, each with its source.

``python -m crampstudy.simulate.calibration.cards FILE`` writes the cards of all presets as Markdown.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy import special

from crampstudy.codebook import recalled
from crampstudy.simulate.calibration import published_classes, summary_statistics
from crampstudy.simulate.calibration.summary_statistics import CohortArrays, Statistic
from crampstudy.simulate.corruption.degrade import degrade
from crampstudy.simulate.draw.cohort import draw
from crampstudy.simulate.scenario import presets
from crampstudy.simulate.scenario.presets import Preset
from crampstudy.simulate.truth.truth import Truth

NIGHTS_DRAWN = 1_000_000
"""Person-nights that a card is measured on, about; the preset's own size is smaller."""
MARGIN = 3.0
"""Monte-Carlo errors that a simulated value may lie outside its target's range."""
SEED = 2024

# Which presets are held against the classes of the survey, and in which age bands.
_CLASSES = {
    "community": ("20-39", "40-49", "50-59", "60-69", "70-79", "80+"),
    "older-adults": ("60-69", "70-79", "80+"),
}
PARTS = ("fall", "fall_by_chance", "fall_by_flare", "fall_by_history")
"""The fall after entry and what it is made of; the parts add up to it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a preset is meant to show; ``low`` and ``high`` are the target's own uncertainty or tolerance.

    ``value`` is missing where a range alone is published; a target without limits is shown and not judged.
    """

    preset: str
    statistic: str
    label: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    source: str
    id_or_doi: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A target, the simulated value with its Monte-Carlo error, and whether it passes (None: not judged)."""

    target: Target
    simulated: float
    error: float
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Card:
    """The card of a preset, measured on ``participants`` x ``nights`` drawn with ``seed``."""

    preset: str
    about: str
    participants: int
    nights: int
    seed: int
    lines: tuple[Line, ...]

    @property
    def passed(self) -> bool:
        """Whether no target is missed."""
        return all(line.passed is not False for line in self.lines)


def targets(preset: str) -> tuple[Target, ...]:
    """Return the targets of a preset: those of ``targets.csv`` and the classes of the survey."""
    text = files("crampstudy.simulate.calibration").joinpath("targets.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["preset"] == preset]
    return (*_class_targets(preset), *(_target(row) for row in rows))


def draw_card(name: str, seed: int = SEED, participants: int | None = None) -> Card:
    """Draw a preset and hold it against its targets.

    ``participants`` defaults to as many as make about :data:`NIGHTS_DRAWN` person-nights. A value passes within the
    target's range, widened by :data:`MARGIN` Monte-Carlo errors.

    Raises:
        ParameterError: there is no such preset, or a size or the seed is out of range.
    """
    chosen = presets.preset(name)
    n = participants or max(chosen.participants, round(NIGHTS_DRAWN / chosen.nights))
    wanted = targets(name)
    seen = draw_arrays(chosen, n, seed)
    parts = fall_parts(chosen, seen, n, seed) if any(t.statistic in PARTS for t in wanted) else {}
    lines = []
    for target in wanted:
        found = (
            parts[target.statistic]
            if target.statistic in parts
            else summary_statistics.compute_statistic(target.statistic, seen)
        )
        lines.append(Line(target, found.value, found.error, verdict(target, found)))
    return Card(name, chosen.about, n, chosen.nights, seed, tuple(lines))


def draw_arrays(chosen: Preset, participants: int, seed: int) -> CohortArrays:
    """Draw a preset, take its nights away as its mess says, and reduce it to what cards and figures need.

    Raises:
        ParameterError: a size or the seed is out of range.
    """
    people, gaps = np.random.SeedSequence(seed).spawn(2)
    clean = draw(chosen.truth, participants=participants, nights=chosen.nights, rng=np.random.default_rng(people))
    return CohortArrays.of(clean, degrade(clean, chosen.mess, np.random.default_rng(gaps)).cohort)


def as_text(card: Card) -> str:
    """Return a card as a plain table."""
    rows = [_HEAD, *(_cells(line) for line in card.lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([card.preset, card.about, _sizes(card), "", *table]) + "\n"


def as_markdown(card: Card) -> str:
    """Return a card as a section of Markdown."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(_cells(line) for line in card.lines)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([f"## {card.preset}", "", card.about, "", _sizes(card), "", *table]) + "\n"


def fall_parts(chosen: Preset, seen: CohortArrays, participants: int, seed: int) -> Mapping[str, Statistic]:
    """Switch off first the natural history and then the slow fluctuation, with the same seed each time."""
    falls = [summary_statistics.compute_statistic("fall", seen)]
    for still in (_without_history, _without_flare):
        chosen = replace(chosen, truth=still(chosen.truth))
        falls.append(summary_statistics.compute_statistic("fall", draw_arrays(chosen, participants, seed)))
    whole, stable_course, chance = falls
    return {
        "fall": whole,
        "fall_by_chance": chance,
        "fall_by_flare": _less(stable_course, chance),
        "fall_by_history": _less(whole, stable_course),
    }


def _less(more: Statistic, less: Statistic) -> Statistic:
    # The draws share their seeds, so the error of the difference is at most this.
    same = more == less
    return Statistic(more.value - less.value, 0.0 if same else math.hypot(more.error, less.error))


def _without_history(truth: Truth) -> Truth:
    return replace(truth, cramps=replace(truth.cramps, natural_history_log=0.0))


def _without_flare(truth: Truth) -> Truth:
    return replace(truth, cramps=replace(truth.cramps, slow_sd=0.0))


def _class_targets(preset: str) -> Iterator[Target]:
    chosen = [s for s in published_classes.published_shares() if s.band in _CLASSES.get(preset, ())]
    # 95 % intervals for all shares at once (Bonferroni): of 30 single ones, one or two would be missed by chance.
    together = len(chosen) * len(recalled.LABELS)
    z = float(special.ndtri(1 - 0.025 / together)) if chosen else 0.0
    for shares in chosen:
        for label, share, error in zip(recalled.LABELS, shares.share, shares.std_error, strict=True):
            yield Target(
                preset=preset,
                statistic=f"class_share:{shares.band}:{label}",
                label=f"Ages {shares.band}: {label} cramps in 30 nights",
                unit="proportion",
                value=share,
                low=max(0.0, share - z * error),
                high=share + z * error,
                source=published_classes.SOURCE,
                id_or_doi=published_classes.ID_OR_DOI,
                status="seen",
                note=f"95 % interval by design for {together} shares at once; {shares.n} answers",
            )


def _target(row: Mapping[str, str]) -> Target:
    numbers = {name: float(row[name]) if row[name] else None for name in ("value", "low", "high")}
    texts = ("preset", "statistic", "label", "unit", "source", "id_or_doi", "status", "note")
    return Target(**{name: row[name] for name in texts}, **numbers)  # type: ignore[arg-type]


def verdict(target: Target, found: Statistic) -> bool | None:
    """Return whether a value lies in a target's range, widened by :data:`MARGIN` errors; None where there is none."""
    if target.low is None or target.high is None:
        return None
    return target.low - MARGIN * found.error <= found.value <= target.high + MARGIN * found.error


_HEAD = ("Target", "Unit", "Published", "Range", "Simulated", "MC error", "Verdict", "Source", "Status", "Note")


def _cells(line: Line) -> tuple[str, ...]:
    target = line.target
    limits = "" if target.low is None or target.high is None else f"{_number(target.low)} to {_number(target.high)}"
    source = ", ".join(part for part in (target.source, target.id_or_doi) if part)
    return (
        target.label,
        target.unit,
        _number(target.value),
        limits,
        _number(line.simulated),
        _number(line.error),
        {True: "pass", False: "fail", None: "–"}[line.passed],
        source,
        target.status,
        target.note,
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _sizes(card: Card) -> str:
    return f"Measured on {card.participants} participants x {card.nights} nights, seed {card.seed}."


def page(cards: Sequence[Card]) -> str:
    """Return cards as one page of Markdown."""
    return _INTRODUCTION + "\n" + "\n".join(map(as_markdown, cards))


_INTRODUCTION = f"""# Cards of the presets

Each preset of `crampstudy simulate --preset NAME` beside the figures that it is meant to show. This page is made by
`python -m crampstudy.simulate.calibration.cards docs/cards.md`; `crampstudy simulate --preset NAME --card` prints one
card.

A simulated value passes if it lies in the target's range (its own uncertainty or tolerance), widened by
{MARGIN:g} Monte-Carlo errors. The errors come from a jackknife over 20 groups of participants. Status: `seen` was read
in its source, `derived` follows from figures that were, `assumption` and `by design` are the simulator's own. The
presets' values that meet the targets are no estimates of anything else.
"""


if __name__ == "__main__":
    text = page([draw_card(name) for name in presets.names()])
    Path(sys.argv[1]).write_text(text, encoding="utf-8") if len(sys.argv) > 1 else sys.stdout.write(text)
