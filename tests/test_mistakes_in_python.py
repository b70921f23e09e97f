"""What somebody new does in Python that cannot work is answered with what would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crampstudy import bootstrap, check, compare, describe, figures, fit, open_cohort, tables
from crampstudy.errors import UsageError
from crampstudy.models import Fit

DIARY = Path(__file__).parent / "parity" / "diary"
ASKED: dict[str, Callable[[Any], object]] = {
    "describe": describe,
    "compare": lambda cohort: compare(cohort, open_cohort(str(DIARY))),
    "compare the second": lambda cohort: compare(open_cohort(str(DIARY)), cohort),
    "fit": lambda cohort: fit(cohort, model="poisson", terms="sex"),
    "check": lambda cohort: check(cohort, model="poisson", terms="sex", rng=np.random.default_rng(1)),
    "bootstrap": lambda cohort: bootstrap(cohort, model="poisson", terms="sex", rng=np.random.default_rng(1)),
}


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit(open_cohort(str(DIARY)), model="poisson", terms="age_decade + sex")


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("my study", "a str is none; open it first: crampstudy.open_cohort('my study')"),
        (Path("a/b"), "a PosixPath is none; open it first: crampstudy.open_cohort('a/b')"),
        (pd.DataFrame({"cramps": [1]}), "a DataFrame is none; open it first: crampstudy.open_cohort('my-study')"),
        (None, "a NoneType is none; open it first"),
    ],
)
def test_what_is_no_cohort_is_to_be_opened_first(asked: str, given: object, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        ASKED[asked](given)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["rates", "relief", "completeness", "table_one", "measured", "prevalence"])
def test_a_table_without_a_row_of_its_kinds_names_the_table_that_shows_them(fitted: Fit, name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no such row; tables\.factors shows regression$"):
        getattr(tables, name)(fitted)
    none = fitted.estimates.head(0)
    if name == "table_one":
        assert tables.table_one(none).index[0] == ("", "No characteristic was recorded")
        return
    with pytest.raises(UsageError, match=f"^tables.{name} shows .*, and there is no such row$"):
        getattr(tables, name)(none)


def test_a_figure_of_other_rows_says_that_there_is_nothing_to_draw(fitted: Fit) -> None:
    assert not figures.rates(fitted).axes


def test_a_ratio_takes_the_age_in_years_as_a_prediction_does(fitted: Fit) -> None:
    years = fitted.ratio({"age_years": 80}, against={"age_years": 50}).iloc[0]
    decades = fitted.ratio({"age_decade": 2}, against={"age_decade": -1}).iloc[0]
    assert (years["term"], years["level"], years["reference"]) == ("age_years", "80", "50")
    numbers = ["estimate", "ci_low", "ci_high", "std_error", "df", "p_value"]
    assert years[numbers].tolist() == decades[numbers].tolist()
    per_decade = fitted.estimates.set_index("term").loc["age_decade", "estimate"]
    assert years["estimate"] == pytest.approx(per_decade**3)
    at = fitted.predict({"age_years": [80, 50], "sex": "male"})["estimate"]
    assert years["estimate"] == pytest.approx(at[0] / at[1])
    with pytest.raises(UsageError, match="age_years = 'old' is no number"):
        fitted.ratio({"age_years": "old"}, against={"age_years": 50})


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ({"age": 50, "sex": "male"}, "age_decade is not given; did you mean age_years by 'age'?"),
        ({"age_years": 50, "gender": "male"}, "sex is not given; did you mean sex by 'gender'?"),
        ({"sex": "male"}, "age_decade is not given"),
    ],
)
def test_a_prediction_names_the_value_that_was_meant(fitted: Fit, at: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        fitted.predict(at)
    assert str(raised.value).endswith(said)
