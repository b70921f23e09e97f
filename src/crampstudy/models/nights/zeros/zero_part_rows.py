"""The tidy rows of a model's zero part: odds ratios beside the rate ratios of its counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crampstudy import estimates
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.coefficients import reporting_units, rows
from crampstudy.models.coefficients.left_out import of_left_out
from crampstudy.models.coefficients.result import association
from crampstudy.models.coefficients.rows import Row
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.nights.solution import Solution
from crampstudy.models.terms import design_matrix
from crampstudy.wording import ZERO_PART


def zero_rows(
    solution: Solution, base: Row, ci_level: float, per: Mapping[str, float], margins: Margins = MARGINS
) -> list[Row]:
    """Return the odds ratios of the zero part, then its odds at the reference; none where the model has no such part.

    The odds are of an excess zero in a zero-inflated model, of a night without a cramp in a hurdle model.

    Args:
        solution: the solved model.
        base: the cells that the model's rows share.
        ci_level: confidence level, such as 0.95.
        per: multiples in which numeric terms are reported, by term.
        margins: those of the verdicts.
    """
    design, named = solution.zero, solution.engine.zero_part
    if design is None or named is None:
        return []
    scale = rows.Scale("odds_ratio", "odds", named)
    cells = base | {"estimand": f"{association(design)}, {named}"}
    answer = solution.of_whole(_answer(solution, design), 1)
    design = solution.rests[1].whole if solution.rests else design
    per = reporting_units.steps(answer, design, scale, per, ci_level)
    made = rows.rows(answer, scale, cells, ci_level, per, margins)
    made += of_left_out(design, scale, cells)
    return [_renamed(row) for row in made]


def _answer(solution: Solution, design: design_matrix.Design) -> rows.CoefficientTable:
    solved = solution.solved
    if solved is None or solved.problem or solved.zero is None:
        return rows.CoefficientTable.none(
            design, "not_converged" if solved else "not_estimable", solution.reason or str(solved and solved.problem)
        )
    part = solved.zero
    if part.status != "converged":
        return rows.CoefficientTable.none(design, part.status, str(part.reason))
    return rows.CoefficientTable(
        design.columns,
        part.coefficients,
        np.sqrt(np.diag(part.variance)),
        part.moments,
        part.status,
        smooths=design.smooths,
        variance=part.variance,
        declared=design.declared,
    ).resting_on(exposed(design, solution.data.groups))


def _renamed(row: Row) -> Row:
    cells = {name: cell for name, cell in row.items() if name not in ("key", "status")}
    return estimates.row(status=row["status"], **cells | {"term": f"{ZERO_PART}{row['term']}"})
