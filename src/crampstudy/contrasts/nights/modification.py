"""Whether the ratio of a nightly exposure differs with another variable: the ratio at its values, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.causal import study
from crampstudy.codebook.exposures import WITHIN
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import covariates_of, held_of, single_terms
from crampstudy.contrasts.nights.nightly import adjustment_of
from crampstudy.estimates import facts, kinds, verdicts
from crampstudy.models.coefficients.ratio import Linear, Value
from crampstudy.models.fit import fit
from crampstudy.nights import Diary, observed_night
from crampstudy.wording import CONTRAST

Row = dict[str, Any]
"""Before the values of a modifier that no night had."""
_ON_LINE = ", where the line of the model is followed"
"""What a note says of values that no night had."""


@dataclass(frozen=True, slots=True)
class Modification:
    """A question of an ``exposure`` and its ``modifier``.

    The ratio is that of ``size`` more of the exposure than the person's own mean, without one of the 90th against the
    10th centile of such deviations. It is shown at the values ``at`` of the modifier, by how they are printed; the
    ratio of those of the two in ``judged``, the first over the second, has the verdict, and ``unit`` says the size.
    """

    exposure: str
    modifier: str
    size: float | None
    at: Mapping[str, Value]
    judged: tuple[str, str]
    unit: str

    @property
    def level(self) -> str:
        """The level of the row that is judged: ``30 °C against 10 °C``."""
        return " against ".join(self.judged)


def modified_ratio(
    cohort: Cohort, asked: Modification, *, model: str = "negative-binomial", **more: Any
) -> pd.DataFrame:
    """Return the ratio of a night's deviation at values of a modifier, then the ratio of two of these ratios.

    One model has the deviation, the modifier and their product, with what the causal graph asks for beside; the ratio
    of ratios is of the joint covariance. Both are on the line of the model; at a value that no night had they are
    beyond all that was observed.

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
    fitted = fit(cohort, model=model, terms=terms, adjusted_for=covariates, **more)
    rows = fitted.estimates
    held = held_of(found, fitted, covariates)
    plain = next(row for row in person_time.known(rows[rows["term"] == product]))
    kept = [term for term in single_terms(covariates) if term not in {*fitted.surplus, *fitted.left_out}]
    cells: Row = {"analysis": kinds.MODIFIED.name, "term": asked.exposure, "adjusted_for": "; ".join(kept) or None}
    if fitted.linear is None or plain["status"] not in ("converged", "boundary"):
        shared = ("cohort", "population", "outcome", "model", "ci_level", "note", "scale")
        own = {name: plain[name] for name in shared if name in plain} | cells
        return estimates.frame([estimates.row(status=plain["status"], level=asked.level, **own)])
    size = asked.size if asked.size is not None else _between_centiles(cohort, asked.exposure)
    lacking = _unseen(asked, cohort)
    never = {"never at": " or ".join(lacking)}
    cells |= {"facts": never, "note": held.sentence, "unit": asked.unit, **held.cells}
    return estimates.frame(_rows(fitted.linear, asked, size, cells, lacking))


def _rows(linear: Linear, asked: Modification, size: float, cells: Row, lacking: Sequence[str]) -> list[Row]:
    """Return the ratios at the values of the modifier, then the ratio of the two that are judged.

    Args:
        linear: the model.
        asked: exposure, modifier, and which ratios.
        size: how far the two values of the exposure lie apart.
        cells: the cells that the rows share.
        lacking: which values of the modifier no night had: ratios there are beyond all that was observed.
    """
    within, made = f"{WITHIN}({asked.exposure})", []
    at, against = {within: size}, {within: 0.0}
    sides = {printed: {asked.modifier: value} for printed, value in asked.at.items()}
    for printed, side in sides.items():
        row = _of(linear.ratio({**at, **side}, {**against, **side}), cells | {"level": printed})
        never = f"{verdicts.NEVER_AT} {printed}"
        made.append(verdicts.unjudged(row, never, beyond=True) if printed in lacking else row)
    where, than = (sides[printed] for printed in asked.judged)
    row = linear.ratio_of_ratios(at, against, where=where, than=than)
    judged = cells | {"term": f"{CONTRAST}{asked.exposure}", "level": asked.level}
    beyond = f"{verdicts.NEVER_AT} {' or '.join(lacking)}{_ON_LINE}" if lacking else ""
    if {*asked.judged} & {*lacking}:
        # A verdict of a line beyond all nights would be one on the line.
        return [*made, verdicts.unjudged(_of(row, judged), beyond, beyond=True)]
    whole = _of(row, judged | {"note": estimates.note(beyond, cells["note"])})
    return [*made, person_time.judged_inside(whole, linear, within, size)]


def _of(row: Row, cells: Row) -> Row:
    kept = {name: cell for name, cell in row.items() if name not in ("key", "reference") and cell is not None}
    told = facts.read(row["facts"]) | cells["facts"]
    note = estimates.note(row["note"] or "", cells["note"] or "")
    return estimates.row(**kept | cells | {"facts": told, "note": note})


def _between_centiles(cohort: Cohort, exposure: str) -> float:
    """Return how far the 10th and the 90th centile of nights' deviations from the person's mean lie apart."""
    nights = Diary.of(cohort).nights.filter(observed_night(cohort)).select("participant_id", exposure).drop_nulls()
    away = nights.select(pl.col(exposure) - pl.col(exposure).mean().over("participant_id")).collect().to_series()
    low, high = np.quantile(away.to_numpy(), (0.1, 0.9))
    return float(high - low)


def _unseen(asked: Modification, cohort: Cohort) -> list[str]:
    """Return the values of the modifier beyond those of all nights, as printed, where they are numbers."""
    values = {printed: value for printed, value in asked.at.items() if not isinstance(value, (str, bool))}
    if not values:
        return []
    known = cohort.frame("diary")[asked.modifier].drop_nulls()
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    return [printed for printed, value in values.items() if not low <= value <= high]
