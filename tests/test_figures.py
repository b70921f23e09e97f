from __future__ import annotations

import base64
import gc
import warnings
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from test_age_curve import survey
from test_fit import diary
from tests.drawn_figures import drawn

from crampstudy import AgeBands, analyses, describe, figures, fit, look, open_cohort
from crampstudy import estimates as tidy
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.descriptive import characteristics as who
from crampstudy.errors import UsageError
from crampstudy.estimates import frame
from crampstudy.figures import columns, style
from crampstudy.figures import points as in_groups
from crampstudy.figures.ratio_axis import ratio_ticks, set_ratio_axis
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


def points(figure: Figure, series: int = 0) -> tuple[list[float], list[float]]:
    """The places and values of the points of a series, in the order in which they are drawn."""
    drawn = [line for line in figure.axes[0].lines if line.get_marker() in look.MARKERS and len(line.get_xdata())]
    places, values = (np.asarray(data, dtype=float) for data in drawn[series].get_data())
    # Where another series has a point alone, there is none.
    return places[np.isfinite(values)].tolist(), values[np.isfinite(values)].tolist()


def test_rates_draw_each_band_once(cohort: Cohort) -> None:
    rows = describe(cohort).estimates
    figure = figures.rates(rows)
    texts = drawn(figure)
    bands = ["20-39", "40-49", "50-59", "60-69", "70-79", "80+"]
    crude = rows[(rows["analysis"] == "incidence rate")].set_index("level").loc[bands]
    labels = [f"{band.replace('-', '–')}\nn = {n:.0f}" for band, n in crude["n_participants"].items()]
    assert {*labels, "Cramps per person-week"} <= set(texts)
    assert not {"20+", "50+", "60+"} & {text.partition("\n")[0] for text in texts}
    assert points(figure) == ([0, 1, 2, 3, 4, 5], crude["estimate"].tolist())
    (intervals,) = (drawn for drawn in figure.axes[0].collections if isinstance(drawn, LineCollection))
    assert [tuple(ends[:, 1]) for ends in intervals.get_segments()] == list(
        zip(crude["ci_low"], crude["ci_high"], strict=True)
    )


def test_rates_by_sex_are_not_called_ages(cohort: Cohort) -> None:
    texts = drawn(figures.rates(describe(cohort, "sex").estimates))
    assert {"female", "male", "Sex"} <= {text.partition("\n")[0] for text in texts}
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
    assert points(figure) == (ratios["estimate"].tolist(), [0, 1, 2, 3, 4])
    assert {"Age, 75 against 50 years", "Sex, female against male", "Rate ratio (95% CI), log scale"} <= set(texts)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "Age, 75 against 50 years"
    # The first row stands at the top.
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]


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
    assert arrows == {mark: 1 for mark, far in (("<", low < 0.01), (">", high > 100)) if far}


def test_curve_over_age(cohort: Cohort) -> None:
    rows = age_curve(cohort)
    figure = figures.age_curve(rows)
    assert "Age (years)" in drawn(figure)
    assert list(figure.axes[0].lines[0].get_ydata()) == rows["estimate"].tolist()


def test_who_has_a_value_of_what(cohort: Cohort) -> None:
    texts = drawn(figures.measured(who.measured(cohort, ["diabetes", "weight_exam", "lean_mass_index_kg_m2"])))
    assert "Examination weight (not measured)" in texts


def test_summary_band_and_youngest_band_of_another_set_of_bands(cohort: Cohort) -> None:
    texts = drawn(figures.rates(describe(cohort, bands=AgeBands((40, 60))).estimates))
    assert {"<40", "40–59", "60+"} <= {text.partition("\n")[0] for text in texts}


def message(figure: Figure) -> str:
    assert figure.axes == []
    return " ".join(" ".join(drawn(figure)).split())


