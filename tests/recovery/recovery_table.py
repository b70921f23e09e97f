"""From the errors and intervals of many cohorts to a verdict per cell, and the tables of docs/recovery.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from recovery_asked import ASKED, Asked
from recovery_scenarios import PERSON_TIME, Scenario, scenarios
from scipy import stats

NOMINAL, LEVEL = 0.95, 0.001
"""Confidence level of the intervals, and the level of the whole table, shared out by Holm's method."""
KNOWN: Mapping[tuple[str, str, str], str] = {
    (
        "*/cramps,covariance=cluster",
        "block 05 ?",
        "crp_sd",
    ): "a log-normal number: a few people have most of the weight; `cluster-small` covers more",
    (
        "*/cramps,covariance=cluster",
        "block 04 ?",
        "pregnancy_trimester_*",
    ): "about 25 of 250 people have it: a few of them have most of the cramps",
    ("*", "exposed *", "had"): "few have it: t with few degrees of freedom covers more than it says",
    ("ordinal/*", "people 12 *", "*"): "of so few people the jackknife is wider than it need be",
}
"""Why a cell (model/outcome, scenario, term; shell patterns) is known not to have nominal coverage."""
MARKS = BEGIN, END = "<!-- recovery: begin -->", "<!-- recovery: end -->"
BLOCKS: Mapping[str, tuple[str, str]] = {
    "grid": MARKS,
    "few": ("<!-- few: begin -->", "<!-- few: end -->"),
    PERSON_TIME: ("<!-- person-time: begin -->", "<!-- person-time: end -->"),
}
"""The marks of the parts of the document, by the block of their scenarios."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What the cohorts of one model, scenario and term say: counts, bias with its Monte-Carlo error, mean error.

    ``p`` is the exact binomial one of ``covered`` of ``answered`` at the nominal level, two-sided.
    """

    asked: Asked
    scenario: Scenario
    term: str
    cohorts: int
    answered: int
    covered: int
    bias: float
    bias_error: float
    std_error: float

    @property
    def on(self) -> bool:
        return self.term in self.scenario.on

    @property
    def coverage(self) -> float:
        return self.covered / self.answered

    @property
    def p(self) -> float:
        return float(stats.binomtest(self.covered, self.answered, NOMINAL).pvalue)


