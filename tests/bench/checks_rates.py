"""Draw small cohorts of which the truth is known, sound and flawed, and count what the checks say of them.

``python tests/bench/checks_rates.py --write docs/checks.md`` renews the table between the markers of that file.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from crampstudy.checks import nightly
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.predictive import OutcomeKind
from crampstudy.models.registry import NIGHT_FAMILIES

BEGIN, END = "<!-- rates: begin -->", "<!-- rates: end -->"

PEOPLE, NIGHTS = 40, 15


def drawn(
    rng: np.random.Generator,
    *,
    rate: float = 0.6,
    spread: float = 0.0,
    alpha: float = 0.0,
    empty: float = 0.0,
    carry: float = 0.0,
) -> Data:
    """Draw nights with a person's and a night's term; ``carry`` is the AR(1) of a nightly log multiplier of SD 1.2."""
    n = PEOPLE * NIGHTS
    matrix = np.column_stack([np.ones(n), np.repeat(rng.integers(0, 2, PEOPLE), NIGHTS), rng.normal(size=n)])
    own = np.repeat(rng.normal(size=PEOPLE) * spread, NIGHTS)
    mu = rate * np.exp(matrix @ [0.0, 0.3, 0.2] + own)
    if carry:
        states = rng.normal(size=(PEOPLE, NIGHTS))
        for night in range(1, NIGHTS):
            states[:, night] = carry * states[:, night - 1] + math.sqrt(1 - carry**2) * states[:, night]
        mu = mu * np.exp(1.2 * states.ravel() - 0.72)
    if alpha:
        mu = mu * rng.gamma(1 / alpha, alpha, n)
    counts = rng.poisson(mu) * (rng.random(n) >= empty)
    kept = rng.random(n) < 0.9
    groups = np.repeat(np.arange(PEOPLE), NIGHTS)[kept]
    return Data(
        matrix[kept], counts[kept].astype(float), np.zeros(kept.sum()), groups, np.tile(np.arange(NIGHTS), PEOPLE)[kept]
    )


def rejections(model: str, outcome: Outcome = "cramps", cohorts: int = 120, **truth: float) -> dict[str, float]:
    """Return the share of cohorts in which each test rejects at 5 %, and in which each check fails."""
    said: list[dict[str, bool]] = []
    for seed in np.random.SeedSequence(11).spawn(cohorts):
        rng = np.random.default_rng(seed)
        data = drawn(rng, **truth)
        data = replace(data, outcome=np.sign(data.outcome)) if outcome == "cramp_night" else data
        solved = NIGHT_FAMILIES[model].solve(data, outcome, "cluster", None)
        assert solved.problem is None and solved.fitted is not None
        kind: OutcomeKind = "count" if outcome == "cramps" else "binary"
        fitted = NIGHT_FAMILIES[model].predict(data, kind, None, solved.fitted)
        assert fitted is not None
        made = [
            nightly.overdispersion(data, fitted),
            nightly.zeros(data, fitted),
            nightly.serial_dependence(data, fitted),
            nightly.residuals(data, fitted, rng),
        ]
        row = {f"{found.name} fails": not found.passed for found in made if found.passed is not None}
        for found in made[:2]:
            if found.passed is not None:
                row[found.name] = (
                    found.table["p_value"].dropna().iloc[-1 if found.name == "overdispersion" else 0] < 0.05
                )
        first = made[2].table.iloc[0]
        row["serial dependence"] = not first["ci_low"] <= first["expected"] <= first["ci_high"]
        said.append(row)
    return dict(pd.DataFrame(said).mean())


@dataclass(frozen=True, slots=True)
class Scenario:
    """A model fitted to cohorts of a truth; ``flaw`` says in words what the model has wrong, ``sound`` if nothing."""

    model: str
    outcome: Outcome
    truth: dict[str, float]
    flaw: str

    @property
    def sound(self) -> bool:
        return self.flaw == "none"


SCENARIOS = (
    Scenario("poisson", "cramps", {}, "none"),
    Scenario("negative-binomial", "cramps", {"alpha": 0.8}, "none"),
    Scenario("logistic", "cramp_night", {}, "none"),
    Scenario("mixed-poisson", "cramps", {"spread": 0.7}, "none"),
    Scenario("mixed-negative-binomial", "cramps", {"spread": 0.7, "alpha": 0.8}, "none"),
    Scenario("poisson", "cramps", {"spread": 1.0}, "participants differ"),
    Scenario("poisson", "cramps", {"alpha": 1.0}, "nights differ"),
    Scenario("negative-binomial", "cramps", {"empty": 0.5, "rate": 3.0}, "half of the nights cannot have a cramp"),
    Scenario("poisson", "cramps", {"empty": 0.5, "rate": 6.0}, "half of the nights cannot have a cramp"),
    Scenario("poisson", "cramps", {"carry": 0.7}, "good and bad spells"),
    Scenario("logistic", "cramp_night", {"carry": 0.7, "rate": 1.0}, "good and bad spells"),
    Scenario("mixed-poisson", "cramps", {"spread": 0.7, "alpha": 1.0}, "nights differ"),
)
_COLUMNS = ("overdispersion", "zeros", "serial dependence", "quantile residuals")


def markdown(cohorts: int) -> str:
    """Return the table of the page: per cent of cohorts in which each check fails."""
    lines = [f"| model | flaw | {' | '.join(_COLUMNS)} |", f"|---|---|{'---:|' * len(_COLUMNS)}"]
    for case in SCENARIOS:
        shares = rejections(case.model, case.outcome, cohorts, **case.truth)
        cells = [f"{100 * shares[name]:.0f}" if name in shares else "" for name in (f"{c} fails" for c in _COLUMNS)]
        model = f"{case.model} ({case.outcome})" if case.outcome != "cramps" else case.model
        lines.append(f"| {model} | {case.flaw} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table between the markers of FILE")
    asked = parser.parse_args()
    table = markdown(asked.cohorts)
    if asked.write:
        head, rest = asked.write.read_text(encoding="utf-8").split(BEGIN)
        text = f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}"
        asked.write.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(table)


if __name__ == "__main__":
    main()
