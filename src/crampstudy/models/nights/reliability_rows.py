"""The reliability of the person means in a model: a row for each, and the warning beside the ratio between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from crampstudy import estimates as tidy
from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN
from crampstudy.estimates import kinds
from crampstudy.estimates.reliability import LEAST, WANTED, UnreliableMean, warned, warning
from crampstudy.models.coefficients import rows
from crampstudy.models.inference.reliability import Reliability
from crampstudy.models.nights.solution import Solution
from crampstudy.models.request import ModelRequest
from crampstudy.nights.person_moments import person_moments

CORRECTED_BY = "crampstudy.contrasts.within_between.within_between gives the ratio corrected for it"


def with_reliability(
    request: ModelRequest, solution: Solution, cells: rows.Row, made: Sequence[rows.Row], told: Collection[str] = ()
) -> list[rows.Row]:
    """Return the rows of a model with the reliability of its person means, and what that says of their ratios.

    The means are those of the participants fitted over all of their logged nights.

    Args:
        request: what was asked.
        solution: the model.
        cells: the cells that its rows share.
        made: its rows.
        told: the terms of the rows of another model of the same fit, which may have told a reliability already.
    """
    if not solution.answered:
        return [*made]
    found: list[rows.Row] = []
    said: dict[str, UnreliableMean | None] = {}
    what = "difference" if any(each["scale"] == "difference" for each in made) else "ratio"
    for variable in _means(solution):
        moments = person_moments(request.cohort, [variable], solution.participants)
        reliability = Reliability.of(moments)
        said[variable] = warning(variable, float(reliability.values[0]), what)
        term = f"{wording.RELIABILITY}{variable}"
        more = {"term": term, "n_nights": int(moments.nights.sum()), "adjusted_for": None}
        found += [] if term in told else [row(variable, reliability, 0, cells | more, what)]
    return [*(warned(each, _said_of(each["term"], solution, said)) for each in made), *found]


def row(variable: str, found: Reliability, place: int, cells: rows.Row, what: str = "ratio") -> rows.Row:
    """Return the row of the reliability of one of the means of which ``found`` is, with its warning.

    Args:
        variable: the nightly variable.
        found: the reliabilities of several means.
        place: which of them it is.
        cells: the cells that the rows of the model share.
        what: what the model has of it, a ratio or a difference.
    """
    value, nights = float(found.values[place]), float(found.nights[place])
    cells = cells | {
        "analysis": kinds.RELIABILITY.name,
        "scale": "reliability",
        "unit": f"share of the variance of the person means, at {nights:.1f} nights a participant",
        "estimand": "reliability of the person mean",
        "n_events": None,
    }
    if not np.isfinite(value):
        return tidy.row(
            status="not_estimable", **cells | {"note": "no participant has two nights with it, or none differ"}
        )
    pointer = CORRECTED_BY if LEAST <= value < WANTED else ""
    told = warning(variable, value, what)
    said = tidy.note(f"ICC of a night {found.correlations[place]:.2f}", str(told) if told else "", pointer)
    shown = max(value, 0.0)
    return tidy.row(status="boundary" if value <= 0 else "converged", **cells | {"estimate": shown, "note": said})


def _means(solution: Solution) -> list[str]:
    designs = filter(None, (solution.whole, solution.zero))
    found = [exposures.find(name) for design in designs for name in design.variables]
    return list(dict.fromkeys(e.variable for e in found if e and e.part == BETWEEN))


def _said_of(term: str, solution: Solution, said: Mapping[str, UnreliableMean | None]) -> list[UnreliableMean]:
    """Return what is ``said`` of the means in a term, whether that is of a unit, a contrast or the zero part."""
    design = solution.zero if term.startswith(wording.ZERO_PART) else solution.whole
    own = term.removeprefix(wording.ZERO_PART).removeprefix(wording.CONTRAST)
    names = design.names.get(own, (own,)) if design else ()
    found = [exposures.find(name) for name in names]
    told = (said.get(e.variable) for e in found if e and e.part == BETWEEN)
    return [each for each in told if each is not None]
