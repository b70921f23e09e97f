"""What a table counts: each count is a row of the estimates, and its cell names that row."""

from __future__ import annotations

import pandas as pd
import pytest

from crampstudy import estimates
from crampstudy.analyses.counted import counted
from crampstudy.analyses.findings import ReportTable
from crampstudy.descriptive.flow import shares
from crampstudy.estimates import kinds
from crampstudy.report.trace import RowTrace
from crampstudy.wording import marks


def table(cells: dict[str, list[object]], index: list[str]) -> ReportTable:
    return ReportTable(pd.DataFrame(cells, index=pd.Index(index, name="Table")), "Rows.")


def test_a_count_is_a_row_and_its_cell_names_it() -> None:
    given = table({"Rows": [1204, 3], "Agree": ["3 of 12", "0 of 0"], "Note": ["12 mmol", "–"]}, ["Diary", "Labs"])
    with marks.asked():
        rows, shown = counted(given, "c", "rows of a file", ["Rows", "Agree"])
    assert rows["estimate"].tolist() == [1204, 3, 3, 12, 0, 0]
    assert rows["level"].tolist()[2:4] == ["Agree", "Agree, of"] and rows["key"].is_unique
    assert [marks.without(text) for text in shown.frame.loc["Diary"]] == ["1,204", "3 of 12", "12 mmol"]
    trace = RowTrace.of([estimates.to_csv(rows)])
    (first,), *_ = trace.pieces([shown.frame.loc["Diary", "Rows"]], recorded=True)
    assert first.keys == (rows["key"].iloc[0],)
    # Without marks the rows are the same and so is what readers see.
    plain, same = counted(given, "c", "rows of a file", ["Rows", "Agree"])
    pd.testing.assert_frame_equal(plain, rows)
    assert same.frame.loc["Diary", "Rows"] == "1,204"


def test_lines_of_one_stub_are_told_apart_and_others_are_left() -> None:
    cells = {"Variable": ["Sodium", "Age"], "Times": [4, 5]}
    rows, _ = counted(table(cells, ["Out of range", "Out of range"]), "c", "breaches", ["Times"])
    assert rows["term"].tolist() == ["Out of range, Sodium", "Out of range, Age"]
    rows, shown = counted(
        table({"Number": ["7", "500 (92.5%)"]}, ["Blanked", "All"]), "c", "x", ["Number"], ["Blanked"]
    )
    assert rows["estimate"].tolist() == [7] and shown.frame["Number"].tolist() == ["7", "500 (92.5%)"]
    nothing, _ = counted(ReportTable(pd.DataFrame(), "Nothing."), None, "x", ["Number"])
    assert nothing.empty


def test_shares_are_of_those_in_the_file_and_of_those_who_were_asked() -> None:
    def step(level: str, n: int) -> dict[str, object]:
        cells = {"outcome": "participants", "term": "step", "level": level, "scale": "count", "estimate": n}
        return estimates.row(status="converged", cohort="c", analysis=kinds.COHORT_FLOW.name, **cells)

    steps = estimates.frame([step("in the file", 200), step("asked", 160), step("answered", 120), step("analysed", 80)])
    made = shares(steps)
    assert made["estimate"].tolist() == [0.8, 0.75, 0.5]
    assert made["reference"].tolist() == ["in the file", "asked", "asked"]
    assert shares(estimates.frame([step("in the file", 0), step("asked", 0)])).empty


@pytest.mark.parametrize(
    ("shown", "estimate", "found"),
    [("2 × 10⁻⁵", 2.1e-5, True), ("2 × 10⁻⁵", 3e-5, False), ("<10⁻⁸", 4e-10, True), ("<10⁻⁸", 4e-8, False)],
)
def test_powers_of_ten_lead_to_their_row(shown: str, estimate: float, found: bool) -> None:
    row = estimates.row(status="converged", analysis="gap between coefficients", scale="gap_of_coefficients")
    rows = estimates.frame([{**row, "estimate": estimate}])
    (pieces,) = RowTrace.of([estimates.to_csv(rows)]).pieces([shown])
    assert [bool(piece.keys) for piece in pieces] == [found] and pieces[0].text == shown
