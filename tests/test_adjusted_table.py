"""What each exposure was adjusted for: exposures with the same beside them share a row, and nothing is lost by it."""

from __future__ import annotations

import pandas as pd
import pytest

from crampstudy import estimates, tables
from crampstudy.estimates import kinds


def _row(term: str, beside: str | None, level: str = "", lacks: str | None = None) -> dict[str, object]:
    return estimates.row(
        status="converged",
        analysis=kinds.CONDITION.name,
        term=term,
        level=level,
        estimate=1.1,
        scale="rate_ratio",
        population="all participants",
        adjusted_for=beside,
        adjustment="not measured" if lacks else "sufficient",
        lacks=lacks,
    )


def _told(*rows: dict[str, object]) -> dict[str, str]:
    made = tables.adjusted_for(pd.DataFrame(rows))
    return dict(zip(made.index, made["Adjusted for"], strict=True))


def test_parts_that_stand_beside_each_other_share_a_row_that_says_for_which_it_is_not_enough() -> None:
    common = "exercise_min; between(exercise_min); season_cos; season_sin; between(season_cos); between(season_sin)"
    told = _told(
        _row("fluid_ml", f"between(fluid_ml); within(alcohol_units); {common}", "within"),
        _row("fluid_ml", f"within(fluid_ml); within(alcohol_units); {common}", "between", lacks="sex"),
        _row("alcohol_units", f"within(fluid_ml); between(fluid_ml); {common}", "within"),
    )
    assert told == {
        "Fluid intake (within, between); alcohol (within)": "each other; exercise (that night, between); "
        "season (that night, between) (not enough for fluid intake (between): sex)"
    }


def test_what_one_exposure_is_adjusted_for_is_told_of_each_outcome_where_it_differs() -> None:
    def of(outcome: str, beside: str) -> dict[str, object]:
        return _row("cramp_night", beside, "within") | {"outcome": outcome}

    told = _told(
        of("sleep_quality_0_10", "within(alcohol_units)"),
        of("fatigue_0_10", "within(alcohol_units); within(hours_in_bed)"),
        of("sleep_hours", "within(alcohol_units)"),
    )
    assert told == {
        "Cramp night (within), for sleep quality and sleep": "alcohol (within)",
        "Cramp night (within), for next-day fatigue": "alcohol (within); time in bed (within)",
    }
    # Of one set there is nothing to tell apart, and cramps need no name.
    assert list(_told(of("sleep_hours", "sex"), of("fatigue_0_10", "sex"))) == ["Cramp night (within)"]
    fluid = [
        _row("fluid_ml", beside, "within") | {"outcome": o} for o, beside in (("cramps", "sex"), ("nocturia", None))
    ]
    assert list(_told(*fluid)) == ["Fluid intake (within)", "Fluid intake (within), for nocturia"]


def test_exposures_with_the_same_beside_them_share_a_row() -> None:
    told = _told(_row("diabetes", "sex; bmi_kg_m2"), _row("hypertension", "bmi_kg_m2; sex"), _row("statin", None))
    assert told == {"Diabetes; hypertension": "sex; body-mass index", "Statin": "nothing"}


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ("ns(age_years, df=3)", "age"),
        ("season_cos; season_sin", "season"),
        ("between(season_cos); season_sin", "season, cosine (between); season, sine"),
        ("lag(cramps, 1)", "cramps (1 night before)"),
        (
            "; ".join([*(f"lag(within(alcohol_units), {night})" for night in (1, 2, 3)), "between(alcohol_units)"]),
            "alcohol (within, 1 to 3 nights before; between)",
        ),
        ("lag(alcohol_units, 1); lag(alcohol_units, 3)", "alcohol (1 and 3 nights before)"),
        ("between(sleep_quality_0_10, leave_out=True)", "sleep quality (between, night left out)"),
        ("mean_last(fluid_ml, 7)", "fluid intake, mean of last 7 nights"),
    ],
)
def test_a_variable_is_named_once_with_its_nights(beside: str, said: str) -> None:
    assert _told(_row("diabetes", beside)) == {"Diabetes": said}


def test_the_note_says_what_words_of_the_table_mean_and_of_no_others() -> None:
    within = "Within: a night against the participant's own mean; between: that mean"
    season = "Season is its cosine and its sine."
    lacking = "Not enough: were the graph right, a path of confounding would stay open."
    night = _row("fluid_ml", "between(fluid_ml); season_cos; season_sin; exercise_min", "within", lacks="sex")
    asked = {
        f"{within}; neither: the night's own value. {season} {lacking}": [night],
        f"{within}.": [_row("between(fluid_ml)", "sex")],
        lacking: [_row("diabetes", "sex", lacks="bmi_kg_m2")],
    }
    for said, rows in asked.items():
        assert tables.adjusted_note(pd.DataFrame(rows)) == said
    assert tables.adjusted_note(pd.DataFrame([_row("diabetes", "sex; exam_season")])) is None
