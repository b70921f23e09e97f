"""The causal graph: parents, who stands above and below whom, what to adjust for, and what an intervention moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crampstudy.errors import ParameterError
from crampstudy.simulate import Truth
from crampstudy.simulate.draw.people import draw_basics, draw_chances, draw_people
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.tables.rows import Cause, Correlation

TRUTH = Truth()


def test_parents_are_the_direct_causes() -> None:
    of = causal_graph.parents(TRUTH)
    assert of["age_years"] == of["sex"] == ()
    assert of["diabetes"] == ("age_years", "sex", "bmi_kg_m2")
    assert of["hba1c_mmol_mol"] == ("age_years", "diabetes")
    # No slope over age and none between the sexes: no arrow.
    assert of["bmi_kg_m2"] == ()
    # A broad diagnosis holds the narrow one; a class is given a condition; pregnancies are those of women below 45.
    assert "osteoarthritis" in of["arthritis"]
    assert of["diuretic_class"] == ("hypertension",)
    assert of["pregnancy_trimester"] == ("age_years", "sex")
    assert of["exertional_leg_pain"] == ("age_years", "peripheral_artery_disease")


def test_ancestors_and_descendants_by_hand() -> None:
    causes = tuple(
        Cause(column=child, parent=parent, level=None, per=1, coefficient=1.0)
        for parent, child in (("bmi_kg_m2", "diabetes"), ("diabetes", "neuropathy"), ("neuropathy", "twitching"))
    )
    flat = tuple(replace(c, log_odds_per_decade=0, log_odds_female=0, includes=None) for c in TRUTH.conditions)
    chain = replace(TRUTH, causes=causes, conditions=flat)
    assert causal_graph.ancestors(chain, "twitching") == {"neuropathy", "diabetes", "bmi_kg_m2"}
    assert causal_graph.ancestors(chain, "bmi_kg_m2") == set()
    assert causal_graph.descendants(chain, "diabetes") == {"neuropathy", "twitching", "nerve_conduction"}
    assert causal_graph.descendants(chain, "twitching") == set()
    order = causal_graph.order(chain)
    assert order.index("bmi_kg_m2") < order.index("diabetes") < order.index("neuropathy") < order.index("twitching")
    # A cause of nothing is none.
    still = replace(chain, causes=tuple(replace(c, coefficient=0.0) for c in causes))
    assert causal_graph.ancestors(still, "twitching") == set()


def test_above_and_below_are_each_other_s_reverse() -> None:
    columns = causal_graph.parents(TRUTH)
    for column in columns:
        below = {other for other in columns if column in causal_graph.ancestors(TRUTH, other)}
        assert causal_graph.descendants(TRUTH, column) == below


def test_a_circle_is_refused_by_name() -> None:
    back = Cause(column="bmi_kg_m2", parent="diabetes", level=None, per=1, coefficient=0.5)
    with pytest.raises(ParameterError, match=r"circle: .*(bmi_kg_m2 -> diabetes|diabetes -> bmi_kg_m2)"):
        replace(TRUTH, causes=(*TRUTH.causes, back))


def test_what_to_adjust_for() -> None:
    assert causal_graph.adjust_for(TRUTH, "diabetes") == causal_graph.parents(TRUTH)["diabetes"]
    # Calcium hangs together with magnesium, and by it with potassium; these have causes of their own.
    beside = set(causal_graph.adjust_for(TRUTH, "serum_calcium_mmol_l"))
    assert {"serum_magnesium_mmol_l", "serum_potassium_mmol_l", "serum_albumin_g_l", "crp_mg_l"} <= beside
    assert {"diabetes", "diuretic_class", "bmi_kg_m2", "age_years", "sex"} <= beside
    # A partner that the exposure causes stands on its path and stays out.
    lean = Correlation(column="lean_mass_index_kg_m2", other="grip_strength_kg", correlation=0.3)
    tied = replace(TRUTH, correlations=(*TRUTH.correlations, lean))
    assert "grip_strength_kg" not in causal_graph.adjust_for(tied, "lean_mass_index_kg_m2")
    assert "lean_mass_index_kg_m2" in causal_graph.adjust_for(tied, "grip_strength_kg")


@pytest.mark.parametrize("column", ["diabetes", "osteoarthritis", "bmi_kg_m2", "lean_mass_index_kg_m2"])
def test_an_intervention_moves_descendants_only(column: str) -> None:
    n = 20_000
    rng = np.random.default_rng(3)
    basics, chances = draw_basics(TRUTH.people, n, rng), draw_chances(TRUTH, n, rng)
    plain = draw_people(TRUTH, basics.age, basics.female, chances)
    other = ~plain[column] if plain[column].dtype == np.bool_ else plain[column].astype(float) * 1.2
    moved = draw_people(TRUTH, basics.age, basics.female, chances, fixed={column: other})
    changed = {name for name in plain if not np.array_equal(plain[name], moved[name])}
    assert changed == {column} | causal_graph.descendants(TRUTH, column)


def test_a_part_is_what_the_whole_holds() -> None:
    rng = np.random.default_rng(4)
    basics, chances = draw_basics(TRUTH.people, 200, rng), draw_chances(TRUTH, 200, rng)
    whole = draw_people(TRUTH, basics.age, basics.female, chances)
    part = draw_people(TRUTH, basics.age, basics.female, chances, only=["hba1c_mmol_mol"])
    assert set(part) == {"age_years", "sex", "bmi_kg_m2", "diabetes", "hba1c_mmol_mol"}
    assert all(np.array_equal(part[name], whole[name]) for name in part)
