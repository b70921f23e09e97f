"""What docs/estimates.md says of the columns is so."""

from __future__ import annotations

import columns_page
import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from test_fit import diary
from test_predict import asked

from crampstudy import describe, fit
from crampstudy.estimates import COLUMNS
from crampstudy.estimates.columns import LINKS, MEANINGS


def test_every_column_has_its_meaning_in_its_order() -> None:
    assert tuple(MEANINGS) == COLUMNS
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())


def test_the_page_is_what_the_code_says() -> None:
    page = (columns_page.ROOT / "docs/estimates.md").read_text(encoding="utf-8")
    assert page.split(columns_page.BEGIN)[1].split(columns_page.END)[0].strip() == columns_page.page()


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    cohort = diary()
    made = [
        fit(cohort, model="poisson", terms="sex + age_decade"),
        fit(cohort, model="logistic", terms="sex"),
        fit(cohort, model="linear", terms="sex", outcome="hours_in_bed"),
        fit(cohort, model="cox", outcome="gap", terms="sex"),
        fit(asked(), model="survey-poisson", terms="age", outcome="any_cramp"),
        describe(asked()),
    ]
    return pd.concat([each.estimates for each in made], ignore_index=True)


@pytest.mark.parametrize(
    "scale",
    [
        "rate_ratio",
        "odds_ratio",
        "prevalence_ratio",
        "hazard_ratio",
        "rate",
        "odds",
        "difference",
        "mean",
        "prevalence",
    ],
)
def test_the_standard_error_is_on_the_scale_that_the_page_names(rows: pd.DataFrame, scale: str) -> None:
    own = rows[(rows["scale"] == scale) & rows["std_error"].notna() & rows["ci_low"].notna()]
    of_model = own["term"].isin(["intercept"])
    assert len(own)
    half = stats.t.ppf(0.5 + own["ci_level"] / 2, own["df"].fillna(np.inf)) * own["std_error"]
    (link,) = (said for scales, said in LINKS.items() if scale in scales.split(", "))
    for row, reach, baseline in zip(own.to_dict("records"), half, of_model, strict=True):
        value, high = row["estimate"], row["ci_high"]
        if link.startswith("log") or (scale == "prevalence" and baseline):
            assert np.log(high / value) == pytest.approx(reach)
        elif scale == "prevalence":
            assert "share itself" in link
            assert special.logit(high) - special.logit(value) == pytest.approx(reach / (value * (1 - value)), rel=1e-6)
        else:
            assert "itself" in link and high - value == pytest.approx(reach)
