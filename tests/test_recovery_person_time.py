"""A quick part of the recovery of exposures of person-time: their truths are what is said, and doors find them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import recovery_exposures as exposures
import recovery_grid as grid
import recovery_table as table
from recovery_asked import CURVED, LAGGED, SPLIT
from recovery_scenarios import PERSON_TIME

OWN = {name.removeprefix(f"{PERSON_TIME} "): s for name, s in grid.scenarios().items() if s.block == PERSON_TIME}


def truth(name: str) -> Any:
    return OWN[name].truth


def test_what_the_simulator_answers_is_what_is_held_against_it() -> None:
    acting = truth("simulated 20 on").effects
    assert [acting[f"lag {k}"] for k in range(4)] == [0.3, 0.2, 0.0, 0.0]
    assert acting["cumulative"] == pytest.approx(0.5) and acting["lead 1"] == 0
    # Fluid is in units of the SD between nights, 350 mL, where that between participants is 450 mL.
    assert (acting["within"], acting["product"]) == (-0.2, 0.15)
    assert acting["between"] == pytest.approx(0.2 * 350 / 450)
    # A potassium of 3.5 lies two SDs below 4.2 mmol/L.
    curve = truth("simulated 20 on").curve
    assert curve(3.5) - curve(4.2) == pytest.approx(-0.2 * -2)
    assert set(truth("simulated 250 null").effects.values()) == {0.0}


def test_a_curve_that_turns() -> None:
    curve = truth("diaries 20 on").curve
    assert curve(4.2) == 0 and curve(4.2 + 0.35) == pytest.approx(0)
    assert curve(3.5) == pytest.approx(0.1 * (4 + 2))
    assert truth("diaries 20 null").curve(3.5) == 0


def test_diaries_have_gaps_and_nights_like_the_one_before() -> None:
    cohort = truth("diaries 20 null").cohort(300, 28, np.random.default_rng(1))
    nights = cohort.frame("diary").select("participant_id", "date", exposures.DRUNK)
    assert nights.height / (300 * 28) == pytest.approx(0.85, abs=0.015)
    before = nights.with_columns(nights["date"].dt.offset_by("1d")).rename({exposures.DRUNK: "before"})
    both = nights.join(before.select("participant_id", "date", "before"), on=["participant_id", "date"])
    # Of nights within a person 0.4, and half of the variance lies between persons.
    assert np.corrcoef(both[exposures.DRUNK], both["before"])[0, 1] == pytest.approx((1 + 0.4) / 2, abs=0.03)


@pytest.mark.parametrize("name", ["simulated 250 on", "diaries 20 on", "fluid 20 on"])
def test_every_door_finds_what_acts(name: str) -> None:
    """In one cohort each, within four standard errors."""
    scenario = OWN[name]
    cohort = scenario.truth.cohort(200, 28, np.random.default_rng(3))
    for asked in scenario.asked:
        found = exposures.run(scenario.truth, asked, cohort)
        assert set(found) == set(exposures.terms_of(scenario.truth, asked))
        for term, answer in found.items():
            if answer is None:
                # The mean of 28 nights is reliable, and is not corrected.
                assert term == exposures.CORRECTED
                continue
            error, std_error, covered = answer
            assert abs(error) < 4 * std_error and covered in (0.0, 1.0), (asked.name, term)
            assert std_error < 0.5


def test_another_truth_is_not_covered() -> None:
    known = truth("diaries 20 on")
    cohort = known.cohort(250, 14, np.random.default_rng(4))
    wrong = replace(known, effects={**known.effects, "lag 0": 0.0, "cumulative": -0.3})
    found = exposures.run(wrong, LAGGED, cohort)
    for term in ("lag 0", "cumulative"):
        answer = found[term]
        assert answer is not None and answer[2] == 0
        right = exposures.run(known, LAGGED, cohort)[term]
        assert right is not None and answer[0] - right[0] == pytest.approx(known.effects[term] - wrong.effects[term])


def test_a_mean_that_is_corrected_has_its_own_row() -> None:
    known = truth("diaries 20 on")
    cohort = known.cohort(150, 14, np.random.default_rng(5))
    answer = exposures.run(known, SPLIT, cohort)[exposures.CORRECTED]
    assert answer is not None
    assert abs(answer[0]) < 4 * answer[1]


def test_the_cells_of_the_document_are_those_of_the_scenarios() -> None:
    for asked in (LAGGED, SPLIT, CURVED):
        cells = table.grid_cells(asked, PERSON_TIME)
        assert {s.people for s, _ in cells} == {20, 250} | ({46} if asked == SPLIT else set())
        states = {(term in s.on) for s, term in cells if term != exposures.LATER}
        assert states == {True, False}
