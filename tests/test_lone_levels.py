"""What is one participant's alone is not estimable in any family, and takes nothing from the other terms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.models import fit
from crampstudy.models.bootstrap import bootstrap

GROUPS = {"level": ("c", "ab"), "reference": ("a", "bc")}
HIGH: Mapping[int, int | None] = {0: 0, 1: 1, 2: 4, 5: 15, 16: None}
WITHOUT, ONLY = 0, 9


def people(side: str, first: int, n: int) -> pl.DataFrame:
    """Return participants of whom the first alone is at a level, or at the reference, of ``grp``, and ``treated``."""
    rng = np.random.default_rng(5)
    own, others = GROUPS[side]
    low = rng.choice([*HIGH], n, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    low[0] = 0 if first == WITHOUT else 16
    return pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(n)],
            "age_years": [40.0, *(50.0 + i % 30 for i in range(1, n))],
            "sex": [("male", "female")[i % 2] for i in range(n)],
            "grp": [own, *(others[i // 2 % 2] for i in range(1, n))],
            "treated": [float(i == 0) for i in range(n)],
            "recalled_low": low,
            "recalled_high": [HIGH[int(v)] for v in low],
        }
    )


def diary(side: str, first: int, n: int = 16) -> Cohort:
    """Return a diary in which the first participant has no cramp on any night, or cramps on all of them."""
    rng, who = np.random.default_rng(1), people(side, first, n)
    nights, episodes = [], []
    for i, rate in enumerate(rng.gamma(4, 0.3, n)):
        for k in range(20):
            count = int(rng.poisson(rate)) if rng.random() < 0.7 else 0
            count = count if i else first and max(count, 1)
            night = (f"p{i:03}", date(2024, 3, 1) + timedelta(days=k))
            nights.append((*night, count, float(rng.normal(7, 1))))
            pains = rng.integers(1, 9, count) if i else np.full(count, 9)
            episodes += [(*night, j, float(pain)) for j, pain in enumerate(pains, start=1)]
    keys = {"participant_id": pl.String, "date": pl.Date}
    return Cohort(
        "lone",
        "diary",
        {
            "participants": who,
            "diary": pl.DataFrame(nights, keys | {"cramps": pl.Int64, "sleep_hours": pl.Float64}, orient="row"),
            "episodes": pl.DataFrame(episodes, keys | {"episode": pl.Int64, "pain_0_10": pl.Float64}, orient="row"),
        },
    )


def survey(side: str, first: int, n: int = 200) -> Cohort:
    who = people(side, first, n).with_columns(
        weight_interview=pl.Series(np.random.default_rng(2).uniform(500, 1500, n)),
        stratum=np.arange(n) % 20,
        psu=np.arange(n) // 20 % 2,
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": who}, design, as_of=date(2006, 12, 31), synthetic=True)


NIGHTS = {
    "poisson": {},
    "negative-binomial": {},
    "logistic": {},
    "gee-exchangeable": {"outcome": "cramp_night"},
    "mixed-poisson": {},
    "mixed-logistic": {},
    "hurdle-negative-binomial": {},
    "zero-inflated-negative-binomial": {},
    "linear": {"outcome": "sleep_hours"},
    "mixed-linear": {"outcome": "sleep_hours"},
}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("ordinal", {"outcome": "recalled_class"}),
    ("ordinal", {"outcome": "pain"}),
    ("cox", {"outcome": "gap"}),
]
SURVEYS: list[tuple[str, dict[str, Any]]] = [
    ("survey-logistic", {}),
    ("survey-poisson", {}),
    ("survey-ordinal", {}),
    ("survey-linear", {"outcome": "recalled_low"}),
    ("interval-count", {}),
]
LONE = "age_years > 45"


def rows(cohort: Cohort, model: str, terms: str, **options: Any) -> pd.DataFrame:
    found = fit(cohort, model=model, terms=terms, **options).estimates
    return found[~found["term"].str.contains("contrast")]


def ratios(found: pd.DataFrame, term: str) -> pd.Series[Any]:
    """Return the estimates of a term by level."""
    return found[found["term"] == term].set_index("level")["estimate"]


def check(cohort: Cohort, model: str, side: str, options: dict[str, Any], close: float = 1e-6) -> None:
    """Check that one participant's own has its reason, and the others the numbers of a fit without that one."""
    found = rows(cohort, model, "sex + grp", **options)
    own, _ = GROUPS[side]
    alone = found[(found["term"] == "grp") & ((found["level"] == "c") | (side == "reference"))]
    said = f"grp = {own}" + (", the reference" if side == "reference" else "")
    assert len(alone) and alone["status"].eq("not_estimable").all() and alone["estimate"].isna().all()
    assert alone["note"].str.contains(f"one participant alone has {said}", regex=False).all()
    baseline = found[found["term"].isin(["intercept", "threshold"])]
    if side == "reference":
        assert baseline["status"].eq("not_estimable").all()
    others = rows(cohort, model, "sex + grp", where=LONE, **options)
    assert ratios(found, "sex").to_dict() == pytest.approx(ratios(others, "sex").to_dict(), rel=close)
    assert found[found["term"] == "sex"]["ci_low"].notna().all()
    if side == "level":
        assert ratios(found, "grp")["b"] == pytest.approx(ratios(others, "grp")["b"], rel=close)
        assert baseline["status"].eq("converged").all()


