"""The tidy rows: their columns, keys and text forms."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from crampstudy import estimates, wording
from crampstudy.analyses.findings import together
from crampstudy.analyses.sentences.treatments import with_reason_alone
from crampstudy.estimates import COLUMNS, frame, key, row, to_csv, to_json

ROW = {
    "cohort": "x",
    "analysis": "incidence rate",
    "outcome": "cramps",
    "term": "age_band",
    "level": "80+",
    "scale": "rate",
}


def test_columns_in_the_order_of_the_design() -> None:
    expected = (
        "key cohort population outcome analysis estimand adjusted_for adjustment lacks model term level reference "
        "scale unit estimate ci_low ci_high ci_level std_error df p_value q_value n_effective "
        "n_participants n_nights n_events n_groups n_exposed verdict status facts note"
    )
    assert " ".join(COLUMNS) == expected


def test_a_key_is_readable_and_tells_levels_apart() -> None:
    assert key(ROW) == "x/incidence-rate/cramps/age-band/80-plus/rate"
    levels = ["<20", "20", "20-39", "20+", "80+", "80"]
    assert len({key(ROW | {"level": level}) for level in levels}) == len(levels)


def test_levels_that_differ_in_their_sign_have_keys_of_their_own() -> None:
    levels = ("4, 0.25", "4, -0.25", "-1", "1", "20-39")
    keys = [key({"cohort": "x", "level": level}) for level in levels]
    assert keys == ["x/4-0.25", "x/4-minus-0.25", "x/minus-1", "x/1", "x/20-39"]


def test_a_row_has_every_column_and_no_other() -> None:
    made = row(status="converged", estimate=1.5, **ROW)
    assert tuple(made) == COLUMNS
    assert made["key"] == key(ROW)
    assert made["ci_low"] is None
    assert row(status="converged", key="mine", **ROW)["key"] == "mine"
    with pytest.raises(TypeError, match="no such column of an estimate: p"):
        row(status="converged", p=0.5)


def test_a_frame_has_its_types_even_when_empty() -> None:
    full = frame([row(status="converged", n_nights=3, **ROW), row(status="not_measured", **ROW)])
    assert list(full.columns) == list(COLUMNS)
    assert full["n_nights"].tolist() == [3, pd.NA]
    assert math.isnan(full["estimate"][0])
    assert (frame([]).dtypes == full.dtypes).all()


def test_columns_of_text_stay_of_one_type_through_what_is_done_with_rows() -> None:
    rows = frame([row(status="converged", estimate=1.5, note="a remark", **ROW)])
    several = together([rows, with_reason_alone(rows), frame([])])
    assert len(several) == 2 and {several[name].dtype for name in ("key", "term", "note")} == {rows["note"].dtype}
    assert rows["note"].dtype == "string" and list(several["note"].isna()) == [False, True]


def test_csv_has_ten_significant_digits() -> None:
    made = frame([row(status="converged", estimate=2 / 3, n_nights=12345678901, note='a "b", c', **ROW)])
    header, line = to_csv(made).splitlines()
    assert header == ",".join(COLUMNS)
    assert ",0.6666666667,,," in line
    assert ",12345678901," in line
    assert line.endswith('converged,,"a ""b"", c"')


def test_json_is_an_array_with_nulls() -> None:
    made = frame([row(status="boundary", estimate=0.1, ci_high=math.inf, n_nights=3, **ROW)])
    (read,) = json.loads(to_json(made))
    assert list(read) == list(COLUMNS)
    assert (read["estimate"], read["ci_high"], read["ci_low"], read["n_nights"]) == (0.1, None, None, 3)
    assert json.loads(to_json(frame([]))) == []


def test_csv_and_json_hold_the_same_rows() -> None:
    made = frame([row(status="converged", estimate=0.25, n_events=4, **(ROW | {"level": x})) for x in ("<20", "80+")])
    from_json = pd.DataFrame(json.loads(estimates.to_json(made)))
    assert from_json["key"].tolist() == made["key"].tolist()
    assert len(to_csv(made).splitlines()) == 3


def test_names_of_any_script_stay_apart() -> None:
    names = ("north", "北", "京", "دراسة", "🦵", "🦶", "Größe")
    keys = [estimates.key({**ROW, "cohort": name}) for name in names]
    assert len(set(keys)) == len(keys)
    assert keys[0].startswith("north/") and keys[1].startswith("北/") and keys[4].startswith("cohort-")


def test_a_formula_is_neutralised_in_csv() -> None:
    text = to_csv(frame([row(status="converged", estimate=-1.5, note="=1+1", **ROW | {"level": "-"})]))
    assert ",'=1+1\n" in text
    assert ",'-," in text
    assert ",-1.5," in text


@pytest.mark.parametrize(
    ("population", "slug"),
    [
        ("20+", "20-plus"),
        ("age_years >= 20", "20-plus"),
        ("age_years>=20 AND sex = 'female'", "20-plus-sex-female"),
        ("20+, sex = 'female'", "20-plus-sex-female"),
        ("age_years >= 20 AND sex = 'female' OR diabetes", "20-plus-and-sex-female-or-diabetes"),
        ("age_years >= 20 + 5", "age-years-from-20-plus-5"),
        ("my_age_years >= 20", "my-age-years-from-20"),
        ("age_years <= 20", "age-years-to-20"),
    ],
)
def test_the_same_ages_have_one_spelling_in_keys(population: str, slug: str) -> None:
    assert estimates.key({"population": population}) == slug


def test_what_is_framed_is_read_back_cell_by_cell() -> None:
    given = [
        row(status="converged", **ROW, estimate=1.5, ci_low=1.0, ci_high=2.0, n_participants=7, n_nights=70),
        row(status="not_estimable", **{**ROW, "level": "under 20"}, n_events=0, note="nobody is as young"),
    ]
    read = wording.records(frame(given))
    assert [list(cells) for cells in read] == [list(COLUMNS)] * 2
    known = [{name: cell for name, cell in cells.items() if not pd.isna(cell)} for cells in read]
    assert known == [{name: cell for name, cell in cells.items() if cell is not None} for cells in given]
    assert {type(known[0]["n_nights"]), type(known[1]["n_events"])} == {int}
    assert {type(known[0]["estimate"]), type(known[1]["note"])} == {float, str}
    assert read[0]["n_events"] is None
    assert read[1]["unit"] is None
