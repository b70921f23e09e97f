"""Blocks carry figures, tables, values and estimates to reader and report, and refuse what cannot be printed."""

from __future__ import annotations

import json
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from crampstudy import codebook, estimates, figures, look
from crampstudy.figures import style
from crampstudy.report import MIME, ReportError, blocks
from crampstudy.report.block_parts.cells import as_text, is_numeric
from crampstudy.wording.abbreviations import defined


def drawn() -> Figure:
    with style.journal():
        fig, ax = plt.subplots(figsize=(4, 2))
        ax.plot([1, 2, 3], [-1, 4, 2], label="calf")
        ax.set_xlabel("Age (years)")
        ax.set_ylabel("Rate, $10^3$ ≥ −1")
        ax.legend()
    return fig


def table_of(cells: object, name: str = "Rate") -> pd.DataFrame:
    return pd.DataFrame({name: cells}, index=pd.Index(["<20", "20–29"], name="Age band"))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("as it is", "as it is"),
        (1234567, "1,234,567"),
        (np.int64(-12), "−12"),
        (0.012345, "0.0123"),
        (1.0, "1.00"),
        (0.9996, "1.00"),
        (99.96, "100"),
        (1234.6, "1,235"),
        (0.0, "0"),
        (3e-7, "3.00 × 10⁻⁷"),
        (np.nan, "–"),
        (None, "–"),
        (pd.NA, "–"),
        (pd.NaT, "–"),
        (np.inf, "∞"),
        (True, "yes"),
        (np.bool_(False), "no"),
    ],
)
def test_a_cell_is_printed_one_way(cell: object, text: str) -> None:
    assert as_text(cell) == text


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [
        ([1, None], True),
        (["1.2 (0.9–1.6)", "–"], True),
        (["<0.001", "0.2"], True),
        (["yes", "1"], False),
        (["0.7 against 0.85 mmol/L", "2 points below own mean"], False),
        (["5.9 (5.3–6.5) min", "77.0 (73.1–80.5)%", "1.04", "30 June"], True),
        (["reference", "−0.33 (−1.96 to 1.30)", "4.60 (2 df)"], True),
        (["B2"], False),
    ],
)
def test_numbers_are_set_flush_right(cells: list[object], numeric: bool) -> None:
    assert is_numeric(cells) is numeric


def test_a_figure_is_drawn_for_print_and_web() -> None:
    fig = drawn()
    bundle = blocks.figure(fig, "fig-age", caption="Ages.", alt="A line.")._repr_mimebundle_()
    printed, shown = bundle[MIME]["svg"], bundle["image/svg+xml"]
    assert "Age (years)" in printed and look.SANS in printed
    assert "<text" not in shown
    assert not plt.fignum_exists(fig.number)
    for svg in (printed, shown):
        ids = re.findall(r'\bid="([^"]*)"', svg)
        assert ids and all(name.startswith("fig-age-") for name in ids)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', svg)) <= set(ids)
        assert "<style" not in svg and "<metadata" not in svg


def test_the_same_figure_gives_the_same_bytes() -> None:
    first, second = (blocks.figure(drawn(), "fig-a", caption="c", alt="a") for _ in range(2))
    assert first.data == second.data and first.views == second.views


@pytest.mark.parametrize("label", ["age", "tbl-age", "fig-Age", "fig-", "fig-a_b", "fig-a-"])
def test_a_malformed_label_is_refused(label: str) -> None:
    with pytest.raises(ReportError, match="fig-age"):
        blocks.figure(drawn(), label, caption="c", alt="a")


@pytest.mark.parametrize("texts", [{"caption": " ", "alt": "a"}, {"caption": "c", "alt": ""}])
def test_caption_and_alt_are_needed(texts: dict[str, str]) -> None:
    with pytest.raises(ReportError, match="is empty"):
        blocks.figure(drawn(), "fig-a", **texts)


def test_a_table_is_headed_by_the_codebook() -> None:
    block = blocks.table(table_of([1.234, None], "serum_sodium_mmol_l"), "tbl-a", caption="c", note="n")
    heading = codebook.variable("serum_sodium_mmol_l").heading
    assert [column["heading"] for column in block.data["columns"]] == ["Age band", heading]
    assert [column["align"] for column in block.data["columns"]] == ["left", "right"]
    assert block.data["rows"][0] == {"group": None, "cells": ["<20", "1.23"], "summary": False}
    assert heading in block.views["text/html"] and "&lt;20" in block.views["text/html"]


def test_two_levels_are_group_and_stub() -> None:
    index = pd.MultiIndex.from_tuples([("Salts & water", "Sodium"), ("Joints", "Pain")], names=[None, "Term"])
    block = blocks.table(pd.DataFrame({"n < 5": ["a", "b"]}, index=index), "tbl-a", caption="c")
    assert [row["group"] for row in block.data["rows"]] == ["Salts & water", "Joints"]
    page = block.views["text/html"]
    assert "Salts &amp; water" in page and "n &lt; 5" in page
    assert (
        page == blocks.table(pd.DataFrame({"n < 5": ["a", "b"]}, index=index), "tbl-a", caption="c").views["text/html"]
    )


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (table_of([1, 2], "rate_raw"), "raw name 'rate_raw'"),
        (table_of([1, 2]).rename(index={"<20": "under_20"}), "raw name 'under_20'"),
        (table_of([1, 2]).reset_index(), "rows have no names"),
        (table_of([1, 2]).iloc[:0], "no cells"),
        (pd.concat({"a": table_of([1, 2])}, axis=1), "flatten"),
    ],
)
def test_a_table_that_cannot_be_printed_is_refused(frame: pd.DataFrame, told: str) -> None:
    with pytest.raises(ReportError, match=told):
        blocks.table(frame, "tbl-a", caption="c")


