"""Cohorts of which one lacks what a comparison takes: what can be compared is, and the rest says truly why not."""

from __future__ import annotations

import json
import re
import shlex
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey as asked
from test_compare_report import write_package

from crampstudy import compare, fit, tables
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.comparison import ComparisonSettings, compare_cohorts
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.cohorts.characteristics import standardised_differences
from crampstudy.contrasts.cohorts.factors import compare_factors
from crampstudy.contrasts.cohorts.further.common_measure import compare_kinds
from crampstudy.contrasts.cohorts.marginal import MarginalMeans
from crampstudy.contrasts.cohorts.sensitivity import compare_sensitivity
from crampstudy.descriptive import describe
from crampstudy.descriptive.characteristics import characteristics
from crampstudy.descriptive.rates import ALL
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.nights import observed_nights
from crampstudy.simulate import Mess, Truth, simulate

BANDS = AgeBands((20, 60))


@pytest.fixture(scope="module")
def here() -> Cohort:
    return _named(simulate(60, 14, 5, Truth(), Mess.none()), "here")


@pytest.fixture(scope="module")
def there() -> Cohort:
    return _named(simulate(50, 14, 6, Truth(), Mess.none()), "there")


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def _named(cohort: Cohort, name: str) -> Cohort:
    return replace(cohort, name=name)


def _people(cohort: Cohort, name: str | None = None, **columns: pl.Expr) -> Cohort:
    who = cohort.frame("participants").with_columns(**columns)
    return replace(cohort, name=name or cohort.name, tables={**cohort.tables, "participants": who})


def _without(cohort: Cohort, *columns: str) -> Cohort:
    """Return a cohort in which nobody was asked for some columns; age and sex are there without a value."""
    who = cohort.frame("participants")
    who = who.with_columns(
        pl.lit(None, who.schema[name]).alias(name) for name in columns if name in ("age_years", "sex")
    )
    who = who.drop(name for name in columns if name not in ("age_years", "sex"))
    return replace(cohort, tables={**cohort.tables, "participants": who})


def _first(cohort: Cohort, people: int, name: str) -> Cohort:
    kept = cohort.frame("participants")["participant_id"].head(people).implode()
    parts = {key: table.filter(pl.col("participant_id").is_in(kept)) for key, table in cohort.tables.items()}
    return replace(cohort, name=name, tables=parts)


def _no_cramp(cohort: Cohort, where: pl.Expr | None = None) -> Cohort:
    nights = cohort.frame("diary")
    zero = pl.lit(value=True) if where is None else where
    ids = cohort.frame("participants").filter(zero)["participant_id"].implode()
    cramps = pl.when(pl.col("participant_id").is_in(ids)).then(0).otherwise(pl.col("cramps")).cast(pl.Int64)
    return replace(cohort, tables={**cohort.tables, "diary": nights.with_columns(cramps=cramps)})


def _rows(found: pd.DataFrame, kind: kinds.Kind, *, cohort: str | None = None) -> pd.DataFrame:
    rows = kind.rows(found)
    return rows if cohort is None else rows[rows["cohort"] == cohort]


def _ratio(rows: pd.DataFrame) -> pd.Series[float]:
    return rows[rows["scale"].str.endswith("_ratio")].iloc[0]


def _reasons(rows: pd.DataFrame) -> set[str]:
    assert rows["status"].eq("not_estimable").all() and rows["estimate"].isna().all()
    return set(rows["note"])


def _rate(*cohorts: Cohort) -> Sequence[float]:
    """Return the cramps per week of each cohort, counted."""
    sums = [observed_nights(each)["cramps"] for each in cohorts]
    return [float(each.sum()) / len(each) * 7 for each in sums]


# A cohort without ages.


