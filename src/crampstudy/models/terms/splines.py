"""Natural cubic splines for formulas: ``ns(age_years, df=3, ref=60)``, zero at the reference value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from formulaic.materializers.types import FactorValues
from formulaic.utils.stateful_transforms import stateful_transform
from numpy.typing import NDArray

from crampstudy.arrays import Array

NAME, PEOPLE = "ns", "_people"
_SHOWN = (0.1, 0.25, 0.5, 0.75, 0.9)


def natural(values: Array, knots: Array) -> Array:
    """Return the basis (n x k-1) of natural cubic splines at ``values`` (n); ``knots`` (k, at least 2) increase.

    The first and last knot are the boundary, beyond which the curve is a straight line. The columns span, beside
    the constant, what R's ``splines::ns`` spans with the same knots.

    Source: Hastie, Tibshirani and Friedman 2009, equation 5.4.
    """
    # On the unit interval, so that the unit of the variable does not matter.
    span = knots[-1] - knots[0]
    x, at = (values - knots[0]) / span, (knots - knots[0]) / span
    # A row per column: what is done to one of them is done to numbers that stand together.
    above = np.maximum(x - at[:, None], 0)
    cubes = above * above * above
    slopes = (cubes[:-1] - cubes[-1]) / (at[-1] - at[:-1])[:, None]
    basis: Array = np.concatenate([x[None], slopes[:-1] - slopes[-1]]).T
    return basis


def place_knots(once: Array, df: int, inner: Sequence[float] | None) -> Array:
    """Return the knots: the range of the values ``once``, and between them ``inner`` or quantiles for ``df`` columns.

    Raises:
        ValueError: ``df`` is below 1, or the knots do not increase within the range.
    """
    if not isinstance(df, int) or df < 1:
        raise ValueError(f"ns() takes a whole number of degrees of freedom from 1 on, got df={df}")
    between = np.quantile(once, np.arange(1, df) / df) if inner is None else np.asarray(inner, dtype=float)
    knots: Array = np.concatenate([[once.min()], between, [once.max()]])
    if not (np.diff(knots) > 0).all():
        shown = ", ".join(f"{knot:g}" for knot in knots)
        what = "give a smaller df, or knots=[...]" if inner is None else "give them in order, inside the range"
        raise ValueError(f"the knots of ns() do not increase from boundary to boundary ({shown}); {what}")
    return knots


def _once(values: Array, people: NDArray[np.intp]) -> Array:
    """Return the different values of each participant: an age counts once, however many nights were logged."""
    order = np.lexsort((values, people))
    ordered, who = values[order], people[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]) | (who[1:] != who[:-1]))
    once: Array = ordered[new]
    return once


def _readable(values: Array) -> tuple[float, ...]:
    """Return about five round values over the middle of ``values``."""
    low, high = np.quantile(values, [_SHOWN[0], _SHOWN[-1]])
    if high <= low:
        return ()
    rough = (high - low) / len(_SHOWN)
    scale = 10.0 ** np.floor(np.log10(rough))
    step = scale * min((1, 2, 5, 10), key=lambda factor: abs(factor * scale - rough))
    shown = {round(float(q / step)) * step for q in np.quantile(values, _SHOWN)}
    # A value rounded away from the middle may be one that nobody has.
    shown = {value for value in shown if values.min() <= value <= values.max()}
    # Rounded to the digits of the step: 0.30000000000000004 is no readable value.
    digits = max(0, -int(np.floor(np.log10(step))))
    return tuple(sorted(round(float(value), digits) for value in shown))


def _check_observed(once: Array, **stated: Sequence[float]) -> None:
    low, high = once.min(), once.max()
    for name, values in stated.items():
        if out := [value for value in values if not low <= value <= high]:
            raise ValueError(
                f"{name} of ns() is {out[0]:g}, where nobody is: values run from {low:g} to {high:g}; give one of these"
            )


@stateful_transform  # type: ignore[untyped-decorator]
def ns(
    data: Any,
    df: int = 3,
    knots: Sequence[float] | None = None,
    ref: float | None = None,
    at: Sequence[float] | None = None,
    _state: dict[str, Any] | None = None,
    _context: Mapping[str, Any] | None = None,
) -> Any:
    """Return the spline of formulas: ``df`` columns, or as many as there are inner ``knots`` and one.

    Zero at ``ref`` (the median, if not given), so that the fit's ratios are against it; shown at ``at``. On its first
    rows, the context gives under :data:`PEOPLE` a function that returns their participants (codes, length n).

    Args:
        data: the values (n).
        df: the number of columns.
        knots: inner knots, instead of ``df``.
        ref: the value where the spline is zero; the median, if not given.
        at: the values that are shown.
        _state: what the first rows leave for others.
        _context: gives under :data:`PEOPLE` a function that returns the first rows' participants (codes, n).

    Raises:
        ValueError: the knots do not increase, or ``ref`` or a value of ``at`` lies outside the values observed.
    """
    values, state = np.asarray(data, dtype=float), {} if _state is None else _state
    if "knots" not in state:
        once = _once(values, _context[PEOPLE]() if _context is not None else np.arange(len(values)))
        _check_observed(once, ref=() if ref is None else (ref,), at=at or ())
        state["knots"] = place_knots(once, df, knots)
        state["ref"] = float(np.median(once) if ref is None else ref)
        shown = _readable(once) if at is None else tuple(map(float, at))
        state["at"] = tuple(value for value in shown if value != state["ref"])
    columns = dict(enumerate(centred(values, state).T, 1))
    return FactorValues(columns, kind="numerical", spans_intercept=False, format="{name}[{field}]")


def centred(values: Array, state: dict[str, Any]) -> Array:
    """Return the basis at ``values`` less that at the reference; ``state`` is what ``ns`` kept of its first rows."""
    knots = state["knots"]
    return natural(values, knots) - natural(np.array([state["ref"]]), knots)
