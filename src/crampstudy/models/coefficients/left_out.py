"""Rows of terms that a model left out: those not measured, those that do not vary, those there is no room for."""

from __future__ import annotations

from crampstudy import estimates
from crampstudy.estimates import adjustment
from crampstudy.models.coefficients.rows import Row, Scale
from crampstudy.models.terms.design_matrix import Design

CROWDED = "left out, as there are too few participants for so many coefficients"


def of_left_out(design: Design, scale: Scale, base: Row) -> list[Row]:
    """Return a row for each term the cohort never measured, each that does not vary, and each there is no room for."""
    cells = {k: base[k] for k in ("cohort", "population", "outcome", "analysis", "model")} | {"scale": scale.ratio}
    absent = {"status": "not_measured", "note": "not measured in this cohort", **cells}
    unmeasured = [estimates.row(term=term, **absent) for term in design.not_measured]
    lost = cells | {"status": "not_estimable"}
    constant = [estimates.row(term=term, note=design.why_flat(term), **lost) for term in design.constant]
    crowded = lost | adjustment.cells(adjustment.LEFT_OUT, design.surplus)
    surplus = [estimates.row(term=term, note=CROWDED, **crowded) for term in design.surplus]
    return unmeasured + constant + surplus
