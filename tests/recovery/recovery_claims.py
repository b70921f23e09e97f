"""Are verdicts on claims wrong no more often than stated? ``make recover ARGS=--claims`` renews docs/recovery.md.

Cohorts of the simulator with its effects on, and with none, go through the sections and the ledger. What is true of a
claim follows from the truth: a claim whose effect is none is wrongly supported, one whose effect is there wrongly
contradicted, each with a probability of at most 2.5% by the 95% interval of its row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from crampstudy import claims, compute
from crampstudy.analyses.registry import run_others
from crampstudy.analyses.settings import Settings
from crampstudy.claims import LedgerEntry, rules
from crampstudy.simulate import Truth, simulate

MARKS = "<!-- claims: begin -->", "<!-- claims: end -->"
COHORTS, PEOPLE, NIGHTS = 200, 200, 56
STATED, LEVEL = 0.025, 0.999
"""The probability of a wrong verdict, and how sure it is to be exceeded."""
NONE, SMALL, LARGE, OTHER, MIXED = "no effect", "claimed, within margins", "claimed", "other side", "parts differ"
EFFECTS: Mapping[str, str] = {
    **dict.fromkeys(("C04", "C12", "C19", "C33", "C38", "C56"), LARGE),
    **dict.fromkeys(("C13", "C14", "C30", "C32", "C35"), SMALL),
    **dict.fromkeys(("C15", "C16", "C18", "C20", "C21", "C25", "C26", "C27", "C29", "C39", "C41", "C42"), NONE),
    "C24": OTHER,
    "C40": MIXED,
}
"""What is true where the simulator's effects act; of other claims its truth has no sign."""
NULL: Mapping[str, str] = dict.fromkeys((*EFFECTS, "C10", "C11", "C17", "C28", "C31", "C43", "C55", "C57", "C60"), NONE)
"""Where none does."""
STATES: Mapping[str, Mapping[str, str]] = {"effects on": EFFECTS, "null": NULL}
_SECTIONS = ("age-and-muscle", "nutrition", "treatments", "hydration", "activity", "conditions", "season")


@dataclass(frozen=True, slots=True)
class Judged:
    """How often a claim had which verdict among cohorts of a state, and how often that was wrong."""

    state: str
    claim: str
    truth: str
    verdicts: Mapping[str, int]
    wrong: int

    @property
    def n(self) -> int:
        """Cohorts in which it could be tested."""
        return sum(n for verdict, n in self.verdicts.items() if verdict != rules.NOT_TESTABLE)

    @property
    def most(self) -> int:
        """Wrong verdicts that the stated rate exceeds with a probability of one in a thousand."""
        # Parts that differ may be wrong on either side.
        return int(stats.binom.ppf(LEVEL, self.n, STATED * (2 if self.truth == MIXED else 1)))


def wrong(entry: LedgerEntry, truth: str) -> bool:
    """Say whether a verdict is wrong where this is true of a claim."""
    for_it = entry.verdict in (rules.SUPPORTED, rules.NEGLIGIBLE)
    against = entry.verdict == rules.CONTRADICTED
    if truth in (NONE, OTHER):
        return for_it
    if truth == MIXED:
        return for_it or against
    # An effect within the margins may be told to be none that matters, and not to lie on the other side.
    return against and (truth == LARGE or not _around_none(entry))


def _around_none(entry: LedgerEntry) -> bool:
    rows = [part.row for part in entry.parts if part.row is not None]
    return any(row["ci_low"] <= 1 <= row["ci_high"] for row in rows)


def verdicts_of(state: str, seed: int) -> dict[str, tuple[str, bool]]:
    """Return of each claim whose truth is known the verdict in one cohort, and whether it is wrong."""
    truth = Truth() if state == "effects on" else Truth().without_effects()
    cohort = simulate(PEOPLE, NIGHTS, seed=seed, truth=truth)
    others = run_others(cohort, Settings(), _SECTIONS)
    found = {name: each.estimates for name, each in others.items()}
    return told(claims.ledger(found, "diary"), STATES[state])


def told(ledger: Sequence[LedgerEntry], truths: Mapping[str, str]) -> dict[str, tuple[str, bool]]:
    """Return verdict and whether it is wrong, by claim."""
    known = {entry.claim.claim: entry for entry in ledger if entry.claim.claim in truths}
    return {name: (entry.verdict, wrong(entry, truths[name])) for name, entry in known.items()}


def measured(cohorts: int, seed: int, workers: compute.Workers) -> list[Judged]:
    """Return how the claims were judged in so many cohorts of each state."""
    seeds = [int(each.generate_state(1)[0]) for each in np.random.SeedSequence(seed).spawn(cohorts)]
    return [
        each
        for state in STATES
        for each in judged(state, list(compute.map(partial(verdicts_of, state), seeds, workers=workers)))
    ]


def judged(state: str, made: Sequence[Mapping[str, tuple[str, bool]]]) -> Iterator[Judged]:
    """Yield the claims of a state with their verdicts."""
    for claim, truth in STATES[state].items():
        verdicts = Counter(each[claim][0] for each in made)
        yield Judged(state, claim, truth, verdicts, sum(each[claim][1] for each in made))


def table(found: Sequence[Judged]) -> str:
    """Return the verdicts in Markdown, and which claims have more wrong ones than stated."""
    heads = ("supported", "negligible", "contradicted", "inconclusive", "not testable", "wrong (at most)")
    lines = [f"| cohorts | claim | truth | {' | '.join(heads)} |", f"|---|---|---|{'---:|' * len(heads)}"]
    for each in found:
        counts = [each.verdicts.get(v, 0) for v in (rules.SUPPORTED, rules.NEGLIGIBLE, rules.CONTRADICTED)]
        counts += [each.verdicts.get(v, 0) for v in (rules.INCONCLUSIVE, rules.NOT_TESTABLE)]
        cells = (each.state, each.claim, each.truth, *map(str, counts), f"{each.wrong} ({each.most})")
        lines.append(f"| {' | '.join(cells)} |")
    above = [f"{each.claim} ({each.state}: {each.wrong} of {each.n})" for each in found if each.wrong > each.most]
    total, n = sum(each.wrong for each in found), sum(each.n for each in found)
    said = f"above the bound are {', '.join(above)}" if above else "no claim is above the bound"
    return "\n".join([*lines, "", f"Wrong are {total} of {n:,} verdicts; {said}."])
