"""What becomes of the ratio of sleep the night before, where cramps spoil sleep: four ways of asking, in short diaries.

``python tests/lagged_bias.py --write docs/sleep.md`` renews the table of the page from the estimates that are kept in
lagged_bias.json; with ``--draw`` the cohorts are drawn and fitted anew, which takes some minutes.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import page_table

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.simulate import Mess, Truth, simulate

MARKS = "<!-- lagged bias: begin -->", "<!-- lagged bias: end -->"
KEPT = Path(__file__).parent / "lagged_bias.json"
TRUE = -0.08
"""Log rate ratio per point of sleep quality above one's own in the night before."""
PEOPLE, RATE = 400, 3.0
COHORTS = {14: 60, 28: 30, 90: 10}
"""How many cohorts are drawn of so many nights: about as many nights in all."""
RUNS = {"alone": 0.0, "in runs": 0.4}
"""Cramps that come alone, but for what sleep does, and in runs of nights: SD of the log of what lasts."""
SLEEP = "sleep_quality_0_10"
WAYS = {
    "mean of all other nights": f"lag(within({SLEEP}, leave_out=True), 1) + between({SLEEP}, leave_out=True)",
    "mean with the night itself": f"lag(within({SLEEP}), 1) + between({SLEEP})",
    "cramp of the night before held": f"lag(within({SLEEP}, leave_out=True), 1) + between({SLEEP}, leave_out=True) "
    "+ lag(cramp_night, 1)",
    "no mean": f"lag({SLEEP}, 1)",
}
"""Terms of a Poisson model, of which the first is the sleep of the night before."""
Estimates = dict[str, dict[str, list[list[float]]]]


def truth(runs: str) -> Truth:
    """Return the truth of cramps that come alone or in runs: nothing acts on them but sleep, and they act on it."""
    still = Truth().without_effects()
    cramps = replace(still.cramps, sleep_feedback=TRUE, rate_per_week=RATE, latent_sd=RUNS[runs])
    return replace(still, cramps=cramps)


def cohort(runs: str, nights: int, number: int) -> Cohort:
    """Draw one of the cohorts."""
    return simulate(PEOPLE, nights, 1000 * nights + number, truth(runs), Mess.none())


def estimates(drawn: Cohort) -> list[float]:
    """Return the log rate ratio per point of sleep the night before, by each of the ways."""
    made = []
    for terms in WAYS.values():
        rows = fit(drawn, model="poisson", terms=terms, covariance="cluster").estimates
        first = rows[rows["term"] == terms.split(" + ")[0]]
        made.append(math.log(float(first["estimate"].iloc[0])))
    return made


def drawn() -> Estimates:
    """Return the estimates of every cohort, by how cramps come and by the number of nights."""
    return {
        runs: {
            str(nights): [estimates(cohort(runs, nights, number)) for number in range(many)]
            for nights, many in COHORTS.items()
        }
        for runs in RUNS
    }


def table(kept: Estimates) -> str:
    """Return the means of the estimates, with the standard error of each from the cohorts."""
    lines = [
        f"| cramps come | nights | cohorts | {' | '.join(WAYS)} |",
        f"|---|---:|---:|{'---:|' * len(WAYS)}",
    ]
    for runs, by_nights in kept.items():
        for nights, found in by_nights.items():
            cells = (
                f"{fmean(each):.3f} ± {stdev(each) / math.sqrt(len(each)):.3f}" for each in zip(*found, strict=True)
            )
            lines.append(f"| {runs} | {nights} | {len(found)} | {' | '.join(cells)} |".replace("-0", "−0"))
    return "\n".join(lines)


def keep() -> None:
    """Draw the cohorts and keep their estimates."""
    rounded = {r: {n: [[round(x, 12) for x in one] for one in f] for n, f in by.items()} for r, by in drawn().items()}
    KEPT.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--draw" in sys.argv:
        sys.argv.remove("--draw")
        keep()
    sys.exit(page_table.main(table(json.loads(KEPT.read_text(encoding="utf-8"))), MARKS, __doc__))
