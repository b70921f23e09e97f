"""The answers of a truth: in closed form where there is one, and otherwise what its own cohorts show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from crampstudy.age_bands import AgeBands
from crampstudy.codebook.recalled import LABELS, LOWS
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio, mediated_log_ratio
from crampstudy.simulate.draw.habits import night_x
from crampstudy.simulate.draw.people import draw_basics, draw_chances, draw_people, person_x
from crampstudy.simulate.estimands import potential_outcomes, registry, values_at_centiles
from crampstudy.simulate.estimands.covariates import covariate
from crampstudy.simulate.estimands.potential_outcomes import DRAWS, Population
from crampstudy.simulate.estimands.registry import Answer, answer
from crampstudy.simulate.truth.design import StudyDesign
from crampstudy.simulate.truth.scalar_parameters import People, Recruitment
from crampstudy.simulate.truth.tables.rows import Effect

Floats = NDArray[np.float64]
TRUTH = Truth()


@pytest.fixture(scope="module")
def found() -> dict[str, Answer]:
    """The answers of the default truth, from fewer draws than a written cohort has."""
    return {a.key: a for a in answer(TRUTH, Population(TRUTH, seed=2, draws=200_000))}


def test_answers_stand_in_the_order_of_their_questions(found: dict[str, Answer]) -> None:
    kinds = ["conditional", "within", "between", "total", "rate", "class", "variance", "episode"]
    kinds += ["cramp_nights", "per_cramp_night", "dispersion", "weeks_above_2", "serial", "odds"]
    kinds += ["season", "cramp-night", "lag", "contrast", "cumulative", "interaction", "nocturia"]
    assert list(dict.fromkeys(key.partition(":")[0] for key in found)) == kinds


def test_an_exposure_on_each_of_its_lags(found: dict[str, Answer]) -> None:
    assert {key for key in found if key.startswith("cumulative:")} == {
        "cumulative:alcohol_day",
        "cumulative:exercise_day",
    }
    rng = np.random.default_rng(8)
    habit = (rng.random((1, 4001)) < 0.3).astype(np.float64)
    habit[0, 2000:2002] = 0.0
    raised = habit.copy()
    raised[0, 2000:2002] = 1.0
    lags = [effect_of(TRUTH, term) for term in ("alcohol_day", "alcohol_day_before")]

    def log_rate(days: Floats) -> float:
        return float(sum(e.log_rate_ratio * night_x(TRUTH, e, days, 4000)[0, 2000] for e in lags))

    # The two days move the person's mean by a two-thousandth.
    answer_of = found["cumulative:alcohol_day"]
    assert answer_of.value == pytest.approx(log_rate(raised) - log_rate(habit), abs=5e-4)
    assert answer_of.value == pytest.approx(0.45) and answer_of.mc_error is None


def test_a_number_between_its_declared_values() -> None:
    acting = {"serum_magnesium_sd": -0.2, "fluid_within": -0.1, "vitamin_d_sd": 0.0}
    changed = tuple(replace(e, log_rate_ratio=acting.get(e.term, e.log_rate_ratio)) for e in TRUTH.effects)
    truth = replace(TRUTH, effects=changed)
    made = {a.key: a for a in answer(truth, Population(truth, seed=2, draws=2_000)) if a.key.startswith("contrast:")}
    magnesium, fluid = effect_of(truth, "serum_magnesium_sd"), effect_of(truth, "fluid_within")
    low, usual = person_x(truth, magnesium, np.array([0.70, 0.85]))
    assert made["contrast:serum_magnesium_sd"].value == pytest.approx(-0.2 * (low - usual))
    assert made["contrast:serum_magnesium_sd"].level == "0.7 against 0.85 mmol/L"
    nights = np.full((1, 2001), 1800.0)
    nights[0, 1000] -= 500
    assert made["contrast:fluid_within"].value == pytest.approx(
        -0.1 * night_x(truth, fluid, nights, 2001)[0, 1000], rel=1e-3
    )
    assert made["contrast:fluid_within"].value > 0 and made["contrast:vitamin_d_sd"].value == 0
    # A level, a share of nights and an earlier night have no declared contrast of their own.
    assert not any("alcohol" in key or "share" in key or "sex" in key for key in made)


def test_a_number_between_two_centiles() -> None:
    acting = {"vitamin_b1_sd": 0.2, "vitamin_b12_sd": -0.2, "dietary_magnesium_between": -0.1, "bmi_5": 0.1}
    acting |= {"dietary_sodium_between": 0.1, "fluid_between": 0.0, "supplement_magnesium": -0.3}
    truth = Truth().without_effects().with_effects(**acting)
    made = {a.key: a for a in values_at_centiles.centile_contrasts(truth, Population(truth, seed=2, draws=2))}
    # By hand: log-normal of mean 295 and SD 65, of which the 10th and 90th centile are exp(mu -+ 1.2816 sigma).
    sigma2 = math.log1p((65 / 295) ** 2)
    low, high = (math.exp(math.log(295) - sigma2 / 2 + z * math.sqrt(sigma2)) for z in (-1.28155, 1.28155))
    magnesium = made["contrast:dietary_magnesium_between"]
    assert magnesium.value == pytest.approx(-0.1 * (low - high) / 65, rel=1e-5)
    assert magnesium.level == f"10th against 90th centile: {low:.4g} against {high:.4g} mg/day"
    assert (magnesium.estimand, magnesium.mc_error) == ("between rate ratio, all else held", None)
    # More on Fridays and Saturdays: the usual amount is that of whole weeks.
    assert made["contrast:dietary_sodium_between"].level == "10th against 90th centile: 2,359 against 4,014 mg/day"
    assert made["contrast:fluid_between"].value == 0
    # What is caused by another column, noted with the season, stated by its values or not of every day has none.
    caused = {"hba1c_sd", "tsh_sd", "crp_sd", "vitamin_d_sd", "serum_potassium_sd", "supplement_magnesium"}
    assert not {f"contrast:{term}" for term in (*caused, "sitting_between", "strength_between", "sex_female")} & {*made}


def test_centiles_are_those_of_the_people_drawn() -> None:
    """Of a measure that age and sex shift, and of usual amounts: as the columns of many participants have them."""
    truth = replace(TRUTH, people=People(age_limits=(20, 40, 90), age_shares=(0.8, 0.2), female_share=0.7))
    shifted = tuple(
        replace(m, per_decade=-20, female=60) if m.column == "vitamin_b1_nmol_l" else m for m in truth.measures
    )
    truth = replace(truth, measures=shifted)
    population = Population(truth, seed=2, draws=2)
    made = {a.key: a for a in values_at_centiles.centile_contrasts(truth, population)}
    cohort = simulate(20_000, 1, 4, truth, Mess.none())
    for key, column, centiles in (
        ("contrast:vitamin_b1_sd", "vitamin_b1_nmol_l", (0.05, 0.5)),
        ("contrast:vitamin_b12_sd", "vitamin_b12_pmol_l", (0.05, 0.5)),
        ("contrast:bmi_5", "bmi_kg_m2", (0.1, 0.9)),
    ):
        values = cohort.frame("participants")[column].to_numpy()
        level = made[key].level
        assert level is not None
        stated = [float(word) for word in re.findall(r"[\d.]+(?= against| \w+/| kg)", level.partition(": ")[2])]
        assert stated == pytest.approx(np.quantile(values, centiles), rel=0.015), key


def fluid_nights(truth: Truth, people: int, nights: int) -> tuple[pl.DataFrame, Floats]:
    """The nights of a cohort, and each night's fluid less the person's mean in SDs."""
    diary = simulate(people, nights, 12, truth, Mess.none()).frame("diary")
    own = diary["fluid_ml"].to_numpy().reshape(people, nights)
    return diary, ((own - own.mean(axis=1, keepdims=True)) / 350).ravel()


def test_fluid_in_the_heat() -> None:
    still = tuple(replace(e, log_rate_ratio=0.0, meaning="direct") for e in TRUTH.effects)
    calm = replace(TRUTH.cramps, person_shape=1e6, near_nightly_share=0.0, night_dispersion=0.0, latent_sd=0.0)
    cramps = replace(calm, season_amplitude=0.0, rate_per_week=7.0, fluid_by_temperature=-0.15)
    truth = replace(TRUTH, effects=still, cramps=cramps, burden=replace(TRUTH.burden, nocturia_per_litre=0.4))
    made = {a.key: a for a in answer(truth, Population(truth, seed=2, draws=60_000))}
    assert made["interaction:fluid-temperature"].value == -0.15
    # 500 mL less is 500 / 350 SD, and 20 degrees are two tens: exp(0.43) in the heat against the cold.
    assert made["contrast:fluid-temperature"].value == pytest.approx(0.15 * 500 / 350 * 2)
    assert made["contrast:fluid-temperature"].level == "500 mL/day below own mean at 30 against 10 degrees Celsius"
    diary, drunk = fluid_nights(truth, 300, 60)
    warmth = (diary["ambient_temperature_c"].to_numpy() - 10) / 10
    design = np.stack([np.ones_like(drunk), drunk, warmth, drunk * warmth], axis=1)
    fitted = sm.GLM(diary["cramps"].to_numpy(), design, family=sm.families.Poisson()).fit()
    assert fitted.bse[3] < 0.02
    assert fitted.params[3] == pytest.approx(-0.15, abs=4 * fitted.bse[3])
    assert fitted.params[1] == pytest.approx(0, abs=4 * fitted.bse[1])
    # Rates of the answers have the heat of days, too.
    rate = made["rate:all"]
    assert rate.mc_error is not None
    assert rate.value == pytest.approx(diary["cramps"].mean() * 7, abs=0.1 + 4 * rate.mc_error)
    # Times up, given the awakenings.
    awake, up = (diary[name].to_numpy() for name in ("awakenings", "nocturia"))
    seen = awake > 0
    times = sm.GLM(
        up[seen], sm.add_constant(drunk[seen] * 0.35), family=sm.families.Poisson(), offset=np.log(awake[seen])
    ).fit(cov_type="HC0")
    assert made["nocturia:fluid"].value == pytest.approx(-0.2)
    assert times.params[1] == pytest.approx(0.4, abs=4 * times.bse[1]) and times.bse[1] < 0.05


def test_what_is_0_moves_nothing() -> None:
    plain = simulate(30, 20, seed=3)
    hot = replace(TRUTH, cramps=replace(TRUTH.cramps, fluid_by_temperature=0.5))
    wet = replace(TRUTH, burden=replace(TRUTH.burden, nocturia_per_litre=0.9))
    for truth, moved in ((hot, {"cramps"}), (wet, {"nocturia"})):
        other = simulate(30, 20, seed=3, truth=truth)
        of_nights = plain.frame("diary"), other.frame("diary")
        differ = {name for name in of_nights[0].columns if not of_nights[0][name].equals(of_nights[1][name])}
        assert moved <= differ
        assert "fluid_ml" not in differ and "ambient_temperature_c" not in differ
        own, others = (
            each.frame("participants").drop("ever_cramp", cs.starts_with("recalled_")) for each in (plain, other)
        )
        assert own.equals(others)


def effect_of(truth: Truth, term: str) -> Effect:
    return next(e for e in truth.effects if e.term == term)


# The total effect of age and the direct one that is left of it.


def slope_of_age(truth: Truth, n: int) -> tuple[float, float]:
    """Slope of the mean rate on decades, given sex, and its error: a Poisson regression by another package."""
    rng = np.random.default_rng(6)
    basics, chances = draw_basics(truth.people, n, rng), draw_chances(truth, n, rng)
    people = draw_people(truth, basics.age, basics.female, chances)
    log = sum(
        (
            direct_log_ratio(truth, e) * person_x(truth, e, people[e.column])
            for e in truth.effects
            if e.part == "person"
        ),
        np.zeros(n),
    )
    design = np.stack([np.ones(n), (basics.age - 60) / 10, basics.female.astype(float)], axis=1)
    fitted = sm.GLM(np.exp(log), design, family=sm.families.Poisson()).fit(cov_type="HC0")
    return float(fitted.params[1]), float(fitted.bse[1])


def doubled(truth: Truth) -> Truth:
    """The truth with twice the effect of every condition and drug."""
    effects = (
        replace(e, log_rate_ratio=2 * e.log_rate_ratio) if e.unit.startswith(("yes", "thiazide", "loop")) else e
        for e in truth.effects
    )
    return replace(truth, effects=tuple(effects))


@pytest.mark.parametrize("truth", [TRUTH, doubled(TRUTH)], ids=["default", "doubled"])
def test_the_total_effect_of_age_is_the_one_asked_for(truth: Truth) -> None:
    slope, error = slope_of_age(truth, 200_000)
    assert error < 0.006
    # The direct effect is solved over a fixed set of points, which leaves it up to 0.001 off.
    assert abs(slope - 0.12) < 4 * error + 0.001


def test_what_others_carry_is_taken_off_the_direct_effect_of_age() -> None:
    age = effect_of(TRUTH, "age_decade")
    assert direct_log_ratio(TRUTH, age) == 0.12 - mediated_log_ratio(TRUTH)
    assert mediated_log_ratio(doubled(TRUTH)) > 1.3 * mediated_log_ratio(TRUTH) > 0.15
    # A protective column that falls with age carries harm, and adding it moves the direct effect down.
    lean = TRUTH.without_effects().with_effects(age_decade=0.12, lean_mass_sd=-0.3)
    # Lean mass falls by 0.22 a decade, of 0.9 a unit; the vigorous lose their activity too.
    assert 0.3 * 0.22 / 0.9 < mediated_log_ratio(lean) < 0.3 * 0.22 / 0.9 + 0.03


def test_where_nothing_is_carried_direct_is_total() -> None:
    alone = TRUTH.without_effects().with_effects(age_decade=0.12, sex_female=0.3, bmi_5=0.2, smoking_current=0.5)
    age = effect_of(alone, "age_decade")
    assert direct_log_ratio(alone, age) == age.log_rate_ratio == 0.12
    as_direct = replace(age, meaning="direct", log_rate_ratio=0.3)
    assert direct_log_ratio(replace(TRUTH, effects=(as_direct, *TRUTH.effects[1:])), as_direct) == 0.3


@pytest.mark.parametrize("women", [0.0, 1.0])
def test_one_sex_alone(women: float) -> None:
    truth = replace(TRUTH, people=People(female_share=women))
    large = Population(truth, seed=4, draws=100_000)
    value, error = large.projected(effect_of(truth, "age_decade"))
    assert abs(value - 0.12) < 4 * error + 0.001
    assert ("female" if women else "male") in large.rates()
    assert ("male" if women else "female") not in large.rates()


def test_one_age_alone_has_no_total_effect_of_age() -> None:
    truth = replace(TRUTH, people=People(age_limits=(40, 60, 61, 70), age_shares=(0.0, 1.0, 0.0)))
    found = {a.key: a.value for a in answer(truth, Population(truth, seed=4, draws=3_000))}
    assert found["conditional:age_decade"] == 0.12
    assert "total:age_decade" not in found
    assert found["rate:all"] == found["rate:60-69"]


@pytest.mark.parametrize("kind", ["parallel", "crossover", "n-of-1"])
def test_a_trial_that_is_longer_than_30_nights_has_its_answers(kind: str) -> None:
    # Whatever the design, half of the people are treated in 28 of the 30 nights, and the effect hardly fades.
    agents = tuple(replace(a, onset_nights=0, carry_over_nights=365) for a in TRUTH.agents)
    trial = StudyDesign(kind=kind, arms=("vitamin_k2", "placebo"), run_in_nights=0, pairs=1)  # type: ignore[arg-type]
    truth = replace(TRUTH, agents=agents, design=trial)
    untreated, treated = (
        Population(t, seed=4, draws=60_000).rates()["all"][:2] for t in (replace(truth, design=StudyDesign()), truth)
    )
    expected = untreated[0] * (1 + math.exp(-1.33)) / 2
    assert abs(treated[0] - expected) < 4 * math.hypot(treated[1], untreated[1]) + 0.005 * expected
    assert any(a.key == "treatment:vitamin_k2" for a in answer(truth, Population(truth, 4, 3_000)))


def test_the_population_s_own_projection_agrees(found: dict[str, Answer]) -> None:
    total = found["total:age_decade"]
    assert total.mc_error is not None
    assert abs(total.value - 0.12) < 4 * total.mc_error + 0.001


# Answers in closed form.


def test_every_term_has_its_answer_with_all_else_held(found: dict[str, Answer]) -> None:
    for effect in TRUTH.effects:
        name = effect.part if effect.part in ("within", "between") else "conditional"
        item = found[f"{name}:{effect.term.replace('[', '_').replace(']', '')}"]
        assert item.value == (direct_log_ratio(TRUTH, effect) if effect.term == "age_decade" else effect.log_rate_ratio)
        assert item.mc_error is None
        assert covariate(TRUTH, effect) in item.found_by


def test_variances_by_hand(found: dict[str, Answer]) -> None:
    # 1 % at 12 times the rate, the others a gamma of shape 1 around 0.88 / 0.99.
    person = 0.01 * 144 + 0.99 * (0.88 / 0.99) ** 2 * 2 - 1
    lasting = math.exp(0.16) - 1
    assert found["variance:person"].value == pytest.approx(person)
    assert found["variance:lasting"].value == pytest.approx(lasting)
    assert found["variance:night"].value == 0.4
    assert found["variance:dispersion"].value == pytest.approx((1 + person) * (1 + lasting) * 1.4 - 1)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("sex[female]", "1 where sex is female, else 0"),
        ("diabetes", "1 where diabetes, else 0"),
        ("serum_potassium_sd", "(serum_potassium_mmol_l - 4.2) / 0.35"),
        ("bmi_5", "(bmi_kg_m2 - 27.8) / 5"),
        (
            "vitamin_d_sd",
            "(vitamin_d_nmol_l / (1 + 0.2 cos(2 pi (d - 205) / 365.25)) - 62) / 24, d the day of the year of the "
            "first night",
        ),
        ("alcohol_day", "(alcohol_units > 0), less its mean over all nights of the participant, logged or not"),
        ("stretching_share", "mean of (stretch_calf_min > 0) over 14 nights, the last of them 0 back"),
        ("sitting_between", "(mean of sitting_min over all nights of the participant, less 480) / 110"),
    ],
)
def test_covariates_are_stated_in_the_cohort_s_own_columns(term: str, words: str) -> None:
    assert covariate(TRUTH, effect_of(TRUTH, term)) == words


# Answers from potential outcomes.


def test_total_effects_by_hand() -> None:
    # Claudication is caused by artery disease alone: P(yes) rises from p to p with 3.2 more log odds, at every age.
    causes = tuple(c for c in TRUTH.causes if c.column == "exertional_leg_pain")
    conditions = tuple(
        replace(c, log_odds_per_decade=0.0) if c.column == "exertional_leg_pain" else c for c in TRUTH.conditions
    )
    truth = TRUTH.without_effects().with_effects(peripheral_artery_disease=0.5, exertional_leg_pain=0.7)
    truth = replace(truth, causes=causes, conditions=conditions)
    odds = 0.03 / 0.97
    without, with_it = odds / (1 + odds), odds * math.exp(3.2) / (1 + odds * math.exp(3.2))
    ratio = [1 + share * (math.exp(0.7) - 1) for share in (without, with_it)]
    value, error = Population(truth, seed=3, draws=200_000).contrast(effect_of(truth, "peripheral_artery_disease"))
    assert error < 0.003
    assert abs(value - (0.5 + math.log(ratio[1] / ratio[0]))) < 4 * error
    # What is caused by it has no part in the effect of what causes nothing.
    assert not potential_outcomes.has_total(truth, effect_of(truth, "exertional_leg_pain"))


def test_total_effects_beside_direct_ones(found: dict[str, Answer]) -> None:
    assert found["total:osteoarthritis"].value > 0.3 > found["conditional:osteoarthritis"].value == 0
    assert found["total:diabetes"].value > found["conditional:diabetes"].value + 0.1
    assert "total:twitching" not in found
    drawn = {key: item.mc_error for key, item in found.items() if key.startswith("total:")}
    assert all(error is not None and error < 0.01 for error in drawn.values())
    # Where nothing that it causes acts, everybody's ratio is the same and nothing is left to chance.
    assert drawn["total:chronic_kidney_disease"] == 0 < min(drawn["total:diabetes"] or 0, drawn["total:bmi_5"] or 0)
    assert found["total:bmi_5"].found_by == "a count model with it alone"
    assert found["total:diabetes"].found_by == "a count model with it and age_years, sex, bmi_kg_m2"


def windows(truth: Truth, n: int, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Ages and 30 nights' counts of many people, after a run-in if there is one."""
    start = truth.recruitment.run_in_nights
    cohort = simulate(n, start + 30, seed, truth, Mess.none())
    counts = cohort.frame("diary")["cramps"].to_numpy().reshape(n, start + 30)[:, start:]
    return cohort.frame("participants")["age_years"].to_numpy(), counts.astype(float)


