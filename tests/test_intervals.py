"""Intervals of figures: cut at the ends of their axis with a mark, and told of in the note where it is so."""

from __future__ import annotations

import math
from typing import Literal

import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from crampstudy import estimates as tidy
from crampstudy import figures
from crampstudy.estimates import kinds
from crampstudy.figures import intervals, style

ROWS = pd.DataFrame(
    {
        "estimate": [1.0, 30.0, 2.0, 3.0],
        "ci_low": [0.5, 25.0, 0.01, math.nan],
        "ci_high": [2.0, 90.0, 40.0, math.nan],
    }
)
ENDS = 0.1, 20.0


@pytest.mark.parametrize(("along", "marks"), [("x", "<>"), ("y", "v^")])
def test_intervals_are_cut_at_the_ends_of_the_axis_with_arrows(along: Literal["x", "y"], marks: str) -> None:
    figure = style.JournalFigure()
    axes = figure.subplots()
    intervals.draw(axes, range(4), ROWS, ENDS, colour="k", along=along)
    (lines,) = (each for each in axes.collections if isinstance(each, LineCollection))
    which = 0 if along == "x" else 1
    spans = [tuple(ends[:, which]) for ends in lines.get_segments()]
    # The second lies beyond the axis altogether; the last has none.
    assert spans == [(0.5, 2.0), (20.0, 20.0), (0.1, 20.0)]
    arrows = {line.get_marker(): [list(line.get_xdata()), list(line.get_ydata())] for line in axes.lines}
    place = {marks[0]: ([0.1], [2]), marks[1]: ([20.0, 20.0], [1, 2])}
    assert arrows == {mark: [*map(list, pair if along == "x" else pair[::-1])] for mark, pair in place.items()}
    assert figure.remarks == [style.ARROW, style.OUTSIDE, style.NO_INTERVAL]
    assert intervals.outside(ROWS, ENDS).tolist() == [False, True, False, False]


def test_what_cannot_be_drawn_is_told_and_nothing_else_is() -> None:
    far = ROWS.iloc[[0, 1]].assign(ci_low=[0.5, math.nan], ci_high=[2.0, math.nan])
    figure = style.JournalFigure()
    intervals.draw(figure.subplots(), range(2), far, ENDS, colour="k")
    assert figure.remarks == [style.UNMARKED]


def test_a_panel_without_anything_to_draw_says_why() -> None:
    cells = {"cohort": "x", "status": "converged", "ci_level": 0.95, "n_participants": 9, "scale": "rate_ratio"}
    cells |= {"analysis": kinds.DISTRIBUTED_LAG.name, "unit": "500 mL/day below own mean"}
    numbers = {"estimate": 1.2, "ci_low": 0.9, "ci_high": 1.6}
    far = [tidy.row(**cells, term="contrast: fluid_ml", level=f"lag {n}", estimate=8e10) for n in (0, 1)]
    near = [tidy.row(**cells, term="contrast: alcohol_units", level=f"lag {n}", **numbers) for n in (0, 1)]
    figure = figures.lag_curves(tidy.frame(far + near))
    fluid, alcohol = figure.axes
    assert "all lie beyond the axis" in fluid.texts[0].get_text() and not alcohol.texts
    assert figure.remarks == [style.UNMARKED]
    assert figures.lag_curves(tidy.frame(far)).texts[0].get_text() == (
        "Could not estimate: no ratio has an interval, and all lie beyond the axis."
    )


def test_nothing_is_said_of_intervals_that_are_whole() -> None:
    figure = style.JournalFigure()
    axes = figure.subplots()
    intervals.draw(axes, [0], ROWS.iloc[[0]], ENDS, colour="k")
    assert not axes.lines and not figure.remarks


def test_what_is_cut_in_a_course_or_a_lag_has_its_mark() -> None:
    cells = {"cohort": "x", "status": "converged", "ci_level": 0.95, "n_participants": 9}
    course = {"analysis": kinds.TREATMENT_COURSE.name, "term": "tens", "population": "took TENS", "scale": "rate"}
    weeks = [("week 1 before", 1.0, 0.5, 9.0), ("week 1", 0.8, 0.4, 1.0)]
    rows = tidy.frame(
        tidy.row(**cells, **course, level=level, estimate=middle, ci_low=low, ci_high=high)
        for level, middle, low, high in weeks
    )
    drawn = figures.treatment_course(rows)
    assert drawn.remarks == [style.ARROW]
    lag = {"analysis": kinds.DISTRIBUTED_LAG.name, "term": "contrast: alcohol_units", "scale": "rate_ratio"}
    rows = tidy.frame(
        tidy.row(**cells, **lag, unit="3 units/day above own mean", level=level, estimate=middle, ci_low=low, ci_high=h)
        for level, middle, low, h in [("lag 0", 1.2, 0.9, 1.6), ("cumulative", 40.0, 0.5, 900.0)]
    )
    assert figures.lag_curves(rows).remarks == [style.ARROW, style.OUTSIDE]