def test_values_and_their_names() -> None:
    assert blocks.value("rr_mg", "0.97").data == {"name": "rr_mg", "text": "0.97"}
    # A number is printed as it is.
    assert blocks.value("n_people", 12).data["text"] == "12"
    with pytest.raises(ReportError, match="lower-case"):
        blocks.value("RR", "1")
    with pytest.raises(ReportError, match="is empty"):
        blocks.value("rr", " ")


def test_estimates_are_carried_at_ten_digits() -> None:
    rows = estimates.frame(
        [estimates.row(status="converged", analysis="regression", cohort="c", estimate=1 / 3, n_nights=4)]
    )
    block = blocks.record(rows)
    head, line = block.data["csv"].splitlines()
    cells = dict(zip(head.split(","), line.split(","), strict=True))
    assert tuple(cells) == estimates.COLUMNS
    assert (cells["estimate"], cells["n_nights"], cells["ci_low"]) == ("0.3333333333", "4", "")
    json.dumps(block._repr_mimebundle_())
    with pytest.raises(ReportError, match="columns differ"):
        blocks.record(rows.drop(columns="note"))


def test_style_ends_with_its_block() -> None:
    before = dict(mpl.rcParams)
    with style.journal(figure_figsize=(2, 1)):
        assert mpl.rcParams["figure.figsize"] == [2, 1]
        assert mpl.rcParams["font.family"][0] == look.SANS
    assert dict(mpl.rcParams) == before
    with pytest.raises(KeyError), style.journal(no_such_setting=1):
        pass


def test_a_note_says_what_the_abbreviations_of_a_table_or_figure_stand_for() -> None:
    index = pd.Index(["a"], name="Group")
    frame = pd.DataFrame({"Rate ratio (95% CI)": ["1.2 (1.0–1.4)"], "Mean (SD)": ["3 (1)"]}, index=index)
    shown = blocks.table(frame, "tbl-a", caption="Ratios.", note="SD is the standard deviation.")
    assert shown.data["note"] == "SD is the standard deviation. CI: confidence interval."
    plain = blocks.table(pd.DataFrame({"Rate": ["1"]}, index=index), "tbl-b", caption="Rates.")
    assert plain.data["note"] is None
    with style.journal():
        fig, axes = plt.subplots()
        axes.set_xlabel("Rate ratio (95% CI)")
    assert blocks.figure(fig, "fig-a", caption="A.", alt="B.").data["note"] == "CI: confidence interval."


def test_an_abbreviation_is_explained_beside_it_alone() -> None:
    # That the words stand somewhere in the note says nothing of what "df" is.
    standard = "Standardised: at the ages of the WHO world standard 2000–2025."
    assert defined(standard, ["x"]) == f"{standard} WHO: World Health Organization."
    said = defined("Satterthwaite degrees of freedom; age (spline, 3 df).", ["x"])
    assert said is not None and said.endswith("df: degrees of freedom.")
    for told in ("IQR: interquartile range.", "The interquartile range (IQR).", "IQR (interquartile range)."):
        assert defined(told, ["12 (IQR 3)"]) == told


def test_the_note_of_a_figure_says_how_it_was_drawn() -> None:
    rows = estimates.frame(
        estimates.row(status="converged", term=name, scale="rate_ratio", estimate=2.0, ci_low=low, ci_high=high)
        | {"ci_level": 0.95, "level": "true", "reference": "false"}
        for name, low, high in (("diabetes", 1.0, 1e6), ("statin", 1.0, 4.0))
    )
    shown = blocks.figure(figures.ratios(rows), "fig-a", caption="A.", alt="B.", note="Ratios.")
    assert "Ratios. An arrow: the interval reaches beyond the axis." in shown.data["note"]
    within = blocks.figure(figures.ratios(rows.tail(1)), "fig-b", caption="A.", alt="B.")
    assert "rrow" not in str(within.data["note"])


def test_a_column_of_numbers_is_one_where_some_could_not_be_estimated() -> None:
    frame = pd.DataFrame({"Rate": ["1.2", "could not estimate"]}, index=pd.Index(["a", "b"], name="Group"))
    shown = blocks.table(frame, "tbl-a", caption="Rates.")
    assert [column["align"] for column in shown.data["columns"]] == ["left", "right"]


def test_a_figure_is_no_wider_than_its_letters_can_be_read() -> None:
    def wide(inches: float, size: float = 10) -> Figure:
        with plt.rc_context({"font.size": size}):
            figure, axes = plt.subplots(figsize=(inches, 2))
            axes.set_xlabel("Age (years)")
        return figure

    with pytest.raises(ReportError, match=r"'fig-wide' is 30\.0 in\. wide and the text of a report 6\.3 in\.") as told:
        blocks.figure(wide(30), "fig-wide", caption="Ages.", alt="a line")
    assert "letters of 10 pt would be" in str(told.value) and "draw it 10.5 in. wide at most" in str(told.value)
    for width, size in ((10, 10), (6.3, 5), (30, 40)):
        assert blocks.figure(wide(width, size), "fig-wide", caption="Ages.", alt="a line").data["svg"]