@pytest.mark.parametrize("case", ["default", "feedback and a run-in"])
def test_marginal_rates_and_class_shares_are_those_of_a_large_cohort(case: str) -> None:
    truth = TRUTH
    if case != "default":
        cramps = replace(TRUTH.cramps, sleep_feedback=-0.2, rate_per_week=1.5)
        truth = replace(TRUTH, cramps=cramps, recruitment=Recruitment(run_in_nights=7, minimum_cramps=1))
    people = 6_000
    age, counts = windows(truth, people, 21)
    large = Population(truth, seed=9, draws=30 * people)
    bands = np.asarray([AgeBands().label(a) for a in age])
    groups = {"all": np.ones(people, dtype=bool), **{label: bands == label for label in dict.fromkeys(bands)}}
    own = np.searchsorted(np.asarray(LOWS[1:]), counts.sum(axis=1), side="right")[:, None] == np.arange(len(LABELS))
    rates, shares = large.rates(), large.classes()
    assert set(shares) == set(groups)
    worst = []
    for group, chosen in groups.items():
        pairs = [(counts[chosen].mean(axis=1) * 7, rates[group])]
        pairs += [(own[chosen, k].astype(float), shares[group][label]) for k, label in enumerate(LABELS)]
        for seen, (value, error, _) in pairs:
            spread = math.hypot(error, seen.std() / math.sqrt(len(seen)))
            worst.append(abs(seen.mean() - value) / max(spread, 1e-12))
    # 42 comparisons, none beyond 4 errors but once in 400 runs.
    assert len(worst) == 42
    assert max(worst) < 4
    assert sum(shares["all"][label][0] for label in LABELS) == pytest.approx(1)