@pytest.mark.parametrize("columns", [("age_years",), ("age_years", "sex")])
def test_a_cohort_without_ages_is_compared_as_a_whole(here: Cohort, there: Cohort, columns: tuple[str, ...]) -> None:
    unaged = _without(there, *columns)
    found = compare(here, unaged, bands=BANDS, adjust="bmi_kg_m2").estimates
    between = _rows(found, kinds.BETWEEN_COHORTS)
    whole = between[between["level"] == ALL]
    one, other = _rate(unaged, here)
    assert _ratio(whole)["estimate"] == pytest.approx(one / other)
    # Everybody of the cohort that has ages is described as well, and once.
    described = _rows(found, kinds.INCIDENCE_RATE)
    assert described[described["level"] == ALL]["cohort"].tolist() == ["there", "here"]
    for rows in (between[between["level"] != ALL], _rows(found, kinds.BETWEEN_STANDARDISED)):
        assert _reasons(rows) == {"no participant has an age (there)"}
        assert rows["verdict"].isna().all()
    for kind in (kinds.COHORT_INTERACTION, kinds.BETWEEN_ADJUSTED):
        assert _reasons(_rows(found, kind)) == {"no participant has an age (there)"}
    trends = _rows(found, kinds.COHORT_TREND).set_index("level")
    alone = fit(here, model="poisson", terms="age_decade", where="age_years >= 20").estimates.iloc[0]
    assert trends.loc["here", "estimate"] == pytest.approx(alone["estimate"])
    assert trends.loc["there", "note"] == "no participant has an age (there)"
    assert "no participant has an age (there)" in tables.notes(between)


def test_two_cohorts_without_ages_are_compared_as_wholes(here: Cohort, there: Cohort) -> None:
    both = [_without(each, "age_years", "sex") for each in (here, there)]
    found = compare(*both).estimates
    rows = _rows(found, kinds.BETWEEN_COHORTS)
    one, other = _rate(there, here)
    assert _ratio(rows[rows["level"] == ALL])["estimate"] == pytest.approx(one / other)
    assert _reasons(rows[rows["level"] != ALL]) == {"no participant has an age"}
    # The one that is grouped by age needs it; where all have one there is no such row.
    assert ALL not in set(_rows(compare(here, there).estimates, kinds.BETWEEN_COHORTS)["level"])
    described = describe(here).estimates
    assert ALL not in set(kinds.INCIDENCE_RATE.rows(described)["level"])


def test_ages_of_some_and_of_nobody_from_the_first_band_on(here: Cohort, there: Cohort) -> None:
    odd = pl.int_range(pl.len()) % 2 == 0
    some = _people(there, age_years=pl.when(odd).then(pl.col("age_years")))
    rows = _rows(compare(here, some, bands=BANDS).estimates, kinds.BETWEEN_COHORTS)
    one, other = _rate(there, here)
    assert _ratio(rows[rows["level"] == ALL])["estimate"] == pytest.approx(one / other)
    assert rows[rows["level"] == "20+"]["estimate"].notna().all()
    young = _people(there, age_years=pl.lit(18.0))
    found = compare(here, young, bands=BANDS).estimates
    said = "nobody is 20 years or older (there)"
    assert _reasons(_rows(found, kinds.BETWEEN_COHORTS, cohort="there").iloc[-2:]) == {said}
    assert _reasons(_rows(found, kinds.BETWEEN_STANDARDISED)) == {said}
    assert _reasons(_rows(found, kinds.COHORT_INTERACTION)) == {said}
    ways = kinds.STANDARDISED_OTHERWISE.rows(compare_sensitivity([here, _without(there, "age_years")], bands=BANDS))
    assert "participants of there" not in set(ways["level"])


def test_everybody_of_one_age_has_no_trend_and_leaves_that_of_the_other(here: Cohort, there: Cohort) -> None:
    flat = _people(there, age_years=pl.lit(64.0))
    trends = _rows(compare(here, flat, bands=BANDS).estimates, kinds.COHORT_TREND).set_index("level")
    assert trends.loc["there", "note"] == "all participants are of one age (there)"
    assert trends.loc["here", "status"] == "converged"


# What is adjusted for.


