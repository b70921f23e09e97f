from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crampstudy.errors import UsageError
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.terms.design_matrix import Column

FRAME = pl.DataFrame(
    {
        "sex": ["female", "male", "female", "male", "female", "male"],
        "sex_2": ["b", "a", "b", "a", "a", "b"],
        "diabetes": [True, False, False, True, True, None],
        "age_decade": [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0],
        "exercise_min": [0.0, 10.0, 20.0, 30.0, 40.0, 50.0],
        "smoking": ["never", "current", "former", "never", "never", "former"],
        "shoe size": [40.0, 41.0, 39.0, 43.0, 38.0, 42.0],
        "twitching": [False] * 6,
        "statin": [True] * 6,
        "lean_mass_index_kg_m2": pl.Series([None] * 6, dtype=pl.Float64),
    }
)
EVERY = np.ones(6, dtype=bool)


def build(terms: str, candidate: np.ndarray = EVERY, needs: tuple[str, ...] = ()) -> design_matrix.Design:
    return design_matrix.build(FRAME, terms, candidate=candidate, needs=needs)


def test_matrix_by_hand_with_male_as_reference() -> None:
    design = build("age_decade + sex")
    assert design.columns == (Column("intercept"), Column("age_decade"), Column("sex", "female", "male"))
    expected = np.column_stack([np.ones(6), FRAME["age_decade"], [1, 0, 1, 0, 1, 0]])
    assert (design.matrix == expected).all()


def test_reference_is_false_and_the_codebook_s_first_level() -> None:
    assert Column("diabetes", "true", "false") in build("diabetes").columns
    assert [c.reference for c in build("smoking").columns if c.level] == ["never", "never"]


def test_reference_of_an_age_band_is_the_youngest_present() -> None:
    bands = pl.Enum(["<20", "20-39", "40-49", "80+"])
    frame = pl.DataFrame({"age_band": pl.Series(["80+", "40-49", "20-39", "80+"], dtype=bands)})
    columns = design_matrix.build(frame, "age_band", candidate=np.ones(4, dtype=bool)).columns
    assert columns[1:] == (Column("age_band", "40-49", "20-39"), Column("age_band", "80+", "20-39"))


def test_explicit_reference() -> None:
    for base in ("'female'", "base='female'"):
        term = f"C(sex, contr.treatment({base}))"
        assert build(term).columns[1] == Column(term, "male", "female")


def test_a_name_within_another_does_not_lend_its_levels() -> None:
    assert build("sex_2").columns[1] == Column("sex_2", "b", "a")
    assert build("sex + sex_2").columns[1:] == (Column("sex", "female", "male"), Column("sex_2", "b", "a"))


def test_interactions() -> None:
    assert build("age_decade * sex").columns[-1] == Column("age_decade:sex", "female", "male")
    assert build("sex * sex_2").columns[-1] == Column("sex:sex_2", "female:b", None)


def test_only_treatment_coding_has_a_reference() -> None:
    assert [c.reference for c in build("C(sex, contr.sum)").columns] == [None, None]
    assert [c.level for c in build("age_decade:sex").columns[1:]] == ["male", "female"]
    assert {c.reference for c in build("age_decade:sex").columns} == {None}


def test_columns_of_the_cohort_and_functions() -> None:
    assert build("`shoe size`").columns[1] == Column("shoe size")
    assert build("np.log(exercise_min + 1)").matrix[:, 1] == pytest.approx(np.log1p(FRAME["exercise_min"]))
    assert len(build("cr(age_decade, df=3)").columns) == 4


def test_incomplete_rows_are_left_out_and_counted() -> None:
    design = build("diabetes", np.array([False, True, True, True, True, True]))
    assert design.rows.tolist() == [False, True, True, True, True, False]
    assert design.incomplete == 1
    assert build("sex", needs=("diabetes",)).incomplete == 1


def test_what_was_never_measured_is_left_out_and_the_rest_kept() -> None:
    design = build("sex + lean_mass_index_kg_m2 + grip_strength_kg + sex:grip_strength_kg")
    assert set(design.not_measured) == {"lean_mass_index_kg_m2", "grip_strength_kg", "sex:grip_strength_kg"}
    assert design.terms() == ("sex",)
    assert design.rows.all()


def test_what_does_not_vary_is_left_out_and_the_rest_kept() -> None:
    design = build("sex + twitching + statin + sex:statin", np.array([True] * 6))
    assert set(design.constant) == {"twitching", "statin", "sex:statin"}
    assert design.terms() == ("sex",)
    only_men = build("sex + age_decade", FRAME["sex"].to_numpy() == "male")
    assert only_men.constant == ("sex",)
    assert only_men.columns == (Column("intercept"), Column("age_decade"))


def test_no_complete_row_is_an_empty_design() -> None:
    design = build("sex + age_decade", ~EVERY)
    assert design.matrix.shape == (0, 3)
    assert [c.term for c in design.columns] == ["intercept", "sex", "age_decade"]


def test_other_values_are_encoded_like_the_rows() -> None:
    design = build("cr(age_decade, df=3, constraints='center')")
    again = design.encode(FRAME.select("age_decade").to_pandas())
    assert again == pytest.approx(design.matrix)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("cramps ~ sex", "right-hand side alone"),
        ("sex | age_decade", "a bar stands nowhere"),
        ("age_decade +", "is not a formula"),
        ("sex +* 2", "is not a formula"),
        ("0 + sex", "takes the intercept away"),
        ("sex - 1", "takes the intercept away"),
        ("age_decad + sex", "did you mean age_decade?"),
        ("serum_potasium_mmol_l", "did you mean serum_potassium_mmol_l?"),
        ("log(exercise_min)", "is infinite on some rows"),
        ("log(age_decade)", "cannot be evaluated"),
        ("nosuch(age_decade)", "cannot be evaluated"),
        ("C(sex, contr.treatment('nobody'))", "cannot be evaluated"),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered in log")
def test_what_cannot_be_is_a_usage_error(terms: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        build(terms)


def test_names_in_a_formula() -> None:
    parsed = formula.parse("age_decade*sex + cr(age_years, df=4) + C(arm, contr.treatment('x')) + np.log(steps + 1)")
    assert formula.names_in(parsed) == {"age_decade", "sex", "age_years", "arm", "steps"}


def test_levels_are_encoded_as_formulaic_does_it() -> None:
    import pandas as pd
    from formulaic import Formula

    from crampstudy.models.terms.materialiser import DesignMaterialiser

    levels = pd.Categorical(["b", "a", "c", "b", "a"], categories=["b", "a", "c"])
    frame = pd.DataFrame({"g": levels, "h": pd.Categorical(["x", "y", "x", "y", "y"]), "x": [1.0, 2, 3, 4, 5]})
    for terms in ("1 + g", "0 + g", "1 + g:x", "1 + g*h + x", "1 + C(g, contr.sum)"):
        usual = Formula(terms).get_model_matrix(frame)
        ours = Formula(terms).get_model_matrix(frame, materializer=DesignMaterialiser.REGISTER_NAME, output="numpy")
        assert list(ours.model_spec.column_names) == list(usual.columns)
        assert np.array_equal(np.asarray(ours, dtype=float), usual.to_numpy(dtype=float))
        again = ours.model_spec.get_model_matrix(frame.iloc[[2, 0]])
        assert np.array_equal(np.asarray(again, dtype=float), usual.to_numpy(dtype=float)[[2, 0]])
