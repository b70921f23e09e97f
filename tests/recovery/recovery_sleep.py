"""Cramps and sleep in both directions recovered: ``python tests/recovery/recovery_sleep.py --write docs/recovery.md``.

Diaries of the simulator, in which cramps move the scores of a night and of the day after and poor sleep brings cramps,
or neither does; what the contrasts say of each is held against the answers of its truth.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from crampstudy.cohort import Cohort
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights.cramp_night import cramp_night_scores
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands import sleep
from crampstudy.simulate.estimands.potential_outcomes import Population

MARKS = "<!-- sleep: begin -->", "<!-- sleep: end -->"
SLEEP = "sleep_quality_0_10"
SCORES = {SLEEP: "sleep-quality", "fatigue_0_10": "fatigue", "sleep_hours": "sleep-hours"}
LAGS = {f"lag {k}": f"lag:sleep-quality:{k}" for k in (1, 2, 3)}
SIZES = ((150, 21), (20, 28))
"""Participants and nights of a usual cohort and of a small one."""
STATES = {"on": -0.12, "null": 0.0}
"""Whether both directions act: the log rate ratio of a point of sleep quality."""
COHORTS = 400
LEVEL = 0.001
Found = dict[str, tuple[float, float, bool] | None]


def truth(state: str) -> Truth:
    """Return a truth in which nothing but sleep acts on cramps, and cramps on scores, or neither."""
    still = Truth().without_effects()
    cramps = replace(still.cramps, rate_per_week=3.0, season_amplitude=0.0, latent_sd=0.0, sleep_feedback=STATES[state])
    if state == "on":
        return replace(still, cramps=cramps)
    none = dict.fromkeys(("sleep_quality", "fatigue", "concentration", "productivity"), 0.0)
    return replace(still, cramps=cramps, burden=replace(still.burden, **none))


def answers(state: str) -> dict[str, float]:
    """Return the truth of each term: of scores a difference, of lags a log ratio.

    Where both directions act, cramps reach the sleep of the night after by a worse night and more cramps: the later
    night is then no control, and has no answer.
    """
    own = truth(state)
    sources = (sleep.scores_of_a_cramp_night, sleep.sleep_before)
    known = {a.key: a.value for source in sources for a in source(own, Population(own, seed=1, draws=2))}
    scores = {score: known[f"cramp-night:{name}"] for score, name in SCORES.items()}
    lags = {lag: known[key] for lag, key in LAGS.items()}
    later = {"lead 1": 0.0} if state == "null" else {}
    return {**scores, **lags, "cumulative": sum(lags.values()), **later}


def found(cohort: Cohort, known: dict[str, float]) -> Found:
    """Return by term the error, the standard error and whether the interval covers, ``None`` without an answer."""
    scores = cramp_night_scores(cohort, tuple(SCORES))
    rows = {r["outcome"]: r for r in scores[scores["level"] == "within"].to_dict("records")}
    lags = distributed_lag(cohort, SLEEP)
    rows |= {r["level"]: r for r in lags[lags["term"] == SLEEP].to_dict("records")}
    made: Found = {}
    for term, value in known.items():
        row, log = rows[term], term not in SCORES
        if row["status"] != "converged":
            made[term] = None
            continue
        estimate, low, high = (math.log(row[c]) if log else row[c] for c in ("estimate", "ci_low", "ci_high"))
        made[term] = (estimate - value, row["std_error"], low <= value <= high)
    return made


@dataclass(frozen=True, slots=True)
class Cell:
    """What the cohorts of a size and state say of a term."""

    people: int
    nights: int
    state: str
    term: str
    answered: int
    covered: int
    bias: float
    bias_error: float
    std_error: float

    @property
    def p(self) -> float:
        """The exact binomial p at 95 %."""
        return float(stats.binomtest(self.covered, self.answered, 0.95).pvalue)


def cells(cohorts: int = COHORTS, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[Cell]:
    """Yield every cell, of so many cohorts each."""
    for people, nights in sizes:
        for state in STATES:
            known, own = answers(state), truth(state)
            seeds = range(10_000 * people, 10_000 * people + cohorts)
            results = [found(simulate(people, nights, seed, own, Mess.none()), known) for seed in seeds]
            for term in known:
                answered = np.array([r[term] for r in results if r[term] is not None], dtype=np.float64)
                error, se, covered = answered.T
                spread = float(error.std(ddof=1)) / math.sqrt(len(error))
                numbers = (len(error), int(covered.sum()), float(error.mean()), spread, float(se.mean()))
                yield Cell(people, nights, state, term, *numbers)


def table(made: list[Cell]) -> str:
    """Return the cells in Markdown, and which of them are beyond chance (Holm)."""
    lines = [
        "| participants | nights | both directions | term | cohorts | covered | bias | mean standard error |",
        "|---:|---:|---|---|---:|---:|---:|---:|",
        *(
            f"| {c.people} | {c.nights} | {c.state} | {c.term} | {c.answered} | {c.covered / c.answered:.1%} "
            f"| {c.bias:+.4f} ± {c.bias_error:.4f} | {c.std_error:.4f} |"
            for c in made
        ),
        "",
    ]
    beyond = []
    for place, cell in enumerate(sorted(made, key=lambda c: c.p)):
        if cell.p > LEVEL / (len(made) - place):
            break
        beyond.append(f"{cell.term} of {cell.people} ({cell.state}, {cell.covered / cell.answered:.1%})")
    said = f"beyond chance are {'; '.join(beyond)}" if beyond else "no cell's coverage is beyond chance"
    return "\n".join([*lines, f"By the exact binomial p, Holm over {len(made)} cells at {LEVEL}, {said}."])


def main() -> int:
    """Print the table, or renew it between its marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--write", type=Path, metavar="FILE")
    asked = parser.parse_args()
    made = table(list(cells(asked.cohorts)))
    if asked.write is None:
        sys.stdout.write(f"{made}\n")
        return 0
    text = asked.write.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    asked.write.write_text(f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
