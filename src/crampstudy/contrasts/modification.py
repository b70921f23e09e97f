"""Whether the ratio of a nightly exposure differs with another variable: the ratio at its values, and their ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.causal import study
from crampstudy.codebook.exposures import WITHIN
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import covariates_of, single_terms, with_left_out
from crampstudy.contrasts.nightly import adjustment_of
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.wording import CONTRAST

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Modification:
    """A question of an ``exposure`` and its ``modifier``.

    The ratio is that of ``size`` more of the exposure than the person's own mean, shown at the ``values`` of the
    modifier; ``declared`` are the two whose ratio of ratios is judged. ``printed`` says the size as read, ``unit`` that
    of the modifier.
    """

    exposure: str
    modifier: str
    size: float
    values: tuple[float, ...]
    declared: tuple[float, float]
    printed: str
    unit: str


def modified_ratio(
    cohort: Cohort, asked: Modification, *, model: str = "negative-binomial", **more: Any
) -> pd.DataFrame:
    """Return the ratio of a night's deviation at values of a modifier, then the ratio of two of these ratios.

    One model has the deviation, the modifier and their product, with what the causal graph asks for beside; the ratio
    of ratios is of the joint covariance. Both are on the line of the model, also where no night was.

    Args:
        cohort: a diary.
        asked: exposure, modifier, and which ratios.
        model: a model of nights.
        more: other arguments of :func:`crampstudy.fit`.

    Returns:
        Tidy estimates: ``term`` is the exposure, ``level`` the value of the modifier; of the declared one both.

    Raises:
        UsageError: as of :func:`crampstudy.fit`.
    """
    graph, within = study(), f"{WITHIN}({asked.exposure})"
    found = adjustment_of(cohort, within, "cramps", graph)
    covariates = covariates_of(cohort, found, graph, (asked.exposure, asked.modifier))
    product = f"{within}:{asked.modifier}"
    terms = " + ".join([within, asked.modifier, product, *covariates])
    fitted = fit(cohort, model=model, terms=terms, **more)
    rows = fitted.estimates
    kept = set(rows.loc[rows["status"].isin(["converged", "boundary"]), "term"])
    said = with_left_out(found, [term for term in single_terms(covariates) if term not in kept])
    plain = next(row for row in person_time.known(rows[rows["term"] == product]))
    cells = {"analysis": kinds.MODIFIED.name, "term": asked.exposure, "adjusted_for": "; ".join(covariates) or None}
    if fitted.linear is None or plain["status"] not in ("converged", "boundary"):
        shared = ("cohort", "population", "outcome", "model", "ci_level", "note", "scale")
        own = {name: plain[name] for name in shared if name in plain} | cells
        return estimates.frame([estimates.row(status=plain["status"], level=_judged_level(asked), **own)])
    note = estimates.note(said, str(plain.get("note") or ""), _beyond(fitted, asked, cohort))
    return estimates.frame(_rows(fitted, asked, within, cells | {"note": note}))


def _rows(fitted: Fit, asked: Modification, within: str, cells: Row) -> list[Row]:
    assert fitted.linear is not None
    at, against, made = {within: asked.size}, {within: 0.0}, []
    for value in asked.values:
        side = {asked.modifier: value}
        row = fitted.linear.ratio({**at, **side}, {**against, **side})
        made.append(_of(row, cells | {"level": f"at {value:g} {asked.unit}", "unit": asked.printed}))
    high, low = ({asked.modifier: value} for value in asked.declared)
    row = fitted.linear.ratio_of_ratios(at, against, where=high, than=low)
    judged = cells | {"term": f"{CONTRAST}{asked.exposure}", "level": _judged_level(asked), "unit": asked.printed}
    made.append(person_time.judged(_of(row, judged), MARGINS))
    return made


def _of(row: Row, cells: Row) -> Row:
    kept = {name: cell for name, cell in row.items() if name not in ("key", "reference") and cell is not None}
    return estimates.row(**kept | cells | {"note": estimates.note(row["note"] or "", cells["note"] or "")})


def _judged_level(asked: Modification) -> str:
    high, low = asked.declared
    return f"{high:g} against {low:g} {asked.unit}"


def _beyond(fitted: Fit, asked: Modification, cohort: Cohort) -> str:
    """Say which of the modifier's values no night had."""
    known = cohort.frame("diary")[asked.modifier].drop_nulls()
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    every = dict.fromkeys([*asked.values, *asked.declared])
    beyond = [f"{value:g}" for value in sorted(every) if not low <= value <= high]
    if not beyond:
        return ""
    return f"no night was at {' or '.join(beyond)} {asked.unit}, where the line of the model is followed"