def test_what_could_not_be_estimated_is_said_in_the_figure(cohort: Cohort) -> None:
    nobody = "age_years > 110"
    failed = fit(cohort, model="poisson", terms="sex", where=nobody).estimates
    assert (
        message(figures.ratios(failed))
        == "Could not estimate: none of the nights observed meets the condition Age > 110."
    )
    assert (
        message(figures.rates(describe(cohort, where=nobody).estimates))
        == "Could not estimate: no observed night meets the condition."
    )
    assert message(figures.age_curve(age_curve(cohort, youngest=110))).startswith("Could not estimate: a curve needs")
    unmeasured = fit(cohort, model="poisson", terms="weight_exam").estimates
    assert message(figures.ratios(unmeasured)) == "Could not estimate: no term was measured in this cohort."


def test_nothing_at_all_is_said_too(cohort: Cohort) -> None:
    empty: pd.DataFrame = describe(cohort).estimates.iloc[:0]
    draw = (
        *(figures.rates, figures.prevalence, figures.age_curve, figures.ratios),
        figures.measured,
    )
    for figure in draw:
        assert message(figure(empty)).startswith("Could not estimate: ")


def test_a_long_reason_stays_within_the_figure() -> None:
    from crampstudy.figures.message import could_not_estimate

    assert message(could_not_estimate("no cramp where a very long condition holds; " * 30)).endswith("…")


def prevalences(bands: list[str]) -> pd.DataFrame:
    """Rows of prevalence that rise by band, of mild cramps a tenth above those of moderate-severe ones."""
    return frame(
        {
            "analysis": "prevalence",
            "population": band,
            "level": severity,
            "scale": "prevalence",
            "status": "converged",
            "estimate": 0.02 * number + (0.1 if severity == "mild" else 0.0),
            "ci_low": 0.0,
            "ci_high": 0.5,
            "ci_level": 0.95,
            "n_participants": 10.0 * number,
        }
        for number, band in enumerate(bands, 1)
        for severity in ("mild", "moderate-severe")
    )


def test_a_band_without_an_estimate_moves_no_other() -> None:
    rows = prevalences(["20-39", "40-59", "60+"])
    lost = rows["level"].eq("mild") & rows["population"].eq("40-59")
    rows.loc[lost, "estimate"] = float("nan")
    figure = figures.prevalence(rows)
    assert {"20–39\nn = 10", "40–59\nn = 20", "60+\nn = 30"} <= set(drawn(figure))
    mild, severe = points(figure, 0), points(figure, 1)
    assert [round(x) for x in mild[0]] == [0, 2] and mild[1] == pytest.approx([12, 16])
    assert [round(x) for x in severe[0]] == [0, 1, 2] and severe[1] == pytest.approx([2, 4, 6])
    # Shapes beside colours: a page may be printed in grey.
    assert len({line.get_marker() for line in figure.axes[0].lines if len(line.get_xdata())}) == 2


def test_groups_stand_in_their_order_and_series_keep_their_look_where_estimates_are_missing() -> None:
    rows = prevalences(["20-39", "40-59", "60+"]).sort_values("level", kind="stable")
    both = figures.prevalence(rows)
    rows.loc[rows["level"].eq("mild") & rows["population"].eq("20-39"), "estimate"] = float("nan")
    figure = figures.prevalence(rows)
    drawn(figure)
    assert [label.get_text()[:2] for label in figure.axes[0].get_xticklabels()] == ["20", "40", "60"]
    rows.loc[rows["level"].eq("mild"), "estimate"] = float("nan")
    alone = figures.prevalence(rows)
    assert "Moderate-severe" in drawn(alone)
    assert points(alone)[1] == pytest.approx([2, 4, 6])
    both_drawn = [(line.get_marker(), line.get_color()) for line in both.axes[0].lines if len(line.get_xdata())]
    assert [
        (line.get_marker(), line.get_color()) for line in alone.axes[0].lines if len(line.get_xdata())
    ] == both_drawn[1:]


