"""The page of figures: it draws what the presets show, beside what is published."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from crampstudy.figures import simulated
from crampstudy.simulate.calibration import cards, published_classes
from crampstudy.simulate.calibration.summary_statistics import CohortArrays
from crampstudy.simulate.scenario import presets

SIZE = 400


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, CohortArrays], Figure]:
    seen = {name: cards.draw_arrays(presets.preset(name), SIZE, 3) for name in ("community", "recruited", "default")}
    return seen, simulated.page(seen["community"], seen["recruited"], seen["default"])


def test_six_panels_each_with_a_title_and_both_axes_named(drawn: tuple[dict[str, CohortArrays], Figure]) -> None:
    panels = drawn[1].axes
    assert [panel.get_title(loc="left")[:3] for panel in panels] == [f"{letter}  " for letter in "abcdef"]
    assert all(panel.get_xlabel() and panel.get_ylabel() for panel in panels)


def test_classes_are_those_of_the_preset_and_of_the_survey(drawn: tuple[dict[str, CohortArrays], Figure]) -> None:
    seen, figure = drawn
    line = next(line for line in figure.axes[1].lines if line.get_label() == "5–15")
    community = seen["community"]
    age, in_30 = community.people["age_years"].to_numpy(), community.counts[:, :30].sum(axis=1)
    young = (age >= 20) & (age < 40)
    assert line.get_ydata()[0] == pytest.approx(100 * ((in_30 >= 5) & (in_30 < 16))[young].mean())
    points = np.asarray([bars.lines[0].get_ydata() for bars in figure.axes[1].containers]).T
    shares = np.asarray([s.share[1:] for s in published_classes.published_shares()])
    assert points == pytest.approx(100 * shares)


def test_histograms_hold_everybody(drawn: tuple[dict[str, CohortArrays], Figure]) -> None:
    at_entry, after = drawn[1].axes[0].lines[:2]
    for steps in (at_entry, after):
        assert len(steps.get_xdata()) == 31
        assert np.asarray(steps.get_ydata())[:-1].sum() == pytest.approx(100)
    for panel, bins in ((drawn[1].axes[4], 20), (drawn[1].axes[5], 40)):
        outline = panel.collections[0].get_paths()[0].vertices
        # The area that the steps enclose, in units of a bin.
        left, top = outline.T
        width = (outline[:, 0].max() - outline[:, 0].min()) / bins
        assert abs(np.trapezoid(top, left)) / width == pytest.approx(100)


def test_months_are_rates_over_their_mean(drawn: tuple[dict[str, CohortArrays], Figure]) -> None:
    seen, figure = drawn
    default = seen["default"]
    month = default.date.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12
    (points,) = figure.axes[3].containers
    by_hand = [default.counts[month == i].mean() / default.counts.mean() for i in range(12)]
    assert points.lines[0].get_ydata() == pytest.approx(np.array(by_hand))


def test_the_calendar_tells_no_entry_from_no_cramp(drawn: tuple[dict[str, CohortArrays], Figure]) -> None:
    seen, figure = drawn
    (cells,) = (drawn for drawn in figure.axes[2].collections if isinstance(drawn, QuadMesh))
    shown = np.asarray(cells.get_array()).reshape(40, -1)
    assert shown.shape == (40, 90)
    assert set(np.unique(shown)) <= {-1, 0, 1, 2, 3}
    gaps, logged = (shown == -1).mean(), seen["default"].logged.mean()
    # Forty of four hundred: within five of their own standard errors.
    assert abs(gaps - (1 - logged)) < 5 * np.std((shown == -1).mean(axis=1)) / np.sqrt(40)
