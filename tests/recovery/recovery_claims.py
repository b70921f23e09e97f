"""Are verdicts on claims wrong no more often than stated? ``make recover ARGS=--claims`` renews docs/recovery.md.

Cohorts of the simulator with its effects on, and with none, go through the sections and the ledger. What is true of a
claim follows from the truth: a claim whose effect is none is wrongly supported, one whose effect is there wrongly
contradicted, each with a probability of at most 2.5% by the 95% interval of its row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from recovery_claim_rows import rows_of_claims
from recovery_keys import of_claims as key
from scipy import stats

from crampstudy import claims, estimates
from crampstudy.claims import LedgerEntry, rules
from crampstudy.estimates.verdicts import difference_beside
from crampstudy.simulate import Truth, simulate
from crampstudy.wording import with_none

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
EFFECTS_ON = "effects on"
STATES: Mapping[str, Mapping[str, str]] = {EFFECTS_ON: EFFECTS, "null": NULL}


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


def rows_of(state: str, seed: int) -> dict[str, str]:
    """Return by section, as CSV, the rows of one cohort that claims are read off."""
    truth = Truth() if state == EFFECTS_ON else Truth().without_effects()
    found = rows_of_claims(simulate(PEOPLE, NIGHTS, seed=seed, truth=truth))
    return {section: estimates.to_csv(_meant(section, rows)) for section, rows in found.items()}


def _meant(section: str, rows: pd.DataFrame) -> pd.DataFrame:
    every = with_none(rows)
    meant = (row.among(every) for row in claims.CLAIM_ROWS if row.section == section and row.kind in ("", "diary"))
    found = [row for row in meant if row is not None]
    # The verdict on a ratio is read with the difference beside it.
    keys = [row["key"] for each in found for row in (each, difference_beside(each, every)) if row is not None]
    return rows[rows["key"].isin(keys)]


def told(ledger: Sequence[LedgerEntry], truths: Mapping[str, str]) -> dict[str, tuple[str, bool]]:
    """Return verdict and whether it is wrong, by claim."""
    known = {entry.claim.claim: entry for entry in ledger if entry.claim.claim in truths}
    return {name: (entry.verdict, wrong(entry, truths[name])) for name, entry in known.items()}


@dataclass(frozen=True, slots=True)
class Task:
    """A cohort of a ``state``, by its number and seed, and the file in which its rows are kept."""

    state: str
    number: int
    seed: int
    file: Path


def tasks(cohorts: int, seed: int, place: Path) -> Iterator[Task]:
    """Yield the cohorts of both states in turn, so that of a run that is ended both have as many."""
    for number, of_cohort in enumerate(np.random.SeedSequence(seed).spawn(cohorts)):
        for state in STATES:
            file = place / f"seed-{seed}" / "claims" / key() / state.replace(" ", "-") / f"{number:04}.json"
            yield Task(state, number, int(of_cohort.generate_state(1)[0]), file)


def run(task: Task) -> None:
    """Keep the rows of a cohort."""
    found = rows_of(task.state, task.seed)
    task.file.parent.mkdir(parents=True, exist_ok=True)
    aside = task.file.with_suffix(".new")
    aside.write_text(json.dumps(found), encoding="utf-8")
    aside.replace(task.file)


def measured(made: Iterable[Task]) -> list[Judged]:
    """Return how the claims were judged in the cohorts of each state whose rows are there."""
    by_state: dict[str, list[Mapping[str, tuple[str, bool]]]] = {state: [] for state in STATES}
    for task in made:
        if task.file.exists():
            by_state[task.state].append(told(ledger_of(task.file), STATES[task.state]))
    return [each for state, verdicts in by_state.items() for each in judged(state, verdicts)]


def ledger_of(file: Path) -> tuple[LedgerEntry, ...]:
    """Return the ledger of a cohort whose rows were kept."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    return claims.ledger({section: estimates.from_csv(text) for section, text in kept.items()}, "diary")


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
    cohorts = {each.state: sum(each.verdicts.values()) for each in found}
    of_states = " and ".join(f"{number} with the state {state}" for state, number in cohorts.items())
    return "\n".join([*lines, "", f"Wrong are {total} of {n:,} verdicts; {said}. Cohorts: {of_states}."])