def test_labels_never_overlap_whatever_the_bands() -> None:
    for limits in ([f"{age}-{age + 4}" for age in range(20, 80, 5)], ["20-39", "40+"]):
        figure = figures.prevalence(prevalences([*limits]))
        drawn(figure)
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_same_rows_make_the_same_bytes(cohort: Cohort) -> None:
    # No jitter, no bootstrap: nothing in a figure is drawn at random.
    rates = describe(cohort).estimates
    curve, shares = age_curve(cohort), who.measured(cohort, ["diabetes", "sex"])

    def made() -> list[bytes]:
        drawn_of = ((figures.rates, rates), (figures.age_curve, curve), (figures.measured, shares))
        files = []
        for draw, rows in drawn_of:
            file = BytesIO()
            with style.journal():
                draw(rows).savefig(file, format="svg", metadata={"Date": None})
            files.append(file.getvalue())
        return files

    first = made()
    assert first == made()


def test_a_figure_takes_a_result_or_its_rows() -> None:
    cohort = diary()
    fitted = fit(cohort, model="poisson", terms="sex")
    for drawn_of in (figures.ratios(fitted), figures.ratios(fitted.estimates), fitted.plot()):
        assert [text.get_text() for text in drawn_of.axes[0].get_yticklabels()] == ["Sex, female against male"]
    with pytest.raises(UsageError, match="a Cohort has no estimates"):
        figures.rates(cohort)


def test_differences_are_drawn_on_an_axis_of_their_unit() -> None:
    fitted = fit(diary(), model="linear", terms="sex + exercise_min", outcome="hours_in_bed")
    (axes,) = fitted.plot().axes
    assert axes.get_xscale() == "linear" and axes.get_xlabel() == "Difference in h (95% CI)"
    rows = tidy.at_contrasts(fitted.estimates)
    shown = rows[rows["scale"].eq("difference")]
    drawn = axes.collections[0].get_segments()
    assert [segment[:, 0].tolist() for segment in drawn] == shown[["ci_low", "ci_high"]].to_numpy().tolist()
    assert axes.lines[0].get_xdata()[0] == 0


def test_a_figure_shows_itself_once_in_a_notebook() -> None:
    from IPython.core.formatters import DisplayFormatter

    figure = fit(diary(), model="poisson", terms="sex").plot()
    data, metadata = DisplayFormatter().format(figure)
    assert set(data) == {"image/png", "text/plain"}
    picture = base64.b64decode(data["image/png"])
    assert (
        picture.startswith(b"\x89PNG") and metadata["image/png"]["width"] == int.from_bytes(picture[16:20], "big") // 2
    )
    # The same each time.
    assert DisplayFormatter().format(figure)[0] == data


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((0.45, 2.2), [0.5, 0.8, 1.0, 1.25, 2.0]),
        ((0.3, 4.5), [0.33, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0]),
        ((0.04, 25.0), [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]),
        ((0.005, 200.0), [0.01, 0.1, 1.0, 10.0, 100.0]),
    ],
)
def test_the_axis_of_ratios_has_the_ticks_that_its_reach_asks_for(
    ends: tuple[float, float], ticks: list[float]
) -> None:
    assert ratio_ticks(*ends) == ticks
    narrow = ratio_ticks(0.97, 1.04)
    assert len(narrow) >= 2 and all(0.97 <= tick <= 1.04 for tick in narrow)


def test_numbers_beside_a_forest_stand_in_columns_flush_right() -> None:
    with style.journal():
        figure, axes = plt.subplots()
        axes.set_ylim(1.5, -0.5)
        columns.beside(axes, [0, 1], {"n": ["5", "1,204"], "Ratio (95% CI)": ["1.2 (1.0–1.4)", "0.9 (0.8–1.0)"]})
    places = {text.get_text(): (text.xyann[0], text.get_ha(), text.xy[1]) for text in axes.texts}
    assert places["5"][0] == places["1,204"][0] == places["n"][0] < places["1.2 (1.0–1.4)"][0]
    assert {align for _, align, _ in places.values()} == {"right"}
    assert (places["5"][2], places["1,204"][2]) == (0.0, 1.0)
    plt.close(figure)