def test_an_answer_that_was_drawn_tells_its_draws_and_its_error(found: dict[str, Answer]) -> None:
    assert DRAWS >= 1_000_000
    assert Population(TRUTH, seed=1).people >= 1_000_000
    for item in found.values():
        assert math.isfinite(item.value)
        assert (item.mc_error is None) == (item.draws is None)
        assert item.mc_error is None or item.mc_error >= 0
    for key in ("total:diabetes", "rate:all", "class:all:2-4"):
        assert found[key].draws is not None and found[key].draws >= 200_000
    assert sum(a.draws or 0 for k, a in found.items() if k in ("rate:female", "rate:male")) == found["rate:all"].draws


def test_errors_of_draws_are_the_spread_of_other_seeds() -> None:
    small = [Population(TRUTH, seed=s, draws=30_000) for s in range(12)]
    for answers_of in (lambda p: p.rates()["all"][:2], lambda p: p.classes()["all"]["0"][:2]):
        values, errors = zip(*(answers_of(p) for p in small), strict=True)
        # 12 values: their SD lies within a factor of about 2 of the truth.
        assert 0.5 < np.std(values, ddof=1) / np.mean(errors) < 1.8


def test_equal_seeds_give_equal_answers_and_each_key_stands_once() -> None:
    first, again = (answer(TRUTH, Population(TRUTH, 5, 30_000)) for _ in range(2))
    assert first == again
    assert len({a.key for a in first}) == len(first)
    assert first != answer(TRUTH, Population(TRUTH, 6, 30_000))


def test_a_function_that_is_added_adds_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_SOURCES", list(registry._SOURCES))
    before = {a.key for a in answer(TRUTH, Population(TRUTH, 1, 3_000))}

    @registry.answers
    def nights(truth: Truth, population: Population) -> Iterator[Answer]:
        rate = truth.cramps.rate_per_week
        yield Answer(key="new:one", estimand="a new question", scale="rate", value=rate, found_by="")

    after = {a.key: a for a in answer(TRUTH, Population(TRUTH, 1, 3_000))}
    assert set(after) - before == {"new:one"}
    assert after["new:one"].value == TRUTH.cramps.rate_per_week
    assert registry.as_rows((after["new:one"],))[0]["estimand"] == "a new question"
