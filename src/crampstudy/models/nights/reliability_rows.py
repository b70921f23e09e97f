"""The reliability of the person means in a model: a row for each, and the warning beside the ratio between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crampstudy import estimates as tidy
from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.estimates import kinds
from crampstudy.models.coefficients import rows
from crampstudy.models.inference.reliability import LEAST, WANTED, Reliability
from crampstudy.models.nights.solution import Solution
from crampstudy.models.request import ModelRequest
from crampstudy.nights.person_moments import person_moments

CORRECTED_BY = "crampstudy.contrasts.within_between gives the ratio corrected for it"


def reliability_rows(request: ModelRequest, solution: Solution, cells: rows.Row) -> list[rows.Row]:
    """Return a row for each person mean in a model, of the participants fitted and all of their logged nights."""
    found = []
    for variable in _means(solution):
        moments = person_moments(request.cohort, [variable], solution.participants)
        more = {"term": f"{wording.RELIABILITY}{variable}", "n_nights": int(moments.nights.sum()), "adjusted_for": None}
        found.append(row(variable, Reliability.of(moments), 0, cells | more))
    return found


def row(variable: str, found: Reliability, place: int, cells: rows.Row) -> rows.Row:
    """Return the row of the reliability of one of the means of which ``found`` is, with its warning."""
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
    said = rows.note(f"ICC of a night {found.correlations[place]:.2f}", warning(variable, value) or "", pointer)
    shown = max(value, 0.0)
    return tidy.row(status="boundary" if value <= 0 else "converged", **cells | {"estimate": shown, "note": said})


def warning(variable: str, value: float) -> str | None:
    """Return what is to be said of a ratio between participants of which the mean has a reliability of ``value``."""
    if value >= WANTED:
        return None
    far = ", and too far to be corrected" if value < LEAST else ""
    return (
        f"the mean of {variable} has a reliability of {max(value, 0.0):.2f}, so that its ratio between participants is "
        f"drawn towards that within{far}"
    )


def warned(made: Sequence[rows.Row], solution: Solution, found: Sequence[rows.Row]) -> list[rows.Row]:
    """Return the rows ``made`` of a model with the warnings that the reliabilities ``found`` are for their ratios."""
    values = {
        str(r["term"]).removeprefix(wording.RELIABILITY): r["estimate"] for r in found if r["estimate"] is not None
    }
    said = {variable: text for variable, value in values.items() if (text := warning(variable, value))}
    names = solution.whole.names
    terms: dict[str, str] = {}
    for term, of in [
        *names.items(),
        *((f"{wording.CONTRAST}{name}", (name,)) for own in names.values() for name in own),
    ]:
        for exposure in filter(None, map(exposures.find, of)):
            if exposure.part == "between" and exposure.variable in said:
                terms[term] = said[exposure.variable]
    return [r | {"note": rows.note(r["note"] or "", terms[r["term"]])} if r["term"] in terms else r for r in made]


def _means(solution: Solution) -> list[str]:
    found = [exposures.find(name) for name in solution.whole.variables]
    return list(dict.fromkeys(e.variable for e in found if e and e.part == "between"))