def test_what_one_cohort_lacks_is_adjusted_for_in_none(here: Cohort, there: Cohort) -> None:
    lacking = _without(here, "smoking")
    said = "no participant has a value of smoking (here)"
    for pair in ((lacking, there), (there, lacking)):
        found = compare(*pair, bands=BANDS, adjust="smoking").estimates
        rows = _rows(found, kinds.BETWEEN_ADJUSTED)
        assert len(rows) == 2 and _reasons(rows) == {said}
        values = kinds.E_VALUE.rows(found)
        assert kinds.BETWEEN_ADJUSTED.name not in set(values["estimand"])
    # The column is there and empty, or of too few.
    few = pl.int_range(pl.len()) < 3
    for smoking, reason in (
        (pl.lit(None, pl.String), said),
        (pl.when(few).then(pl.col("smoking")), "fewer than 5 participants of 20 years or older have a value"),
    ):
        found = compare(_people(here, smoking=smoking), there, bands=BANDS, adjust="smoking").estimates
        (note,) = _reasons(_rows(found, kinds.BETWEEN_ADJUSTED))
        assert note.startswith(reason) and note.endswith("(here)")
    neither = compare(lacking, _without(there, "smoking"), bands=BANDS, adjust="smoking").estimates
    assert _reasons(_rows(neither, kinds.BETWEEN_ADJUSTED)) == {"no participant has a value of smoking"}


def test_of_three_cohorts_the_two_that_have_it_are_adjusted(here: Cohort, there: Cohort) -> None:
    third = _without(_named(there, "third"), "bmi_kg_m2")
    every = _rows(
        compare(here, there, others=[third], bands=BANDS, adjust="bmi_kg_m2").estimates, kinds.BETWEEN_ADJUSTED
    )
    two = _rows(compare(here, there, bands=BANDS, adjust="bmi_kg_m2").estimates, kinds.BETWEEN_ADJUSTED)
    assert every[every["cohort"] == "there"]["estimate"].tolist() == two["estimate"].tolist()
    assert "of here and there, by g-computation" in _ratio(every)["estimand"]
    assert _reasons(every[every["cohort"] == "third"]) == {"no participant has a value of body-mass index (third)"}


def test_what_parts_cohorts_completely_is_not_adjusted_for(here: Cohort, there: Cohort) -> None:
    never, current = (_people(each, smoking=pl.lit(level)) for each, level in ((here, "never"), (there, "current")))
    rows = _rows(compare(never, current, bands=BANDS, adjust="smoking").estimates, kinds.BETWEEN_ADJUSTED)
    assert _reasons(rows) == {"smoking has no level that here has (there)"}
    apart = _people(there, bmi_kg_m2=pl.col("bmi_kg_m2") + 100)
    rows = _rows(compare(here, apart, bands=BANDS, adjust="bmi_kg_m2").estimates, kinds.BETWEEN_ADJUSTED)
    assert _reasons(rows) == {"body-mass index has no value in the range of here (there)"}
    # A third cohort that has both levels joins the two.
    both = _named(there, "both")
    rows = _rows(
        compare(never, current, others=[both], bands=BANDS, adjust="smoking").estimates, kinds.BETWEEN_ADJUSTED
    )
    assert rows["status"].eq("converged").all()
    assert (
        rows["note"]
        .str.contains("smoking does not vary in here and there, so that its coefficient rests on both")
        .all()
    )
    # The test adjusted for sex is parted likewise.
    women, men = (_people(each, sex=pl.lit(level)) for each, level in ((here, "female"), (there, "male")))
    tests = _rows(compare(women, men, others=[_people(men, "more")], bands=BANDS).estimates, kinds.COHORT_INTERACTION)
    assert tests["status"].tolist() == ["converged"]


def test_what_does_not_vary_in_one_cohort_is_said_to_rest_on_the_other(here: Cohort, there: Cohort) -> None:
    women = _people(here, sex=pl.lit("female"))
    row = _ratio(_rows(compare(women, there, bands=BANDS, adjust="sex").estimates, kinds.BETWEEN_ADJUSTED))
    assert row["status"] == "converged"
    assert "sex does not vary in here, so that its coefficient rests on there alone" in row["note"]


