from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from crampstudy import AgeBands, describe, figures, fit, open_cohort
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.descriptive import characteristics as who
from crampstudy.simulate import simulate


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(150, 25, seed=5)


@pytest.fixture(scope="module")
def parity() -> Cohort:
    return open_cohort(Path(__file__).parent / "parity" / "diary")


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    # What another test has left behind is collected here, and not while figures are drawn.
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(figure: Figure) -> list[str]:
    """Draw a figure, nothing of which reaches out of it, and return its texts."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert box.x0 > -0.02 and box.y0 > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def bars(figure: Figure) -> list[ErrorbarContainer]:
    return [c for c in figure.axes[0].containers if isinstance(c, ErrorbarContainer)]


def test_rates_draw_each_band_once(cohort: Cohort) -> None:
    rows = describe(cohort).estimates
    figure = figures.rates(rows)
    texts = drawn(figure)
    assert {"20–39", "40–49", "50–59", "60–69", "70–79", "80+", "Cramps per person-week"} <= set(texts)
    assert not {"20+", "50+", "60+"} & set(texts)
    points = bars(figure)[0].lines[0].get_ydata()
    crude = rows[(rows["analysis"] == "incidence rate")].set_index("level")["estimate"]
    assert list(points) == crude.loc[["20-39", "40-49", "50-59", "60-69", "70-79", "80+"]].tolist()


def test_rates_by_sex_are_not_called_ages(cohort: Cohort) -> None:
    texts = drawn(figures.rates(describe(cohort, "sex").estimates))
    assert {"female", "male", "Sex"} <= set(texts)
    assert not {"Age (years)", "all"} & set(texts)


def test_forest_has_a_line_per_ratio(cohort: Cohort) -> None:
    terms = "age_decade + sex + leg_ultrasound + serum_potassium_mmol_l + weight_exam"
    rows = fit(cohort, model="negative-binomial", terms=terms).estimates
    figure = figures.ratios(rows)
    texts = drawn(figure)
    ratios = rows[~rows["term"].isin(["intercept", "dispersion"]) & (rows["status"] == "converged")]
    # A number is drawn once, at its declared contrast.
    ratios = ratios[~ratios["term"].isin(["age_decade", "serum_potassium_mmol_l"])]
    assert len(ratios) == 5
    assert list(bars(figure)[0].lines[0].get_xdata()) == ratios["estimate"].tolist()
    assert {"Age, 75 against 50 years", "Sex, female against male", "Rate ratio (95% CI), log scale"} <= set(texts)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "Age, 75 against 50 years"
    assert figure.axes[0].get_ylim()[0] < figure.axes[0].get_ylim()[1]


@pytest.mark.parametrize(("low", "high"), [(0.99, 1.01), (0.001, 900.0), (2.1, 2.4)])
def test_forest_has_ticks_at_any_range(cohort: Cohort, low: float, high: float) -> None:
    rows = fit(cohort, model="poisson", terms="sex").estimates
    rows.loc[0, ["estimate", "ci_low", "ci_high"]] = [(low * high) ** 0.5, low, high]
    figure = figures.ratios(rows)
    drawn(figure)
    left, right = figure.axes[0].get_xlim()
    assert sum(left <= tick <= right for tick in figure.axes[0].get_xticks()) >= 2
    # What reaches beyond the window ends in an arrow at its edge.
    assert left <= max(low, 0.01) and right >= min(high, 100)
    arrows = {line.get_marker(): len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() in "<>"}
    assert arrows == {"<": int(low < 0.01), ">": int(high > 100)}


def test_curve_over_age(cohort: Cohort) -> None:
    rows = age_curve(cohort)
    figure = figures.age_curve(rows)
    assert "Age (years)" in drawn(figure)
    assert list(figure.axes[0].lines[0].get_ydata()) == rows["estimate"].tolist()


def test_who_is_in_the_cohort(cohort: Cohort) -> None:
    counts = who.participants_by_band(cohort, AgeBands())
    figure = figures.participants(counts)
    assert {"Women", "Men", "Participants"} <= set(drawn(figure))
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == counts["n_participants"].sum()
    weekly = figures.weekly_completeness(who.completeness_by_week(cohort))
    drawn(weekly)
    assert len(weekly.axes[0].lines[0].get_xdata()) == 4
    texts = drawn(figures.measured(who.measured(cohort, ["diabetes", "weight_exam", "lean_mass_index_kg_m2"])))
    assert "Examination weight (not measured)" in texts


def test_summary_band_and_youngest_band_of_another_set_of_bands(cohort: Cohort) -> None:
    texts = drawn(figures.rates(describe(cohort, bands=AgeBands((40, 60))).estimates))
    assert {"<40", "40–59", "60+"} <= set(texts)


def message(figure: Figure) -> str:
    assert figure.axes == []
    return " ".join(" ".join(drawn(figure)).split())


def test_what_could_not_be_estimated_is_said_in_the_figure(cohort: Cohort) -> None:
    nobody = "age_years > 110"
    failed = fit(cohort, model="poisson", terms="sex", where=nobody).estimates
    assert message(figures.ratios(failed)) == "Could not estimate: no night is complete on the terms."
    assert message(figures.rates(describe(cohort, where=nobody).estimates)) == "Could not estimate: no observed night."
    assert message(figures.age_curve(age_curve(cohort, youngest=110))).startswith("Could not estimate: a curve needs")
    unmeasured = fit(cohort, model="poisson", terms="weight_exam").estimates
    assert message(figures.ratios(unmeasured)) == "Could not estimate: no term was measured in this cohort."


def test_nothing_at_all_is_said_too(cohort: Cohort) -> None:
    empty: pd.DataFrame = describe(cohort).estimates.iloc[:0]
    draw = (
        *(figures.rates, figures.prevalence, figures.age_curve, figures.ratios),
        *(figures.participants, figures.weekly_completeness, figures.measured),
    )
    for figure in draw:
        assert message(figure(empty)).startswith("Could not estimate: ")


def test_a_long_reason_stays_within_the_figure() -> None:
    from crampstudy.figures.message import could_not_estimate

    assert message(could_not_estimate("no cramp where a very long condition holds; " * 30)).endswith("…")
