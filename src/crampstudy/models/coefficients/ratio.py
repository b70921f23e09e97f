"""The ratio between any two sets of values of a fitted model, such as two ages on a spline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crampstudy import estimates, suggestions
from crampstudy.arrays import Array
from crampstudy.errors import UsageError
from crampstudy.estimates import verdicts
from crampstudy.models.coefficients.rows import ALONE, TEST, Row, Scale, shown, untested, wald_cells
from crampstudy.models.inference.automatic import Moments, notes
from crampstudy.models.inference.covariance import combined, p_value, quantile
from crampstudy.models.inference.implied import Resting
from crampstudy.models.terms import design_matrix
from crampstudy.models.terms.functions import text_of
from crampstudy.nights import AGE_CENTRE
from crampstudy.readable import OneLine

Value = float | str | bool


@dataclass(frozen=True, slots=True, repr=False)
class Linear(OneLine):
    """A fitted linear predictor: the design, coefficients (p) and their variance (p x p).

    ``moments`` give the degrees of freedom of combinations of coefficients. ``cells`` are the cells that all rows of
    the fit share, ``scale`` that of its ratios or differences. ``tell`` says by the place of a deviation from
    participants' own means how many of them tell of it, ``resting`` by that of a level on whom its ratio rests.
    """

    design: design_matrix.Design
    coefficients: Array
    variance: Array
    moments: Moments
    cells: Row
    scale: Scale
    tell: Mapping[int, int] = field(default_factory=dict)
    resting: Mapping[int, Resting] = field(default_factory=dict)

    @property
    def df(self) -> Array:
        """Degrees of freedom of t of the coefficients (p)."""
        return self.moments.df()

    def ratio(self, at: Mapping[str, Value], against: Mapping[str, Value]) -> Row:
        """Return the row of the ratio at the values ``at`` to that at the values ``against``.

        Variables that are not named are the same in both and cancel out.

        Raises:
            UsageError: the two do not name the same variables, one is not in the fit, another interacts with one
                of them and is not named, a level is unknown, or a value lies beyond a spline's observed range.
        """
        contrast = self._contrast(at, against)
        cells = {
            "term": ", ".join(at),
            "level": ", ".join(map(text_of, at.values())),
            "reference": ", ".join(text_of(against[name]) for name in at),
            "unit": f"{self.scale.of}, difference of the two" if self.scale.of else "ratio of the two",
        }
        return self._row(contrast, cells)

    def ratio_of_ratios(
        self,
        at: Mapping[str, Value],
        against: Mapping[str, Value],
        *,
        where: Mapping[str, Value],
        than: Mapping[str, Value],
    ) -> Row:
        """Return the row of the ratio ``at`` to ``against`` at the values ``where`` over the same ratio at ``than``.

        Such as ``ratio_of_ratios({"fluid_ml": -500}, {"fluid_ml": 0}, where={"warm": True}, than={"warm": False})``.

        Raises:
            UsageError: as of :meth:`ratio`.
        """
        cells = {
            "term": ", ".join(at),
            "level": ", ".join(map(text_of, where.values())),
            "reference": ", ".join(map(text_of, than.values())),
            "unit": f"{self.scale.of}, difference of differences" if self.scale.of else "ratio of ratios",
        }
        upper, lower = (self._contrast({**at, **side}, {**against, **side}) for side in (where, than))
        return self._row(upper - lower, cells)

    def _contrast(self, at: Mapping[str, Value], against: Mapping[str, Value]) -> Array:
        """Return the difference of the design at two sets of values (p)."""
        sides = [self._in_decades(side) for side in (at, against)]
        self._check_names(*sides)
        self._check_observed(*sides)
        upper, lower = self.design.encode(pd.DataFrame([{name: side[name] for name in sides[0]} for side in sides]))
        contrast: Array = upper - lower
        return contrast

    def _row(self, contrast: Array, own: Row) -> Row:
        """Return the row of the combination ``contrast`` (p) of the coefficients, with cells of its ``own``."""
        cells = self.cells | own
        if not contrast.any():
            return estimates.row(status="not_estimable", **cells | {"note": "both sides are the same"})
        # A level that has no estimate takes none from the others.
        moved = np.flatnonzero(contrast)
        block = self.variance[np.ix_(moved, moved)]
        (value,), (error,) = combined(contrast[None, moved], self.coefficients[moved], block)
        if np.isnan(error):
            return estimates.row(status="not_estimable", **cells | {"note": ALONE})
        tell = [self.tell[i] for i in moved.tolist() if i in self.tell]
        cells |= verdicts.resting_on(cells, min(tell, default=None))
        on = [self.resting[i] for i in moved.tolist() if i in self.resting]
        if fewest := min(on, key=lambda each: each.participants, default=None):
            cells |= fewest.on(cells)
        (df,), (said,) = self.moments.df(contrast[None, :]).tolist(), notes(self.moments, contrast[None, :])
        cells |= {"note": estimates.note(said, cells.get("note") or "")}
        tested = {"std_error": error, "df": df, "p_value": p_value(value / error, df) if error > 0 else None}
        return shown(value, quantile(cells["ci_level"], df) * error, self.scale, cells | tested)

    def joint_test(self, places: Sequence[int]) -> Row:
        """Return the cells of the Wald test that the coefficients at these places are all 0, or why there is none."""
        block = self.variance[np.ix_(places, places)]
        if reason := untested(block):
            return {"status": "not_estimable", "scale": TEST, "note": reason}
        df = float(np.min(self.df[list(places)]))
        return {"status": "converged", **wald_cells(self.coefficients[list(places)], block, df)}

    def _in_decades(self, side: Mapping[str, Value]) -> dict[str, Value]:
        """Return values with the age as the fit has it, where it is given in years."""
        known, made = self.design.variables, dict(side)
        if "age_years" in made and "age_years" not in known and "age_decade" in known and "age_decade" not in made:
            age = made.pop("age_years")
            if isinstance(age, (str, bool)):
                raise UsageError(f"age_years = {age!r} is no number; age_years takes a number of years")
            made["age_decade"] = (age - AGE_CENTRE) / 10
        return made

    def _check_names(self, at: Mapping[str, Value], against: Mapping[str, Value]) -> None:
        names = tuple(at)
        if set(names) != set(against) or not names:
            raise UsageError(f"name the same variables on both sides, got {_listed(at)} and {_listed(against)}")
        if unknown := [name for name in names if name not in self.design.variables]:
            said, has = f"{unknown[0]!r} is not in the fit", f"it has {_listed(self.design.variables)}"
            raise suggestions.unknown(UsageError, said, unknown[0], self.design.variables, has)
        for term in self.design.terms():
            needed = set(self.design.names[term])
            if needed & set(names) and (lacking := sorted(needed - set(names))):
                raise UsageError(
                    f"{names[0]} acts together with {lacking[0]} in {term}; name {lacking[0]} on both sides"
                )

    def _check_observed(self, *sides: Mapping[str, Value]) -> None:
        """Refuse a value where a spline has no data: what it says there is its boundary line."""
        for smooth in self.design.smooths:
            low, high = smooth.observed
            for value in (side[smooth.variable] for side in sides if smooth.variable in side):
                if not low <= float(value) <= high:
                    raise UsageError(
                        f"{smooth.variable} = {text_of(value)} is where nobody is: values run from {low:g} to "
                        f"{high:g}, and {smooth.term} says nothing beyond them; give one of these"
                    )


def _listed(names: object) -> str:
    shown = sorted(names)  # type: ignore[call-overload]
    return ", ".join(shown) or "nothing"
