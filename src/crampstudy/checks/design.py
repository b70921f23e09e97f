"""Checks of what a fit rests on: single participants, cells without a cramp, terms that go together, a true maximum."""

from __future__ import annotations

from typing import Any

import numpy as np

from crampstudy import wording
from crampstudy.arrays import Array
from crampstudy.checks import numbers
from crampstudy.checks.result import Check, made, not_made
from crampstudy.models.common.estimability import collinear, name, separated
from crampstudy.models.common.separation import Collinear
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.nights.predictive import PredictiveDistribution
from crampstudy.models.nights.solution import Solution
from crampstudy.models.optimise import optimum
from crampstudy.models.terms import design_matrix
from crampstudy.wording import count, counted, number

LARGEST_CHANGE = 1.0
"""Standard errors. Whoever moves an estimate by more decides alone on which side of the truth it is likely to lie."""
REFITS = 5
"""Participants left out in turn by a fit of its own: those whom one step says to matter most."""
LARGEST_INFLATION = 10.0
"""Variance inflation per coefficient, the usual limit: a standard error 3.2 times what it would be."""


def influence(solution: Solution, law: PredictiveDistribution) -> Check:
    """Say how far the estimate of a term moves when one participant is left out.

    One Newton step for everybody, then a fit of its own without each of those whom it moves most.
    """
    title = "influence"
    solved, data = solution.solved, solution.data
    if solved is None or len(solution.participants) < 3:
        return not_made(title, "three participants are the fewest of whom one can be left out")
    p = len(solved.coefficients)
    errors = np.sqrt(np.diag(solved.variance))
    own = None
    if law.independent:
        mu = law.mean
        weights = law.family.slope(mu) ** 2 / law.family.variance(mu)
        own = numbers.own_information(data.matrix, weights, data.groups)
    steps = numbers.deletions(law.scores[:, : p if own is not None else None], _variance(law, p, own), own)[:, :p]
    steps = _in_errors(steps @ solution.design.standard.back().T, errors)
    terms = [i for i, column in enumerate(solution.design.columns) if column.term != design_matrix.INTERCEPT] or [0]
    # Nobody else has what such a participant has: of all the most influential.
    largest = np.where(np.isnan(steps).any(axis=1), np.inf, np.abs(steps[:, terms]).max(axis=1))
    what = "nights" if solution.is_number else "cramps"
    size = np.bincount(data.groups, None if solution.is_number else data.outcome)
    share = size / size.sum()
    rows: list[dict[str, Any]] = []
    worst: tuple[float, str, float] = (-1.0, "", 0.0)
    lost = ""
    for rank, code in enumerate(np.argsort(-largest, kind="stable")[:REFITS], 1):
        again = solution.without(int(code)).solved
        moved = np.full(p, np.nan)
        if again is None or again.problem:
            lost = lost or f"without one participant, who has {_percent(share[code])} of all {what}, no estimate exists"
        else:
            moved = _in_errors(again.coefficients - solved.coefficients, errors)
            at = max(terms, key=lambda i: abs(moved[i]))
            worst = max(worst, (float(abs(moved[at])), name(solution.design.columns[at]), float(share[code])))
        for column, step, exact in zip(solution.design.columns, steps[code], moved, strict=True):
            rows.append(
                {
                    "rank": rank,
                    "participant_id": solution.participants[code],
                    f"share_of_{what}": float(share[code]),
                    "term": column.term,
                    "level": column.level,
                    "one_step": float(step),
                    "refitted": float(exact),
                }
            )
    said = lost or (
        f"leaving out one participant, who has {_percent(worst[2])} of all {what}, moves the estimate of {worst[1]} by "
        f"{number(worst[0])} standard errors, the most that anybody does"
    )
    return made(title, not lost and worst[0] <= LARGEST_CHANGE, rows, said)


def participants(solution: Solution) -> Check:
    """Say whether there are participants enough for as many coefficients."""
    zero = solution.zero.columns if solution.zero else ()
    k, n = len(solution.design.columns) + len(zero), len(solution.participants)
    if solution.reason or not n:
        return not_made("participants", solution.reason or "there are no participants")
    cells = {"coefficients": k, "participants": n, "participants_per_coefficient": n / k}
    said = (
        f"{count(n)} participants stand behind {count(k)} {'coefficient' if k == 1 else 'coefficients'}, "
        f"{number(n / k, 1)} to each, where there should be at least {design_matrix.PER_COEFFICIENT}"
    )
    return made("participants", n >= design_matrix.PER_COEFFICIENT * k, [cells], said)


