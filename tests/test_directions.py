"""What goes with more or fewer cramps is named the way that its contrast compares it: low against high is lower."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import estimates, wording
from crampstudy.analyses.sentences import age, conditions, nutrition, summary
from crampstudy.analyses.sentences.nightly import reported
from crampstudy.codebook import contrasts, exposures
from crampstudy.codebook.contrasts import Contrast
from crampstudy.estimates import kinds
from crampstudy.wording.directions import directed

NAMES = [variable.name for variable in wording.codebook.VARIABLES if variable.type in ("number", "integer")]
VALUES = st.floats(-9_999, 9_999, allow_nan=False).map(lambda value: float(f"{value:.3g}"))


def ratio(term: str, unit: str, verdict: str = "higher", **cells: Any) -> dict[str, Any]:
    numbers = (1.8, 1.3, 2.5) if verdict == "higher" else (0.6, 0.4, 0.8)
    return estimates.row(
        status="converged",
        **{
            "analysis": "exposure, adjusted by the causal graph",
            "term": f"contrast: {term}",
            "unit": unit,
            "scale": "rate_ratio",
            "population": "all participants",
            "outcome": "cramps",
            "ci_level": 0.95,
            "verdict": verdict,
            "n_participants": 90,
            "n_events": 900,
            "estimand": "association",
            **dict(zip(("estimate", "ci_low", "ci_high"), numbers, strict=True)),
            **cells,
        },
    )


@given(
    st.sampled_from(NAMES),
    st.sampled_from(["value", "centile", "within-sex", "deviation", "deviation-centile"]),
    *(VALUES, VALUES),
)
def test_which_value_is_greater_is_told_from_a_contrast_as_it_is_printed(
    name: str, kind: contrasts.Kind, at: float, reference: float
) -> None:
    if kind == "deviation":
        reference = 0.0
    if at == reference:
        return
    assert contrasts.is_up(Contrast(name, kind, at, reference).wording(at, reference)) is (at > reference)


def test_every_declared_contrast_has_a_direction() -> None:
    windows = [contrasts.of_exposure(found)[0] for found in map(exposures.find, ["days_last(steps, 14)"]) if found]
    for declared in (*contrasts.declared(), *filter(None, windows)):
        assert contrasts.is_up(declared.wording(declared.at, declared.reference)) is (declared.at > declared.reference)
    assert contrasts.is_up("1 January against 3 July") is None
    assert contrasts.is_up("per 1 kg") is None


@pytest.mark.parametrize(
    ("term", "unit", "said"),
    [
        ("grip_strength_kg", "10th against 90th centile within a sex: 22 kg lower", "lower grip strength"),
        ("flexibility_beighton", "10th against 90th centile within a sex: 4 points higher", "higher Beighton"),
        ("vitamin_d_nmol_l", "40 against 75 nmol/L", "lower 25-hydroxyvitamin D"),
        ("hba1c_mmol_mol", "90th against 10th centile: 50 against 33 mmol/mol", "higher HbA1c"),
        ("fluid_ml", "500 mL/day below own mean", "less fluid"),
        ("alcohol_units", "3 units/day above own mean", "more alcohol"),
        ("between(sitting_min)", "600 against 300 min/day", "more sitting"),
        ("steps", "10th against 90th centile: 1,000 against 9,000 steps/day", "fewer steps"),
        ("sitting_breaks", "8 against 2 breaks/day", "more breaks from sitting"),
        ("sleep_latency_min", "10th against 90th centile: 9 against 30 min", "shorter sleep latency"),
        ("age_years", "75 against 50 years", "older age"),
        ("sleep_quality_0_10", "2 points below own mean", "lower sleep quality"),
        # An own column has no unit.
        ("ferritin", "10th against 90th centile: 20 against 90", "lower ferritin"),
        # Yes or no, and what is no number, stays as it is.
        ("days_last(stretching_night, 14)", "14 of 14 against 0 of 14 nights", "stretching before bed"),
        ("season", "1 January against 3 July", "season"),
    ],
)
def test_an_exposure_is_named_with_its_direction(term: str, unit: str, said: str) -> None:
    row = ratio(term, unit)
    name = wording.small(wording.label(str(getattr(wording.variable(term), "name", term))))
    assert directed(row, name).startswith(said)


def test_a_time_of_the_year_is_named_and_not_a_season_that_there_is_more_or_less_of() -> None:
    winter = ratio("season", "1 January against 3 July", "lower", level="midwinter against midsummer")
    examined = ratio("exam_season", "", "higher", level="november_april")
    examined |= {"term": "C(exam_season, ref='may_october')", "reference": "may_october"}
    told = " ".join(summary.of_verdicts(estimates.frame([winter, examined])).values())
    assert "Fewer cramps went with midwinter (1 January against 3 July: rate ratio" in told
    assert "season of the examination (November to April against May to October: rate ratio" in told


def test_sections_and_summary_say_which_way_what_goes_with_cramps_goes() -> None:
    low = ratio("vitamin_d_nmol_l", "40 against 75 nmol/L", "lower")
    weak = ratio("grip_strength_kg", "10th against 90th centile within a sex: 22 kg lower")
    sugar = ratio("hba1c_mmol_mol", "50 against 33 mmol/mol", analysis=kinds.CONDITION.name)
    dry = ratio("fluid_ml", "500 mL/day below own mean", analysis=kinds.DISTRIBUTED_LAG.name, level="cumulative")
    mineral = ratio(
        "dietary_magnesium_mg", "220 against 370 mg/day", analysis=kinds.WITHIN_BETWEEN.name, level="between"
    )
    said = [*summary.of_verdicts(estimates.frame([low, weak, dry])).values()]
    assert said[0].startswith("More cramps went with lower grip strength (10th")
    assert " and less fluid, four days running (500 mL/day below own mean: " in said[0]
    assert said[1].startswith("Fewer cramps went with lower 25-hydroxyvitamin D (40 against 75 nmol/L: ")
    assert "went with lower 25-hydroxyvitamin D (40" in nutrition.answer(estimates.frame([low]))
    assert "more cramps went with less dietary magnesium between" in nutrition.together(estimates.frame([mineral]))
    assert "More cramps go with lower grip strength (10th" in age.answer(
        estimates.frame([]), estimates.frame([weak]), None
    )
    assert "more often with higher HbA1c (50 against" in conditions.answer(estimates.frame([sugar]))
    assert "higher HbA1c" in conditions.alt(estimates.frame([sugar]), two=False)
    water = ratio("recall_water_ml", "10th against 90th centile: 0 against 2,370 mL/day")
    assert reported([water]).startswith("With less plain water (recall), 10th against 90th centile: 0 against 2,370 mL")


def test_a_value_is_rounded_alike_whatever_its_last_digits() -> None:
    made = contrasts.find("vitamin_b6_nmol_l")
    assert made is not None
    # The same centile by two computations: one lies a little below 19.155.
    told = {made.wording(at, 49.95) for at in (19.155, 19.154999999999998, 19.155000000000003)}
    assert len(told) == 1