@pytest.mark.parametrize(
    ("adjust", "said"),
    [
        ("bogus", "terms name 'bogus', which neither the codebook nor the cohort has"),
        ("weekend_night", "weekend_night differs from night to night; adjust for what a participant is"),
        ("between(alcohol_units)", "alcohol_units differs from night to night"),
    ],
)
def test_terms_that_no_cohort_can_have_are_refused(here: Cohort, there: Cohort, adjust: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        compare(here, there, adjust=adjust)
    assert said in str(error.value)
    with pytest.raises(UsageError) as error:
        ComparisonSettings(adjust=adjust).check([here, there])
    assert said in str(error.value)


def test_what_no_cohort_has_is_not_adjusted_for_without_a_word(here: Cohort, there: Cohort) -> None:
    lacking = [_without(each, "smoking", "statin") for each in (here, there)]
    for adjust, then in (("smoking", "sex"), ("bmi_kg_m2 + smoking", "bmi_kg_m2"), ("smoking:sex", "sex")):
        with pytest.raises(UsageError) as error:
            ComparisonSettings(adjust=adjust).check(lacking)
        said = (
            "adjust (--adjust): no participant of here and none of there has a value of smoking; both have age_decade,"
        )
        assert str(error.value).startswith(said) and "statin" not in str(error.value)
        assert error.value.correction == (adjust, then)
        ComparisonSettings(adjust=then).check(lacking)
    # One that is there without a value is none, nor is the age of a study that did not ask for it.
    empty = [_people(each, smoking=pl.lit(None, pl.String)) for each in (here, there)]
    unaged = [_without(each, "age_years") for each in (here, there)]
    third = _named(lacking[1], "third")
    for cohorts, adjust in ((empty, "smoking"), (unaged, "age_decade"), ([*lacking, third], "smoking")):
        with pytest.raises(UsageError, match=r"no participant of (here and none of there|any cohort) has a value of"):
            ComparisonSettings(adjust=adjust).check(cohorts)
    # What one of them has is a row that says who lacks it.
    ComparisonSettings(adjust="smoking").check([here, lacking[1]])


def test_the_command_says_what_is_not_adjusted_for_and_gives_one_that_runs(
    run: Callable[..., tuple[int, str, str]], here: Cohort, there: Cohort, tmp_path: Path
) -> None:
    sources = [str(tmp_path / each.name) for each in (here, there)]
    for each, source in zip((_without(here, "smoking", "bmi_kg_m2"), _without(there, "smoking")), sources, strict=True):
        write_package(each, Path(source))
    code, out, err = run("compare", *sources, "--adjust", "smoking")
    assert code == 2 and not out
    _, *again = shlex.split(err.rpartition("; run: ")[2])
    assert again[-1] == "sex" and run(*again)[0] == 0
    code, out, err = run("compare", *sources, "--adjust", "sex + bmi_kg_m2")
    assert code == 0 and "note: no ratio is adjusted: no participant of here has a value of bmi_kg_m2\n" in err


def test_what_a_cohort_lacks_to_be_grouped_or_told_apart_names_it(here: Cohort, there: Cohort) -> None:
    lacking = _without(there, "smoking")
    with pytest.raises(UsageError, match=r"^there is compared by age_band or a level"):
        compare(here, lacking, "smoking")
    with pytest.raises(UsageError, match=r"^there: 'smoking' names no column"):
        compare(here, lacking, where="smoking = 'never'")


def test_the_error_of_equal_means_is_nought() -> None:
    slightly_negative = pl.DataFrame({"a": [1.0, 1.0], "b": [1.0 + 1e-15, 1.0]}).to_numpy()
    means = MarginalMeans(slightly_negative[0] * 0 + 2.0, slightly_negative, slightly_negative)
    assert means.difference(1, 0)[1] == pytest.approx(0.0, abs=1e-7)
    assert means.log_ratio(1, 0)[1] == pytest.approx(0.0, abs=1e-7)


# Few participants, no cramps, many cohorts.


def test_cohorts_of_one_and_two_are_described_and_compared_in_nothing(here: Cohort, there: Cohort) -> None:
    one, two = _first(here, 1, "one"), _first(there, 2, "two")
    found = compare(one, two, bands=BANDS, adjust="bmi_kg_m2").estimates
    assert _rows(found, kinds.INCIDENCE_RATE, cohort="two")["n_participants"].max() == 2
    allowed = {"rests on one participant (one)", "fewer than 5 participants (two)"}
    rows = [_rows(found, kind) for kind in (kinds.COHORT_INTERACTION, kinds.COHORT_TREND, kinds.BETWEEN_STANDARDISED)]
    between = _rows(found, kinds.BETWEEN_COHORTS)
    for own in (*rows, _rows(found, kinds.BETWEEN_ADJUSTED), between[between["level"] == "20+"]):
        assert {part for note in _reasons(own) for part in note.split("; ")} <= allowed
    described = pd.concat([characteristics(each) for each in (one, two)])
    differences = standardised_differences(described, ["one", "two"])
    assert differences["estimate"].isna().all()
    document = compare_cohorts([one, two], ComparisonSettings(age_bands=(20, 60)))
    assert "No ratio of" in document.values["factors"] and "differs from" not in document.values["people"]
    assert "could not be tested: rests on one participant (one); fewer than 5" in document.values["interaction"]


def test_a_cohort_without_a_cramp_leaves_the_others_their_models(here: Cohort, there: Cohort) -> None:
    free = _no_cramp(_named(there, "free"))
    found = compare(here, there, others=[free], bands=BANDS, adjust="sex").estimates
    two = compare(here, there, bands=BANDS, adjust="sex").estimates
    for kind in (kinds.COHORT_INTERACTION, kinds.BETWEEN_ADJUSTED):
        rows = _rows(found, kind)
        assert rows["estimate"].dropna().tolist() == _rows(two, kind)["estimate"].tolist()
    assert _rows(found, kinds.COHORT_INTERACTION)["note"].str.contains(r"left out, no cramp \(free\)").all()
    assert _reasons(_rows(found, kinds.BETWEEN_ADJUSTED, cohort="free")) == {"no cramp (free)"}
    reversed_ = compare(free, there, others=[here], bands=BANDS, adjust="sex").estimates
    assert _reasons(_rows(reversed_, kinds.BETWEEN_ADJUSTED)) == {"no cramp (free)"}
    # One group without a cramp is named as a group.
    partly = _no_cramp(there, pl.col("age_years") >= 60)
    tests = _rows(compare(here, partly, bands=BANDS).estimates, kinds.COHORT_INTERACTION)
    assert _reasons(tests) == {"no cramp in the group 60+ (there)"}


def test_more_cohorts_than_a_model_holds_are_compared_without_one(here: Cohort) -> None:
    many = [_named(here, f"c{i}") for i in range(13)]
    found = compare(many[0], many[1], others=many[2:], bands=BANDS).estimates
    assert _rows(found, kinds.BETWEEN_COHORTS)["estimate"].notna().any()
    said = "a model holds at most 12 cohorts, and there are 13"
    assert _reasons(_rows(found, kinds.COHORT_INTERACTION)) == {said}


def test_pooled_rates_say_of_whom_they_are_not(here: Cohort, there: Cohort) -> None:
    found = compare(here, _without(there, "age_years"), bands=BANDS, pool=True).estimates
    rows = _rows(found, kinds.POOLED)
    assert rows["note"].str.startswith("nobody of there is in it").all()
    whole = _rows(compare(here, there, bands=BANDS, pool=True).estimates, kinds.POOLED)
    assert not whole["note"].str.contains("nobody of", na=False).any()


# Surveys.


def test_surveys_whose_designs_have_other_names_are_compared() -> None:
    one, other = _named(asked(None), "one"), _named(asked(None), "other")
    design = other.design
    assert design is not None
    renamed = {"stratum": "layer", design.weights["interview"]: "w"}
    people = other.frame("participants").rename(renamed)
    other = replace(
        other,
        tables={**other.tables, "participants": people},
        design=replace(design, stratum="layer", weights={"interview": "w"}),
    )
    together = pooled([one, other])
    assert together.design is not None and set(together.design.weights) == {"interview"}
    assert together.design.psu in together.frame("participants").columns
    alike = compare(one, _named(one, "other"), bands=BANDS, adjust="sex").estimates
    found = compare(one, other, bands=BANDS, adjust="sex").estimates
    for kind in (kinds.BETWEEN_COHORTS, kinds.BETWEEN_ADJUSTED, kinds.COHORT_INTERACTION):
        pd.testing.assert_series_equal(_rows(found, kind)["estimate"], _rows(alike, kind)["estimate"])


def test_a_diary_without_ages_shares_no_measure_with_a_survey(here: Cohort) -> None:
    rows = kinds.BETWEEN_KINDS.rows(compare_kinds(_without(here, "age_years"), asked(None)))
    assert _reasons(rows) == {"no participant has an age (here)"}


# Bands, notes and texts.


def test_a_band_of_one_year_is_that_year() -> None:
    bands = AgeBands((45, 46, 47, 50, 90))
    assert bands.labels == ("<45", "45", "46", "47-49", "50-89", "90+")
    assert bands.find("47–49") == "47-49" and bands.find("90+") == "90+"
    assert bands.label(45.9) == "45" and bands.find("46") == bands.find("46–46") == "46"


def test_a_reason_of_an_error_is_one_part_of_a_note(here: Cohort, there: Cohort) -> None:
    bands = AgeBands((45, 46, 47))
    rows = _rows(compare(here, there, bands=bands).estimates, kinds.BETWEEN_STANDARDISED)
    said = "the lower limit 46 lies inside a 5-year group of the standard population – use multiples of 5 up to 85"
    assert _reasons(rows) == {f"{said}, or no standardisation"}
    assert said in tables.notes(rows) and ", and use" not in tables.notes(rows)


def test_a_note_of_an_adjusted_ratio_is_not_that_of_a_group(here: Cohort, there: Cohort) -> None:
    found = compare(here, there, adjust="sex").estimates
    shown = [kinds.BETWEEN_COHORTS, kinds.BETWEEN_STANDARDISED, kinds.BETWEEN_ADJUSTED]
    said = tables.notes(pd.concat([kind.rows(found) for kind in shown]))
    assert "djusted: " in said
    assert "20+: bias" not in said and "20+: rests" not in said
    tests = tables.notes(pd.concat([kind.rows(found) for kind in (kinds.COHORT_INTERACTION, kinds.COHORT_TREND)]))
    assert "Cohort × age band" not in tests


def test_the_document_of_a_cohort_without_ages_says_so(here: Cohort, there: Cohort) -> None:
    real = [replace(each, synthetic=False) for each in (here, _without(there, "age_years", "sex"))]
    found = compare_cohorts(real, ComparisonSettings(age_bands=(20, 60), factors="none"))
    assert "crude, all participants of whatever age" in found.values["answer"]
    assert "all" not in found.values["groups"].split("Not compared")[0]
    limits = found.values["limits"]
    assert "Nobody in there has an age: nothing is standardised, and no group by age compared." in limits
    assert "50 identifiers stand in more than one cohort" in limits
    assert "of there of whatever age" in found.tables["tbl-characteristics"].caption
    texts = json.dumps(dict(found.values))
    assert "'cohort'" not in texts and "is not in the fit" not in texts


def test_a_cohort_below_the_first_band_is_told_apart_from_one_not_measured(here: Cohort, there: Cohort) -> None:
    young = _people(there, age_years=pl.lit(18.0))
    found = compare_cohorts([here, young], ComparisonSettings(age_bands=(20, 60)))
    assert "nobody of there is among these participants" in found.values["people"]
    assert "not measured in there" not in found.values["people"].lower()
    shown = found.tables["tbl-characteristics"].frame
    assert not [stub for _, stub in shown.index if str(stub).startswith("Sex, mean")]
    between = kinds.FACTOR_BETWEEN.rows(found.estimates)
    assert set(between["note"]) == {"nobody is 20 years or older (there)"}
    assert "Could not estimate: no value" not in found.values["not_estimated"]
    assert "; no value" not in found.values["not_estimated"]


def test_a_reason_of_all_groups_is_told_once(here: Cohort, there: Cohort) -> None:
    found = compare_cohorts([here, _no_cramp(there)], ComparisonSettings(age_bands=(20, 60), factors="none"))
    assert found.values["answer"].endswith("no cramp (there).")
    assert found.values["groups"] == "Not compared, for the same reason: 20–59 and 60+."
    rows = kinds.BETWEEN_COHORTS.rows(compare(here, _without(there, "sex"), "sex").estimates)
    assert "female, male: no participant has a value of sex (there)" in tables.notes(rows)


def test_of_three_cohorts_each_other_one_has_lines_of_its_own(here: Cohort, there: Cohort) -> None:
    third = _named(there, "third")
    rows = compare_factors([here, there, third], ["diabetes", "sex"], bands=BANDS)
    shown = tables.factors_between(rows)
    assert [group for group, _ in shown.index] == ["there", "there", "third", "third"]
    assert shown.columns[0] == "Participants (here / the cohort)" and len(shown.columns) == 6
    two = tables.factors_between(compare_factors([here, there], ["diabetes", "sex"], bands=BANDS))
    assert two.columns[0] == "Participants (here / there)" and two.index.name == "Factor"
    assert list(two["Ratio of ratios (95% CI)"]) == list(shown.loc["there", "Ratio of ratios (95% CI)"])
    for kind in (kinds.FACTOR_BETWEEN, kinds.FACTOR_IN_COHORT):
        assert len(tables.factors_between(kind.rows(rows)))
    # A cohort's groups stand together, the adjusted ratio with them.
    found = compare(here, there, others=[third], bands=BANDS, adjust="sex").estimates
    of = [kinds.BETWEEN_COHORTS, kinds.BETWEEN_STANDARDISED, kinds.BETWEEN_ADJUSTED]
    groups = [group for group, _ in tables.between_cohorts(pd.concat([kind.rows(found) for kind in of])).index]
    assert groups == sorted(groups) and len(set(groups)) == 2


def test_several_reasons_of_all_groups_are_told_once_and_before_others() -> None:
    """In one cohort nobody has a cramp, in the other everybody has one each night; some groups are of few people."""
    made = [_named(simulate(40, 14, seed, Truth(), Mess.none()), name) for seed, name in ((5, "none"), (6, "all"))]
    none, every = _no_cramp(made[0]), made[1]
    nights = every.frame("diary").with_columns(cramps=pl.lit(1).cast(pl.Int64))
    every = replace(every, tables={**every.tables, "diary": nights})
    found = compare_cohorts([none, every], ComparisonSettings(age_bands=(20, 40, 60), factors="none"))
    assert "no spread between participants (all); no cramp (none)" in found.values["answer"]
    told = found.values["groups"]
    assert told.count("for the same reason") == 1 and told.startswith("Not compared, for the same reason: ")


def test_a_characteristic_of_two_levels_is_named_once(here: Cohort, there: Cohort) -> None:
    women = _people(there, sex=pl.lit("female"))
    found = compare_cohorts([here, women], ComparisonSettings(age_bands=(20, 60), factors="none"))
    told = found.values["people"]
    number = int(re.search(r"standard deviations in (\d+) of", told)[1])
    assert ("sex female" in told) != ("sex male" in told)
    assert told.partition(" of ")[2].count("(") >= min(number, 6)