@pytest.mark.parametrize("first", [WITHOUT, ONLY])
@pytest.mark.parametrize("side", [*GROUPS])
@pytest.mark.parametrize("model", [*NIGHTS])
def test_models_of_nights(model: str, side: str, first: int) -> None:
    # Dispersion and spread of participants see the one who stays in the fit.
    apart = model == "logistic" or first == WITHOUT
    free = not apart and model not in ("poisson", "linear")
    check(diary(side, first), model, side, dict(NIGHTS[model]), close=0.1 if free or "mixed" in model else 1e-6)


@pytest.mark.parametrize("first", [WITHOUT, ONLY])
@pytest.mark.parametrize("side", [*GROUPS])
@pytest.mark.parametrize(("model", "options"), EVENTS)
def test_models_of_cramps_gaps_and_classes(model: str, options: dict[str, Any], side: str, first: int) -> None:
    if options["outcome"] in ("pain", "gap") and first == WITHOUT:
        pytest.skip("who has no cramp has no pain, and no gap after it")
    check(diary(side, first, n=40), model, side, options, close=0.05 if options["outcome"] == "gap" else 1e-6)


@pytest.mark.parametrize("first", [WITHOUT, ONLY])
@pytest.mark.parametrize("side", [*GROUPS])
@pytest.mark.parametrize(("model", "options"), SURVEYS)
def test_models_of_surveys(model: str, options: dict[str, Any], side: str, first: int) -> None:
    check(survey(side, first), model, side, options, close=0.05 if model == "interval-count" else 1e-6)


@pytest.mark.parametrize("model", ["poisson", "logistic", "hurdle-negative-binomial"])
def test_a_number_of_one_participant(model: str) -> None:
    cohort = diary("level", WITHOUT)
    found = rows(cohort, model, "sex + treated")
    (treated,) = found[found["term"] == "treated"].to_dict("records")
    assert (treated["status"], treated["n_exposed"], treated["n_participants"]) == ("not_estimable", 1, 15)
    assert treated["note"] == "one participant alone has treated = 1: a ratio would rest on that one"
    others = rows(cohort, model, "sex", where=LONE)
    assert ratios(found, "sex").to_dict() == pytest.approx(ratios(others, "sex").to_dict())
    (sex,) = found[found["term"] == "sex"].to_dict("records")
    assert "20 nights left out, of one participant alone at a level, who sets the outcome apart" in sex["note"]


def test_a_number_of_one_participant_in_a_survey() -> None:
    cohort = survey("level", WITHOUT)
    found = rows(cohort, "survey-logistic", "sex + treated").set_index("term")
    assert found.loc["treated", "status"] == "not_estimable"
    others = rows(cohort, "survey-logistic", "sex", where=LONE).set_index("term")
    columns = ["estimate", "ci_low", "ci_high", "df"]
    assert [*found.loc["sex", columns]] == pytest.approx([*others.loc["sex", columns]])


@pytest.mark.parametrize("side", [*GROUPS])
def test_what_is_one_participants_alone_in_the_zero_part(side: str) -> None:
    cohort, model = diary(side, ONLY), "hurdle-negative-binomial"
    found = rows(cohort, model, "sex", zero_terms="sex + grp")
    alone = found[(found["term"] == "zero: grp") & ((found["level"] == "c") | (side == "reference"))]
    assert alone["status"].eq("not_estimable").all()
    assert alone["note"].str.startswith("one participant alone has grp").all()
    others = rows(cohort, model, "sex", zero_terms="sex + grp", where=LONE)
    for term in ("sex", "zero: sex"):
        assert ratios(found, term).to_dict() == pytest.approx(ratios(others, term).to_dict(), rel=1e-6)


def test_an_only_term_of_one_participant() -> None:
    cohort = diary("level", WITHOUT)
    # One cramp in the first night, and then a gap without an end.
    first = (pl.col("participant_id") == "p000") & (pl.col("date") == date(2024, 3, 1))
    nights = cohort.frame("diary").with_columns(cramps=pl.when(first).then(1).otherwise("cramps"))
    once = Cohort("once", "diary", {"participants": cohort.frame("participants"), "diary": nights})
    (row,) = rows(once, "cox", "treated", outcome="gap").to_dict(orient="records")
    assert (row["status"], row["note"]) == (
        "not_estimable",
        "one participant alone has treated = 1: a ratio would rest on that one",
    )
    found = rows(cohort, "poisson", "treated").set_index("term")
    assert found["status"].to_dict() == {"treated": "not_estimable", "intercept": "converged"}


