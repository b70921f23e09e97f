"""What a model expects at two values of a factor: ratios by hand, what nobody is near, and what stands beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crampstudy import estimates, figures, tables
from crampstudy.analyses.others import SectionResults
from crampstudy.analyses.sections.on_request.dependence import beside
from crampstudy.analyses.sentences.prediction import depends
from crampstudy.estimates import kinds
from crampstudy.prediction import models
from crampstudy.prediction.dependence import dependence_rows
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.held_out import HeldOut, held_out
from crampstudy.prediction.models import Candidate, fitted
from crampstudy.prediction.outcome import ANY, COUNT, Outcome
from crampstudy.prediction.resampled import Resamples
from crampstudy.tables.sections.prediction import have_other_values

NIGHTS = 6


@dataclass
class LogLinear:
    """A model whose log rate, or probability, is linear in the features; what is missing counts as 0."""

    slopes: list[float]

    def predict(self, values: Any) -> Any:
        return 0.2 * np.exp(np.nan_to_num(values) @ self.slopes)

    def predict_proba(self, values: Any) -> Any:
        said = self.predict(values)
        return np.column_stack([1 - said, said])


def table_of(features: dict[str, Any], people: int = 40) -> FeatureTable:
    """People of some nights each; a feature has a value of each person, or of each night."""
    person = np.repeat(np.arange(people), NIGHTS)
    columns = [
        np.asarray(of, float)[person] if len(of) == people else np.asarray(of, float) for of in features.values()
    ]
    values = np.column_stack(columns).astype(np.float32)
    counts = np.random.default_rng(3).poisson(0.5, len(person)).astype(float)
    ids, none = tuple(map(str, range(people))), np.zeros(people, int)
    return FeatureTable(tuple(features), values, counts, np.ones(len(person)), person, ids, None, none, ("all",))


def held(features: dict[str, Any], slopes: list[float], outcome: Outcome = COUNT, people: int = 40) -> HeldOut:
    """All people of a table held out, and a model that is known."""
    table = table_of(features, people)
    drawn = Resamples.of_participants(table.person, np.random.default_rng(1))
    base = {"cohort": "made", "model": "known", "ci_level": 0.95, "outcome": outcome.name, "population": "all"}
    return HeldOut(LogLinear(slopes), outcome, table, np.ones(len(table.counts), bool), drawn, base)


def ratios(rows: pd.DataFrame) -> pd.DataFrame:
    return kinds.PARTIAL_DEPENDENCE.rows(rows).set_index("term")


def test_a_linear_log_rate_gives_its_own_ratio_and_every_participant_the_same() -> None:
    ages, ill = np.linspace(40, 90, 40), np.arange(40) % 4 == 0
    rows = dependence_rows(held({"age_years": ages, "diabetes": ill}, [0.02, 0.5]))
    found = ratios(rows)
    age = found.loc["contrast: age_years"]
    assert age["estimate"] == pytest.approx(np.exp(0.02 * 25), rel=1e-6)
    assert (age["level"], age["reference"], age["unit"]) == ("75", "50", "75 against 50 years")
    assert age["status"] == "boundary" and age["note"] == "the same of every participant, so no interval"
    assert age["scale"] == "rate_ratio" and age["n_participants"] == 40 and age["n_nights"] == 40 * NIGHTS
    assert found.loc["diabetes", "estimate"] == pytest.approx(np.exp(0.5), rel=1e-6)
    # Near 75 is from 68.75 to 81.25, near 50 from 43.75 to 56.25.
    near = kinds.DEPENDENCE_SUPPORT.rows(rows).set_index(["term", "level"])
    own = [int((np.abs(ages - value) <= 6.25).sum()) for value in (75, 50)]
    assert near.loc["contrast: age_years", "n_participants"].tolist() == own
    assert near.loc[("diabetes", "true"), "estimate"] == 0.25 and near.loc[("diabetes", "false"), "estimate"] == 0.75
    assert rows["key"].is_unique


def test_an_average_of_products_is_the_ratio_of_averages_with_an_interval_of_the_people_asked() -> None:
    probability = held({"diabetes": np.arange(40) % 2, "hypertension": np.arange(40) % 3 == 0}, [0.7, 0.4], ANY)

    class Capped(LogLinear):
        def predict_proba(self, values: Any) -> Any:
            said = np.minimum(self.predict(values), 0.45)
            return np.column_stack([1 - said, said])

    object.__setattr__(probability, "model", Capped([0.7, 0.4]))
    found = ratios(dependence_rows(probability)).loc["diabetes"]
    other = np.repeat((np.arange(40) % 3 == 0).astype(float), NIGHTS)
    without = 0.2 * np.exp(0.4 * other)
    assert found["estimate"] == pytest.approx(np.minimum(without * np.exp(0.7), 0.45).sum() / without.sum(), rel=1e-6)
    assert found["scale"] == "probability_ratio" and found["ci_low"] < found["estimate"] < found["ci_high"]


def test_nothing_is_said_of_what_next_to_nobody_is_near() -> None:
    young = {"age_years": np.linspace(20, 58, 40), "diabetes": np.arange(40) < 4, "diuretic_class=loop": [0.0] * 40}
    rows = dependence_rows(held(young, [0.02, 0.5, 1.0]))
    found = ratios(rows)
    assert (found["status"] == "not_estimable").all() and found["estimate"].isna().all()
    assert (found["note"] == "fewer than 5 held-out participants are near one of the two values").all()
    near = kinds.DEPENDENCE_SUPPORT.rows(rows).set_index(["term", "level"])["n_participants"]
    asked = (("contrast: age_years", "75"), ("diabetes", "true"), ("diuretic_class", "loop"))
    assert [near[each] for each in asked] == [0, 4, 0]
    assert "Nothing is said of 3 ratios" in depends(rows)
    assert tables.partial_dependence(rows)["Model"].tolist() == ["too few near"] * 3
    # A curve does not leave what was seen.
    curve = kinds.DEPENDENCE_CURVE.rows(rows)
    assert curve["level"].astype(float).between(20, 58).all() and curve["n_participants"].sum() <= 40
    # Of very many people five are too few as well.
    many = {"age_years": [50.0] * 993 + [75.0] * 7}
    few = ratios(dependence_rows(held(many, [0.02], people=1000))).iloc[0]
    assert few["status"] == "not_estimable" and few["note"].startswith("fewer than 10 held-out")


def test_a_level_is_held_against_the_first_and_what_is_missing_is_near_nothing() -> None:
    loop, sparing = np.arange(40) % 4 == 0, np.arange(40) % 4 == 1
    known = {"diuretic_class=loop": loop.astype(float), "diuretic_class=potassium_sparing": sparing.astype(float)}
    unknown = np.arange(40) >= 36
    for values in known.values():
        values[unknown] = np.nan
    rows = dependence_rows(held(known, [0.3, 0.6]))
    found = kinds.PARTIAL_DEPENDENCE.rows(rows).set_index("level")
    assert found.loc["loop", "estimate"] == pytest.approx(np.exp(0.3), rel=1e-6)
    assert found.loc["potassium_sparing", "estimate"] == pytest.approx(np.exp(0.6), rel=1e-6)
    near = kinds.DEPENDENCE_SUPPORT.rows(rows).set_index("level")["n_participants"]
    assert near.to_dict() == {"loop": 9, "potassium_sparing": 9, "none": 18}


def test_what_a_night_has_is_taken_around_the_persons_own_mean() -> None:
    units = np.tile([0.0, 0.0, 3.0, 3.0, 6.0, 6.0], 40)
    found = dependence_rows(held({"last_alcohol_units": units}, [0.1]))
    row = ratios(found).loc["contrast: alcohol_units"]
    assert row["unit"] == "3 units/day above own mean" and row["estimate"] == pytest.approx(np.exp(0.3), rel=1e-6)
    near = kinds.DEPENDENCE_SUPPORT.rows(found)
    # The mean is 3: of 6 nights two are at it, and two 3 above it.
    assert near["estimate"].tolist() == [1.0, 1.0] and near["n_nights"].tolist() == [80, 80]


def test_weak_is_another_grip_in_each_sex() -> None:
    male = np.arange(40) % 2
    grip = np.where(male, 40.0, 25.0) + np.repeat(np.arange(20), 2)
    row = ratios(dependence_rows(held({"sex=male": male, "grip_strength_kg": grip}, [0.0, -0.05])))
    # Between the 10th and the 90th of 20 equal steps within each sex, whatever lies between the sexes.
    apart = np.subtract(*np.quantile(np.arange(20), [0.9, 0.1]))
    assert row.loc["contrast: grip_strength_kg", "estimate"] == pytest.approx(np.exp(0.05 * apart), rel=1e-5)
    assert "within a sex" in row.loc["contrast: grip_strength_kg", "unit"]


def test_a_regression_that_was_learned_has_the_ratio_of_its_coefficient() -> None:
    rng = np.random.default_rng(5)
    table = table_of({"age_years": rng.uniform(40, 90, 40), "hypertension": rng.integers(0, 2, 40)})
    candidate = Candidate(models.REGRESSION, penalty=0.01)
    model = fitted(candidate, COUNT, table.names, table.values, table.counts, table.nights)
    drawn = Resamples.of_participants(table.person, rng)
    base = {"cohort": "made", "model": "learned", "ci_level": 0.95, "outcome": "cramps", "population": "all"}
    own = HeldOut(model, COUNT, table, np.ones(len(table.counts), bool), drawn, base)
    slope = model["model"].coef_[0] / model["scale"].scale_[0]
    found = ratios(dependence_rows(own)).loc["contrast: age_years", "estimate"]
    assert found == pytest.approx(np.exp(25 * slope), rel=1e-6)


def test_trees_never_fall_where_a_claim_says_that_cramps_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_EVERY", {models.TREES: (Candidate(models.TREES, leaves=4, trees=20),)})
    rng, people = np.random.default_rng(2), 400
    # Noise around a rise with age, and a rise with sodium that the claim denies.
    ages, sodium = rng.uniform(20, 90, people), rng.normal(140, 3, people)
    table = table_of({"age_years": ages, "serum_sodium_mmol_l": sodium}, people)
    rate = np.exp((ages - 50) / 40 + (sodium - 140) / 10)[table.person]
    rows = dependence_rows(held_out(replace(table, counts=rng.poisson(rate).astype(float)), COUNT, "made"))
    curves = kinds.DEPENDENCE_CURVE.rows(rows).groupby("term")["estimate"]
    rise, fall = (curves.get_group(f"contrast: {name}").dropna() for name in ("age_years", "serum_sodium_mmol_l"))
    assert len(rise) >= 5 and (np.diff(rise) >= -1e-9).all() and rise.iloc[-1] > 1.5 * rise.iloc[0]
    assert len(fall) >= 3 and (np.diff(fall) <= 1e-9).all()


def of_section(**cells: Any) -> dict[str, Any]:
    given = {
        "cohort": "made",
        "outcome": "cramps",
        "scale": "rate_ratio",
        "estimate": 1.5,
        "ci_low": 1.2,
        "ci_high": 1.9,
    }
    given |= {"ci_level": 0.95, "model": "negative-binomial", "analysis": kinds.CONDITION.name, "n_participants": 90}
    return estimates.row(status="converged", **(given | cells))


def results(*rows: dict[str, Any]) -> SectionResults:
    return SectionResults(estimates.frame(rows), {}, {}, None)


def test_beside_stands_the_first_ratio_of_the_same_contrast() -> None:
    ages, units = np.linspace(40, 90, 40), np.tile([0.0, 0.0, 3.0, 3.0, 6.0, 6.0], 40)
    features = {"last_alcohol_units": units, "age_years": ages, "diabetes": np.arange(40) % 2}
    rows = dependence_rows(held(features, [0.1, 0.02, 0.5]))
    alcohol, lag = "contrast: alcohol_units", {"analysis": kinds.DISTRIBUTED_LAG.name, "unit": "3 units above own mean"}
    within = {"term": alcohol, "level": "within", "analysis": kinds.WITHIN_BETWEEN.name}
    age = {"term": "contrast: age_years", "analysis": kinds.AGE_ALONE.name}
    others = {
        "age-and-muscle": results(
            of_section(**age, level="80", reference="50"), of_section(**age, level="75", reference="50", estimate=1.6)
        ),
        "conditions": results(
            of_section(term="diabetes", level="true", reference="false", population="all participants", estimate=1.7),
            of_section(term="diabetes", level="true", reference="false", population="sex = 'male'", estimate=9.0),
            of_section(term="diabetes", level="true", reference="false", scale="wald_test"),
        ),
        "hydration": results(
            of_section(**within, estimate=1.1),
            of_section(term=alcohol, level="lag 0", **lag),
            of_section(term=alcohol, level="lag 1", estimate=1.3, **lag),
        ),
    }
    found = beside(rows, others).set_index("term")
    assert found["estimate"].to_dict() == {alcohol: 1.3, "contrast: age_years": 1.6, "diabetes": 1.7}
    assert found["estimand"].tolist() == ["hydration, the day before", "age-and-muscle", "conditions"]
    # A ratio for each unit is none of the contrast.
    each = of_section(term="within(alcohol_units)", analysis=kinds.GRAPH_ADJUSTED.name, estimate=1.01)
    others["hydration"] = results(each, of_section(**within, estimate=1.1))
    same = beside(rows, others).set_index("term").loc[alcohol]
    assert (same["estimate"], same["estimand"]) == (1.1, "hydration, the same day")
    assert beside(rows, {}).empty
    both = pd.concat([rows, beside(rows, others)])
    said = depends(both)
    assert "is no effect of it" in said and "Of 3 factors that a section estimates as well" in said
    # exp(0.3) of alcohol is farthest, with 1.1; those of age and of diabetes lie within.
    assert "within the section's interval for 3" in said and "Farthest apart are those of alcohol" in said
    shown = tables.partial_dependence(both)
    assert shown.loc[("What people are", "Age"), ["Compared", "Model"]].tolist() == ["75 against 50 years", "1.65"]
    assert shown.loc[("What people are", "Diabetes"), ["Near, %", "Section"]].tolist() == ["50 / 50", "conditions"]
    assert shown.index[-1] == ("The last logged day", "Alcohol")


def test_a_ratio_of_other_cramps_is_not_set_against_that_of_the_model() -> None:
    shared = {"scale": "prevalence_ratio", "reference": "false", "level": "true", "ci_level": 0.95}
    outcome = {"outcome": "moderate_severe_vs_rest", "model": "learned from cycle D"}
    model = shared | {"scale": "probability_ratio"} | outcome
    asked = [
        estimates.row(status="converged", analysis=kinds.PARTIAL_DEPENDENCE.name, term=term, estimate=1.2, **model)
        for term in ("diabetes", "statin", "arthritis")
    ]
    cells = shared | {"analysis": kinds.CONDITION.name, "population": "all participants", "ci_low": 1.1, "ci_high": 1.4}
    any_cramp, moderate = ({"outcome": name} for name in ("any_cramp", "moderate_severe_vs_none"))
    others = {
        "conditions": results(
            estimates.row(status="converged", term="diabetes", estimate=1.3, **cells, **any_cramp),
            estimates.row(status="converged", term="diabetes", estimate=1.25, **cells, **moderate),
            estimates.row(status="converged", term="statin", estimate=3.0, **cells, **any_cramp),
        )
    }
    rows = estimates.frame(asked)
    found = beside(rows, others).set_index("term")
    # Of two ratios that of the same cramps stands beside.
    assert found["estimate"].to_dict() == {"diabetes": 1.25, "statin": 3.0}
    said = depends(pd.concat([rows, beside(rows, others)]))
    assert "Of 1 factor that a section estimates as well, of moderate-severe cramps alike, the model's ratio" in said
    assert "Farthest apart are those of diabetes" in said
    assert (
        "For 1 factor the section's ratio is of any cramp and that of the model of moderate-severe cramps, so that the "
        "two are not compared"
    ) in said


def test_where_a_section_has_other_values_of_the_same_centiles_both_stand_there() -> None:
    rng = np.random.default_rng(2)
    steps = np.repeat(rng.normal(6000, 500, 40), 6) + rng.normal(0, 1500, 240)
    rows = dependence_rows(held({"last_steps": steps}, [0.0001]))
    (own,) = kinds.PARTIAL_DEPENDENCE.rows(rows)["unit"]
    term = {"term": "contrast: steps", "level": "within", "analysis": kinds.WITHIN_BETWEEN.name}
    values = "2,225 steps/day below own mean against 2,465 above it"
    centiles = own.partition(": ")[0]
    assert values not in own and centiles == "10th against 90th centile"
    for unit, printed, others_too in (
        (f"{centiles}: {values}", f"{own}; in its section {values}", True),
        (own, own, False),
    ):
        both = pd.concat([rows, beside(rows, {"activity": results(of_section(**term, unit=unit))})])
        assert tables.partial_dependence(both)["Compared"].tolist() == [printed]
        assert have_other_values(both) == others_too


def test_curves_are_drawn_over_what_is_near_and_say_why_there_is_none() -> None:
    rows = dependence_rows(held({"age_years": np.linspace(40, 90, 40)}, [0.02]))
    drawn = figures.partial_dependence(rows)
    (panel,) = drawn.axes
    assert panel.get_title(loc="left") == "Age" and len(panel.patches) == 4 and len(panel.lines) == 1
    assert drawn.get_supylabel() == "Expected cramps a week"
    assert "Expected" in tables.dependence_curves(rows).columns
    none = figures.partial_dependence(rows.head(0))
    assert "no number with a declared contrast" in " ".join(text.get_text() for text in none.findobj(_is_text))


def _is_text(artist: Any) -> bool:
    return hasattr(artist, "get_text")
