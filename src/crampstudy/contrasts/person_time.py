"""Rows of exposures of person-time: those of a fit under the name of the variable, with the nights in ``level``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import codebook, estimates, wording
from crampstudy.causal.graph import together
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import WITHIN, Exposure, Part
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS, Margins, verdict
from crampstudy.models.coefficients.ratio import Linear
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.terms.columns import quoted
from crampstudy.models.terms.declared_contrasts import Beyond
from crampstudy.models.validation import default_outcome
from crampstudy.nights import diary_columns
from crampstudy.nights.calendar import CALENDAR
from crampstudy.wording import CONTRAST

Row = dict[str, Any]


def part(variable: str, which: Part, model: str, outcome: str | None) -> Exposure:
    """Return a part of a nightly variable; its mean is without the night whose outcome can move it."""
    moved = codebook.can_move(default_outcome(model, outcome), variable)
    return Exposure(quoted(variable), which, moved)


def joined(beside: str, exposures: Sequence[Exposure]) -> str:
    """Return the terms of a model with ``exposures`` before what it is adjusted for, of which few people have less.

    Raises:
        UsageError: there is none, or one is named twice.
    """
    terms = [str(exposure) for exposure in exposures]
    if not terms or len(set(terms)) < len(terms):
        raise UsageError("name at least one nightly exposure, and each once, such as ['alcohol_units']")
    return " + ".join([*terms, *filter(None, [beside.strip()])])


def deviations(columns: Iterable[str], cohort: Cohort) -> list[str]:
    """Return the terms by which a comparison within participants is adjusted for ``columns`` of a causal graph.

    What differs from night to night enters as the deviation from the participant's mean; the calendar is as it is.
    """
    nightly = diary_columns(cohort).keys() - CALENDAR.keys()
    made = []
    for column in (one for each in columns for one in together(each)):
        exposure = exposures.find(column) or Exposure(quoted(column))
        made.append(str(replace(exposure, part=WITHIN)) if exposure.variable in nightly else column)
    return made


def of_term(fitted: Fit, exposure: Exposure, level: str, kind: kinds.Kind) -> list[Row]:
    """Return the rows of an exposure in a fit, per unit and at its declared contrast, as rows of its variable."""
    rows = fitted.estimates
    own = rows[rows["term"].isin([str(exposure), f"{CONTRAST}{exposure}"]) & ~kinds.is_split(rows)]
    made = []
    for cells in known(own):
        declared = CONTRAST if cells["term"].startswith(CONTRAST) else ""
        cells |= {"term": f"{declared}{exposure.variable}", "level": level, "analysis": kind.name}
        made.append(estimates.row(**{name: cell for name, cell in cells.items() if name != "reference"}))
    return made


def known(rows: pd.DataFrame) -> list[Row]:
    """Return the cells of rows that are there, without their keys."""
    return [
        {name: cell for name, cell in row.items() if name != "key" and not pd.isna(cell)}
        for row in wording.records(rows)
    ]


def step(fitted: Fit, exposure: Exposure) -> float:
    """Return how many units the rows of an exposure in a fit are per; 1 where they have no estimate."""
    rows = fitted.estimates[fitted.estimates["term"] == str(exposure)]
    if fitted.linear is None or not len(rows) or not np.isfinite(value := float(rows["estimate"].iloc[0])):
        return 1.0
    (place,) = (i for i, column in enumerate(fitted.linear.design.columns) if column.term == str(exposure))
    coefficient = float(fitted.linear.coefficients[place])
    shown = value if fitted.linear.scale.of else float(np.log(value))
    # What is asked is a power of ten, or the multiple that was named.
    return float(f"{shown / coefficient:.6g}") if coefficient else 1.0


def contrast(fitted: Fit, exposure: Exposure) -> float | None:
    """Return how far the two values of an exposure's declared contrast in a fit lie apart, ``None`` without one."""
    rows = fitted.estimates[fitted.estimates["term"] == f"{CONTRAST}{exposure}"]
    return float(rows["level"].iloc[0]) - float(rows["reference"].iloc[0]) if len(rows) else None


def judged(row: Row, margins: Margins) -> Row:
    """Return a row of a declared contrast with its verdict."""
    said = verdict(row, margins)
    return row if said is None else row | {"verdict": said}


def judged_inside(row: Row, linear: Linear, name: str, size: float, margins: Margins = MARGINS) -> Row:
    """Return a row at a ``size`` of a number of a fit with its verdict, unless that lies far beyond what was observed.

    Args:
        row: the row.
        linear: the fit.
        name: the number as its term is written.
        size: how far the two values lie apart that the row compares.
        margins: those of a ratio.
    """
    low, high = linear.design.observed.get(name, (-math.inf, math.inf))
    beyond = Beyond.of(abs(size), high - low)
    return beyond.on(judged(row, margins)) if beyond else judged(row, margins)