@pytest.mark.parametrize(("inches", "shown"), [(0.9, ["0.5", "1", "2"]), (3.0, ["0.5", "0.8", "1", "1.25", "2"])])
def test_ticks_of_a_low_axis_of_ratios_stand_clear_of_one_another(inches: float, shown: list[str]) -> None:
    with style.journal():
        figure = style.JournalFigure(figsize=(3, inches / 0.77))
        axes = figure.subplots()
        set_ratio_axis(axes, "y", 0.4, 2.6)
        figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == shown


@pytest.mark.parametrize(
    ("reach", "shown"), [((0.6, 1.6), ["0.8", "1", "1.25"]), ((0.04, 25.0), ["0.05", "0.2", "1", "2", "5", "10"])]
)
def test_ticks_of_an_axis_beside_columns_are_those_that_its_room_holds(
    reach: tuple[float, float], shown: list[str]
) -> None:
    with style.journal():
        figure = style.JournalFigure(figsize=(3.2, 2))
        axes = figure.subplots()
        set_ratio_axis(axes, "x", *reach)
        columns.beside(axes, [0.2, 0.8], {"Ratio (95% CI)": ["0.03 (<0.01 to 0.58)"] * 2, "Events": ["4,778"] * 2})
        figure.draw_without_rendering()
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 + 1 < right.x0 for left, right in pairwise(boxes))
    assert [label.get_text() for label in labels] == shown


def test_one_interval_that_reaches_very_far_leaves_room_for_all_rates() -> None:
    bands = pd.DataFrame(
        {
            "level": ["20–39", "40–49"],
            "estimate": [2.0, 1.0],
            "ci_low": [1.5, 0.2],
            "ci_high": [2.6, 60.0],
            "n_participants": [40, 3],
        }
    )
    with style.journal():
        figure = style.JournalFigure(figsize=(4, 3))
        axes = figure.subplots()
        in_groups.draw(axes, {"rate": bands}, in_groups.Groups("level", ["20–39", "40–49"]))
    assert axes.get_ylim() == (0.0, pytest.approx(10.5))
    assert figure.remarks == [style.ARROW]


@pytest.mark.parametrize("asked", [False, True], ids=["diary", "survey"])
def test_numbers_of_which_none_has_an_interval_are_drawn(asked: bool) -> None:
    whose = survey(None) if asked else simulate(60, 35, seed=5)
    for name in ("age-and-muscle", "sleep", "nutrition", "conditions", "season", "frequency"):
        for label, drawing in analyses.run(name, whose).figures.items():
            rows = drawing.estimates.assign(ci_low=np.nan, ci_high=np.nan)
            made = figures.FIGURES[drawing.figure](rows)
            made.draw_without_rendering()
            if label in ("fig-age-curve", "fig-age-ratios") and made.axes:
                assert style.NO_BAND in made.remarks and style.CUT not in made.remarks


@pytest.mark.parametrize(
    ("limits", "last"), [((20, 45), "45+"), ((20, 55, 60), "60+"), ((20,), "20+"), ((20, 65), "65+")]
)
def test_the_last_band_is_drawn_and_no_summary_in_its_place(limits: tuple[int, ...], last: str) -> None:
    rates = describe(simulate(60, 20, seed=5), bands=AgeBands(limits))
    figure = figures.rates(rates)
    drawn(figure)
    labels = [label.get_text().split("\n")[0] for label in figure.axes[0].get_xticklabels()]
    assert labels[-1] == last and len(labels) == len(limits)


def test_panels_above_an_empty_place_show_the_values_of_the_shared_axis() -> None:
    figure = style.JournalFigure()
    grid = figure.subplots(3, 3, sharex=True, squeeze=False)
    style.hide_unused(grid, 7)
    figure.canvas.draw()
    labelled = [any(each.get_visible() for each in axes.get_xticklabels()) for axes in grid.flat]
    assert [axes.get_visible() for axes in grid.flat] == [True] * 7 + [False] * 2
    assert labelled[:7] == [False, False, False, False, True, True, True]
