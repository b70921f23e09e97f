"""Cramps and sleep in both directions recovered: ``python tests/recovery/recovery_sleep.py --write docs/recovery.md``.

Diaries of the simulator, in which cramps move the scores of a night and of the day after and poor sleep brings cramps,
or neither does; what the contrasts say of each is held against the answers of its truth.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace

import recovery_cells as recovery

from crampstudy.cohort import Cohort
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights.cramp_night import cramp_night_scores
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands import sleep
from crampstudy.simulate.estimands.potential_outcomes import Population

HEADS = ("participants", "nights", "both directions")
SLEEP = "sleep_quality_0_10"
SCORES = {SLEEP: "sleep-quality", "fatigue_0_10": "fatigue", "sleep_hours": "sleep-hours"}
LAGS = {f"lag {k}": f"lag:sleep-quality:{k}" for k in (1, 2, 3)}
SIZES = ((150, 21), (20, 28))
"""Participants and nights of a usual cohort and of a small one."""
STATES = {"on": -0.12, "null": 0.0}
"""Whether both directions act: the log rate ratio of a point of sleep quality."""


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


def found(cohort: Cohort, known: dict[str, float]) -> recovery.Found:
    """Return by term the error, the standard error and whether the interval covers, ``None`` without an answer."""
    scores = cramp_night_scores(cohort, tuple(SCORES))
    rows = {r["outcome"]: r for r in scores[scores["level"] == "within"].to_dict("records")}
    lags = distributed_lag(cohort, SLEEP)
    rows |= {r["level"]: r for r in lags[lags["term"] == SLEEP].to_dict("records")}
    made: dict[str, tuple[float, float, bool] | None] = {}
    for term, value in known.items():
        row, log = rows[term], term not in SCORES
        if row["status"] != "converged":
            made[term] = None
            continue
        estimate, low, high = (math.log(row[c]) if log else row[c] for c in ("estimate", "ci_low", "ci_high"))
        made[term] = (estimate - value, row["std_error"], low <= value <= high)
    return made


def cells(cohorts: int = recovery.COHORTS, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[recovery.Cell]:
    """Yield every cell, of so many cohorts each."""
    for people, nights in sizes:
        for state in STATES:
            known, own = answers(state), truth(state)
            seeds = range(10_000 * people, 10_000 * people + cohorts)
            results = [found(simulate(people, nights, seed, own, Mess.none()), known) for seed in seeds]
            yield from recovery.cells((str(people), str(nights), state), results)


def table(cohorts: int) -> str:
    """Return the table in Markdown."""
    return recovery.table(HEADS, list(cells(cohorts)))


if __name__ == "__main__":
    sys.exit(recovery.run(__doc__, "sleep", table))
