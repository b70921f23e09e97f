"""Figures of a report: both forms as matplotlib writes each alone, and the same whoever draws them."""

from __future__ import annotations

import io
import os
import re
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from crampstudy import analyses, look, wording
from crampstudy.analyses import Findings
from crampstudy.compute import shared
from crampstudy.figures import FIGURES, style, svg
from crampstudy.report import warm
from crampstudy.report.block_parts import drawn
from crampstudy.simulate import simulate


def _figure() -> Figure:
    """Draw all that figures are made of: lines, marks, areas, pictures, formulas, clipped and turned text, hatching."""
    with style.journal():
        figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3))
        left.plot([1, 2, 3], [-1, 4, 2], "o-", label="calf")
        left.fill_between([1, 3], [0, 1], [1, 3], alpha=0.3, hatch="//")
        left.set(title="Rate", xlabel="Age (years)", ylabel="Rate, $10^3$ ≥ −1")
        left.text(2, 3, "clipped", clip_on=True, rotation=30)
        left.legend()
        right.scatter([1, 2, 3], [3, 1, 2], c=[0, 1, 2])
        right.imshow(np.arange(6).reshape(2, 3), aspect="auto")
        right.plot([0, 2], [0, 1], rasterized=True)
        right.set_axisbelow(False)
    return figure


def _alone(figure: Figure, box: Bbox, fonttype: str) -> str:
    target = io.StringIO()
    with style.journal(figure_constrained_layout_use=False, svg_fonttype=fonttype):
        figure.savefig(target, format="svg", bbox_inches=box, metadata={"Date": None})
    return target.getvalue()


def test_both_forms_are_those_that_are_drawn_alone() -> None:
    figure = _figure()
    with style.journal(figure_constrained_layout_use=False):
        figure.set_dpi(72)
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.execute(figure)
        figure.set_layout_engine(None)
        box = figure.get_tightbbox().padded(0.02)
        words, paths = svg.words_and_paths(figure, box)
    assert words == _alone(figure, box, "none")
    assert paths == _alone(figure, box, "path")
    assert ">clipped</text>" in words and "clipped</text>" not in paths
    plt.close(figure)


def _findings() -> Findings:
    return analyses.run("cohort", simulate(60, 40, seed=3))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="helpers are forked")
@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_figures_drawn_with_a_helper_are_the_same(monkeypatch: pytest.MonkeyPatch, *, dies: bool) -> None:
    found = _findings()
    assert len(found.figures) > 1
    alone = {label: drawn.draw(FIGURES[each.figure](each.estimates), label) for label, each in found.figures.items()}
    taken: list[bool] = []
    of_other = shared._Share._given

    def counted(share: shared._Share, step: int) -> bytes:
        given = of_other(share, step)
        taken.append(bool(given))
        return given

    of_rows = drawn._of_rows

    def slowly(label: str, *asked: object) -> drawn.Drawn:
        # So that the helper, whatever the machine is at, draws some.
        time.sleep(6)
        return of_rows(label, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(shared._Share, "_given", counted)
    monkeypatch.setattr(drawn, "_of_rows", slowly)
    monkeypatch.setattr(drawn, "_DRAWN", {})
    if dies:
        monkeypatch.setattr(drawn, "_asked", lambda *_: b"spoilt")
    with warm.server(warm.environment(), single=True) as server:
        monkeypatch.setenv(shared.VARIABLE, str(server))
        helped = {label: drawn.drawn(found, label) for label in found.figures}
    assert helped == alone
    assert any(taken) is not dies


def test_without_a_helper_a_figure_is_drawn_when_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shared.VARIABLE, raising=False)
    monkeypatch.setattr(drawn, "_DRAWN", {})
    found = _findings()
    first, *others = found.figures
    assert drawn.drawn(found, first).words.startswith("<svg")
    assert others and not set(others) & set(drawn._DRAWN)


def test_no_label_beyond_the_axes_is_cut() -> None:
    """Of every size the box holds all letters, which are measured as the page sets them, not in whole dots."""
    font = TTFont(look.FONT_DIR / "SourceSans3-Regular.otf")
    widths, names = font["hmtx"], font.getBestCmap()
    for label, size in (("mean difference −0.29", 7.0), ("illiilliillil within participants", 6.0), ("M" * 40, 8.5)):
        with style.journal():
            figure, axes = plt.subplots(figsize=(4.5, 2.9))
            axes.annotate(
                label, (1, 0.5), xytext=(3, 0), xycoords="axes fraction", textcoords="offset points", fontsize=size
            )
        words = drawn.draw(figure, "fig-cut").words
        (box,) = re.findall(r'viewBox="0 0 ([\d.]+)', words)
        (left,) = re.findall(rf'<text[^>]* x="([\d.]+)"[^>]*>{label}', words)
        wide = sum(widths[names[ord(letter)]][0] for letter in label) / font["head"].unitsPerEm * size
        # What is seen of the last letter ends before the room that it takes.
        assert float(left) + wide - 0.15 * size <= float(box)


def test_numbers_of_figures_name_their_rows() -> None:
    """In both forms; the number is one of the row's, as it is printed."""
    found = analyses.run("conditions", simulate(80, 40, seed=4))
    drawing = found.figures["fig-conditions"]
    made = drawn.draw(FIGURES[drawing.figure](drawing.estimates), "fig-conditions")
    rows = {row["key"]: row for row in wording.records(found.estimates)}
    labels = re.findall(r'<g data-rows="([^"]*)">\s*<text[^>]*>([^<]*)</text>', made.words)
    assert labels and {key for key, _ in labels} == {*re.findall(r'data-rows="([^"]*)"', made.paths)}
    for key, text in labels:
        row = rows[key.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")]
        counts = [wording.count(row[name]) for name in ("n_participants", "n_events")]
        with_it = f"{wording.count(row['n_exposed'])} / {counts[0]}"
        assert text.replace("&gt;", ">").replace("&lt;", "<") in (wording.estimate(row), with_it, *counts)