def test_a_level_of_several_participants_that_sets_apart_still_spares_nothing() -> None:
    cohort = diary("level", WITHOUT)
    who = cohort.frame("participants").with_columns(heard=pl.Series(["x"] * 2 + ["y"] * 14))
    nights = cohort.frame("diary").with_columns(
        cramps=pl.when(pl.col("participant_id") < "p002").then(0).otherwise("cramps")
    )
    two = Cohort("two", "diary", {"participants": who, "diary": nights})
    found = rows(two, "poisson", "sex + heard")
    assert found["status"].eq("not_estimable").all()
    assert found["note"].str.contains("no cramp where heard").all()


@pytest.mark.parametrize("first", [WITHOUT, ONLY])
@pytest.mark.parametrize("side", [*GROUPS])
def test_a_bootstrap_resamples_the_others(side: str, first: int) -> None:
    cohort, rng = diary(side, first), np.random.default_rng(3)
    found = bootstrap(cohort, model="poisson", terms="sex + grp", rng=rng, replicates=60)
    sex = found[found["term"] == "sex"]
    assert sex["status"].eq("converged").all() and (sex["ci_low"] < sex["ci_high"]).all()
    assert not sex["note"].str.contains("without an estimate").any()
    alone = found[(found["term"] == "grp") & ((found["level"] == "c") | (side == "reference"))]
    assert alone["status"].eq("not_estimable").all()
    assert alone["note"].str.startswith("one participant alone has grp").all()


def along_with_sex(cohort: Cohort, first: int) -> Cohort:
    """Return a cohort whose first participant alone has grp = c, and everyone else a or b as they are of a sex."""
    n = cohort.frame("participants").height
    low = cohort.frame("participants")["recalled_low"].to_numpy().copy()
    low[0] = 16 * bool(first)
    own = {"grp": ["c", *("ab"[i % 2] for i in range(1, n))], "recalled_low": low}
    others = {name: cohort.frame(name) for name in ("diary", "episodes") if cohort.kind == "diary"}
    who = cohort.frame("participants").with_columns(**{name: pl.Series(value) for name, value in own.items()})
    as_of = None if cohort.kind == "diary" else date(2006, 12, 31)
    return Cohort("along", cohort.kind, {"participants": who, **others}, cohort.design, as_of=as_of)


@pytest.mark.parametrize("first", [WITHOUT, ONLY])
@pytest.mark.parametrize(("model", "options"), [*NIGHTS.items(), *EVENTS, *SURVEYS])
def test_what_the_others_cannot_tell_has_its_reason(model: str, options: dict[str, Any], first: int) -> None:
    cohort = survey("level", first) if (model, options) in SURVEYS else diary("level", first)
    found = fit(along_with_sex(cohort, first), model=model, terms="grp + sex", **options).estimates
    failed = found[found["status"].isin(["not_estimable", "not_converged"])]
    assert len(failed) and (failed["note"].fillna("") != "").all()


def test_the_reason_names_what_follows_and_from_whom() -> None:
    found = rows(along_with_sex(diary("level", WITHOUT), WITHOUT), "poisson", "grp + sex")
    said = found.set_index(found["level"].fillna(""))["note"]
    but = "without the participant who alone has grp = c"
    assert said["female"] == f"sex = female follows from the terms before it, {but}"
    assert said["b"] == f"grp = b cannot be told from sex = female, {but}"
    assert said["c"] == "one participant alone has grp = c: a ratio would rest on that one"
    assert found[found["term"] == "intercept"]["status"].item() == "converged"


@pytest.mark.parametrize(("model", "options"), SURVEYS)
def test_what_is_one_participants_alone_takes_no_slope_of_a_survey(model: str, options: dict[str, Any]) -> None:
    cohort = survey("level", WITHOUT)
    who = cohort.frame("participants").with_columns(stratum=np.arange(200) % 5)
    five = Cohort("five", "survey", {"participants": who}, cohort.design, as_of=date(2006, 12, 31), synthetic=True)
    found = rows(five, model, "grp + sex + age_years", **options)
    assert found[found["term"].isin(["sex", "age_years"])]["status"].eq("converged").all()
    many = rows(five, model, "grp + sex + age_years + I(age_years ** 2)", **options)
    said = many.set_index(many["level"].fillna(many["term"]))["note"]
    assert said["female"].startswith("4 slopes are too many for the 5 degrees of freedom")
    assert said["c"] == "one participant alone has grp = c: a ratio would rest on that one"