def _in_errors(moved: Array, errors: Array) -> Array:
    """Return moves of coefficients in standard errors; infinite where the participants have no spread at all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(moved / errors, dtype=np.float64)


def _variance(law: PredictiveDistribution, p: int, own: Array | None) -> Array:
    # Of an independent model the dispersion is held: its coefficients do not depend on it in expectation.
    return law.variance if own is None else law.variance[:p, :p]


def separation(solution: Solution) -> Check:
    """Say whether every level has cramps, and from more than one participant."""
    title = "separation"
    design, data = solution.design, solution.data
    alone = [who.lone for who in exposed(design, data.groups).values() if who.lone] if len(data.outcome) else []
    if solution.is_number and len(data.outcome):
        return made(title, False, [], alone[0]) if alone else not_made(title, "a number cannot be set apart")
    if not data.outcome.any():
        return not_made(title, "there is no night with a cramp")
    if data.outcome.all():
        return not_made(title, solution.reason or "there is no night without a cramp")
    rows = _levels(solution)
    is_apart = solution.apart and not isinstance(solution.reason, Collinear)
    found = solution.reason if is_apart else separated(design.standardised(), data.outcome)
    if found or alone:
        return made(title, False, rows, found or alone[0])
    said = "nothing sets nights without a cramp apart"
    if rows:
        fewest = min(rows, key=lambda row: row["participants_with_cramp"])
        said += (
            f"; the level with the fewest is {fewest['term']} = {fewest['level']}, where "
            f"{count(fewest['participants_with_cramp'])} of {count(fewest['participants'])} participants had a cramp"
        )
    return made(title, True, rows, said)


def _levels(solution: Solution) -> list[dict[str, Any]]:
    """Return a row per level of the design: how many nights and participants are at it, and with a cramp."""
    design, data = solution.design, solution.data
    cramp = data.outcome > 0
    rows: list[dict[str, Any]] = []
    for column, values in zip(design.columns, design.matrix.T, strict=True):
        has = values != 0
        # The parts of a curve have names like levels.
        if column.level is None or not (values[has] == 1).all():
            continue
        rows.append(
            {
                "term": column.term,
                "level": column.level,
                "nights": int(has.sum()),
                "nights_with_cramp": int((has & cramp).sum()),
                "participants": len(np.unique(data.groups[has])),
                "participants_with_cramp": len(np.unique(data.groups[has & cramp])),
            }
        )
    return rows


def collinearity(solution: Solution, law: PredictiveDistribution | None) -> Check:
    """Say how much the terms inflate each other's variances.

    Generalised variance inflation by term, from the model's covariance of the coefficients where there is a fit and
    from the design else; to the power 1/df it is per coefficient.
    """
    title = "collinearity"
    design = solution.design
    if len(design.terms()) < 2:
        return not_made(title, "a model of fewer than two terms has nothing to be collinear with")
    if not len(design.matrix):
        return not_made(title, str(solution.reason))
    condition = numbers.condition_number(design.matrix)
    standard = design.standardised()
    if found := collinear(standard):
        return made(
            title,
            False,
            [_inflation(term, np.nan, np.nan, condition) for term in design.terms()],
            f"no fit is possible: {found}",
        )
    p = len(design.columns)
    covariance = np.linalg.inv(standard.matrix.T @ standard.matrix).astype(np.float64)
    if law is not None:
        covariance = law.variance[:p, :p]
    inner = [i for i, column in enumerate(design.columns) if column.term != design_matrix.INTERCEPT]
    covariance = covariance[np.ix_(inner, inner)]
    rows = []
    for term in design.terms():
        columns = [at for at, i in enumerate(inner) if design.columns[i].term == term]
        rows.append(_inflation(term, len(columns), numbers.generalised_inflation(covariance, columns), condition))
    worst = max(rows, key=lambda row: row["inflation"])
    said = (
        f"the terms inflate the variance of {worst['term']} {number(worst['inflation'])} times per coefficient, that "
        "of all others less"
    )
    return made(title, worst["inflation"] <= LARGEST_INFLATION, rows, said)


def _inflation(term: str, df: float, generalised: float, condition: float) -> dict[str, Any]:
    inflation = generalised ** (1 / df)
    return {"term": term, "df": df, "gvif": generalised, "inflation": inflation, "condition_number": condition}


def convergence(solution: Solution) -> Check:
    """Say whether the fit is a maximum: the score is zero, and the information positive definite."""
    title = "convergence"
    solved = solution.solved
    if solved is None or solved.fitted is None:
        return not_made(title, str(solution.reason))
    fitted = solved.fitted
    rows: list[dict[str, Any]] = [{"quantity": "iterations", "value": float(fitted.iterations), "limit": np.nan}]
    if solved.problem:
        return made(title, False, rows, solved.problem)
    scale = np.sqrt(np.diag(fitted.information))
    score = float(np.max(np.abs(fitted.scores.sum(axis=0)) / scale))
    smallest = float(np.linalg.eigvalsh(fitted.information / np.outer(scale, scale))[0])
    rows += [
        {"quantity": "score", "value": score, "limit": optimum.SCORE},
        {"quantity": "smallest eigenvalue", "value": smallest, "limit": optimum.EIGENVALUE},
    ]
    edges = [extra.term for extra in solved.extras if extra.status == "boundary"]
    reached = "within" if score <= optimum.SCORE else "beyond"
    said = (
        f"the score is {reached} {optimum.SCORE:g} standard errors of zero after "
        f"{counted(fitted.iterations, 'iterations')}, "
        f"and the smallest eigenvalue of the scaled information is {wording.digits(smallest, 2)}"
    )
    if edges:
        said += f"; {wording.listed(edges)} {'is' if len(edges) == 1 else 'are'} at the boundary"
    return made(title, score <= optimum.SCORE and smallest >= optimum.EIGENVALUE, rows, said)


def _percent(share: float) -> str:
    return f"{number(100 * share, 1)} %"
