"""What the default covariance costs: CR2 against the plain cluster-robust one, the same model of the same nights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from timing import Job

from crampstudy import Cohort, fit
from crampstudy.models.inference.covariance import Covariance
from crampstudy.simulate import simulate

PARTICIPANTS, NIGHTS = 500, 90
MODELS = ("poisson", "negative-binomial", "logistic")
TERMS = {"of persons": "age_decade + sex + diabetes", "of nights": "age_decade + sex + exercise_min"}


def jobs(_: Path) -> Iterator[Job]:
    cohort = simulate(PARTICIPANTS, NIGHTS, 1)
    for model in MODELS:
        for of, terms in TERMS.items():
            name = f"covariance auto, {model}, terms {of}, {PARTICIPANTS} people x {NIGHTS} nights"
            auto, plain = (partial(fitted, cohort, model, terms, kind) for kind in ("auto", "cluster"))
            yield Job(name, "crampstudy, covariance cluster", auto, plain, tolerance=1e-9)


def fitted(cohort: Cohort, model: str, terms: str, kind: Covariance) -> dict[str, float]:
    rows = fit(cohort, model=model, terms=terms, covariance=kind).estimates
    return dict(zip(rows["key"], rows["estimate"], strict=True))