def cell(asked: Asked, scenario: Scenario, term: str, results: Sequence[Sequence[float] | None]) -> Cell:
    """Sum up the results of all cohorts: error, standard error and whether covered, or ``None`` without an answer."""
    answered = np.array([r for r in results if r is not None]).reshape(-1, 3)
    n = len(answered)
    error, se, covered = answered.T if n else np.full((3, 1), np.nan)
    spread = float(error.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    bias, mean_se = (float(values.mean()) for values in (error, se))
    return Cell(asked, scenario, term, len(results), n, int(covered.sum()) if n else 0, bias, spread, mean_se)


def beyond_chance(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells whose coverage is not nominal, by Holm's method over all cells that have answers."""
    ordered = sorted((c for c in cells if c.answered), key=lambda c: c.p)
    found = []
    for place, item in enumerate(ordered):
        if item.p > LEVEL / (len(ordered) - place):
            break
        found.append(item)
    return found


def known(item: Cell) -> str | None:
    """Return why a cell is known not to have nominal coverage, or ``None``."""
    names = item.asked.name, item.scenario.name, item.term.replace("[", "_").replace("]", "")
    found = (
        reason
        for patterns, reason in KNOWN.items()
        if all(fnmatchcase(name, pattern) for name, pattern in zip(names, patterns, strict=True))
    )
    return next(found, None)


def grid_cells(asked: Asked, block: str) -> list[tuple[Scenario, str]]:
    """Return every scenario and term of a block at which a model is asked."""
    chosen = [s for s in scenarios().values() if s.block == block and asked.name in {a.name for a in s.asked}]
    return [(s, term) for s in chosen for term in s.terms_of(asked)]


def asked_in(block: str) -> list[Asked]:
    """Return the models that are asked in a block."""
    return [asked for asked in ASKED if grid_cells(asked, block)]


def tables(cells: Sequence[Cell], block: str) -> str:
    """Return the tables of a block in Markdown: by model, the cells that fail, and all cells."""
    failing = beyond_chance(cells)
    planned = sum(len(grid_cells(asked, block)) for asked in ASKED)
    lines = [
        f"{len(cells)} of the {planned} cells of the grid were run, {_runs(cells)}.",
        "",
        *_by_model(cells, failing, block),
        "",
        *_failures(failing, len(cells)),
        "",
        "Covered of the cohorts with an answer, by term; a cell that was not run, or has no target, is empty.",
        *(line for family in _families(cells) for line in ("", *_by_term(family))),
    ]
    return "\n".join(lines)


def _runs(cells: Sequence[Cell]) -> str:
    numbers = sorted({c.cohorts for c in cells})
    return f"with {numbers[0]} to {numbers[-1]} cohorts each" if len(numbers) > 1 else f"with {numbers[0]} cohorts each"


def _by_model(cells: Sequence[Cell], failing: Sequence[Cell], block: str) -> list[str]:
    lines = [
        "| model | outcome | asked with | effect | cells | cohorts a cell | no answer | covered | lowest | highest "
        "| bias | failing |",
        "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for asked in asked_in(block):
        for on in (False, True):
            run = [c for c in cells if c.asked.name == asked.name and c.on is on]
            own = [c for c in run if c.answered]
            all_of_it = sum((term in s.on) is on for s, term in grid_cells(asked, block))
            if not own:
                why = "not run" if all_of_it else "no answer exists"
                lines.append(f"| {words(asked)} | {_on(on)} | {why} | | | | | | | |")
                continue
            answered, cohorts = sum(c.answered for c in own), sum(c.cohorts for c in run)
            number = "–".join(str(n) for n in sorted({min(c.cohorts for c in run), max(c.cohorts for c in run)}))
            share = [c.coverage for c in own]
            bias = float(np.mean([c.bias for c in own]))
            error = math.sqrt(sum(c.bias_error**2 for c in own)) / len(own)
            lines.append(
                f"| {words(asked)} | {_on(on)} | {len(run)} of {all_of_it} | {number} "
                f"| {cohorts - answered} "
                f"| {sum(c.covered for c in own) / answered:.1%} | {min(share):.1%} | {max(share):.1%} "
                f"| {bias:+.4f} ± {error:.4f} | {sum(c in failing for c in own)} |"
            )
    return lines


def _failures(failing: Sequence[Cell], cells: int) -> list[str]:
    if not failing:
        return [f"No cell's coverage is beyond chance (exact binomial p, Holm over {cells} cells at {LEVEL})."]
    return [
        f"Beyond chance (exact binomial p, Holm over {cells} cells at {LEVEL}):",
        "",
        "| model | outcome | asked with | scenario | term | effect | cohorts | covered | bias | mean standard error "
        "| reason |",
        "|---|---|---|---|---|---|---:|---:|---:|---:|---|",
        *(
            f"| {words(c.asked)} | {c.scenario.name} | {c.term} | {_on(c.on)} | {c.answered} "
            f"| {c.coverage:.1%} | {c.bias:+.4f} ± {c.bias_error:.4f} | {c.std_error:.4f} | {known(c) or 'unknown'} |"
            for c in failing
        ),
    ]


def _families(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells by the first word of their scenario: families that ask the same models."""
    found: dict[str, list[Cell]] = {}
    for item in cells:
        found.setdefault(item.scenario.name.split()[0], []).append(item)
    return list(found.values())


def _by_term(cells: Sequence[Cell]) -> list[str]:
    names = [a.name for a in ASKED if any(c.asked.name == a.name for c in cells)]
    lines = [
        f"| scenario | term | effect | {' | '.join(_stacked(name) for name in names)} |",
        f"|---|---|---|{'---:|' * len(names)}",
    ]
    shown = {(c.scenario.name, c.term, c.asked.name): c for c in cells}
    for scenario, term in dict.fromkeys((c.scenario.name, c.term) for c in cells):
        own = [shown.get((scenario, term, name)) for name in names]
        on = next(c.on for c in own if c)
        filled = (f"{c.covered}/{c.answered}" if c else "" for c in own)
        lines.append(f"| {scenario} | {term} | {_on(on)} | {' | '.join(filled)} |")
    return lines


def words(asked: Asked) -> str:
    """Return what was asked as the first cells of a row: model, outcome, further arguments."""
    return f"{asked.model} | {asked.outcome} | {', '.join(asked.said)}"


def _stacked(name: str) -> str:
    return name.replace("/", "<br>").replace(",", "<br>")


def _on(on: bool) -> str:
    return "on" if on else "off"


def renew(page: str, made: str, marks: tuple[str, str] = MARKS) -> str:
    """Return a document with the part between two markers made anew."""
    begin, end = marks
    before, after = page.split(begin)[0], page.split(end)[1]
    return f"{before}{begin}\n{made}\n{end}{after}"


def ordered(cells: Iterable[Cell]) -> list[Cell]:
    """Return cells in the order of scenario and model."""
    place = {a.name: i for i, a in enumerate(ASKED)}

    def at(item: Cell) -> tuple[str, int, int]:
        terms = [t for a in item.scenario.asked for t in item.scenario.terms_of(a)]
        return item.scenario.name, list(dict.fromkeys(terms)).index(item.term), place[item.asked.name]

    return sorted(cells, key=at)
