from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import fit, tables
from crampstudy.analyses.sentences import conditions as sentences
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.estimates.sentences import in_brackets
from crampstudy.estimates.verdicts import too_few
from crampstudy.models.inference.exposed_participants import exposed, of_scale
from crampstudy.models.terms import design_matrix
from crampstudy.simulate import simulate


def built(terms: str, **columns: list[object]) -> tuple[design_matrix.Design, np.ndarray]:
    """Return the design of six participants of two nights each."""
    frame = pl.DataFrame({"participant_id": [f"P{i // 2}" for i in range(12)], **columns})
    return design_matrix.build(frame, terms, candidate=np.ones(12, dtype=bool)), np.repeat(np.arange(6), 2)


def twice(*values: object) -> list[object]:
    return [value for value in values for _ in range(2)]


@pytest.mark.parametrize(
    ("values", "participants", "lone"),
    [
        (twice(True, True, False, False, False, True), 3, None),
        (twice(True, False, False, False, False, False), 1, "x = true: "),
        (twice(False, True, True, True, True, True), 5, "x = false, the reference: "),
        ([True, False, *twice(False, False, False, False), False, False], 1, "x = true: "),
        # From night to night everybody is at the reference, and two at the level.
        ([True, False, True, False, *twice(False, False, False, False)], 2, None),
        (twice(1, 0, 0, 0, 0, 0), 1, "x = 1: "),
        (twice(0, 3, 3, 3, 3, 3), 5, "x = 0: "),
        (twice(1, 2, 3, 4, 5, 5), 6, None),
        ([1, 2, 1, 5, *twice(7, 7, 7, 7)], 2, None),
    ],
)
def test_who_bears_on_a_term(values: list[object], participants: int, lone: str | None) -> None:
    (found,) = exposed(*built("x", x=values)).values()
    assert found.participants == participants
    assert found.lone == (
        lone and f"one participant alone has {lone.removesuffix(': ')}: a ratio would rest on that one"
    )


def test_the_reference_of_several_levels() -> None:
    design, groups = built("site", site=twice("calf", "foot", "foot", "thigh", "thigh", "foot"))
    found = {column.level: e for column, e in exposed(design, groups).items()}
    assert [(level, e.participants) for level, e in found.items()] == [("foot", 3), ("thigh", 2)]
    # A lone reference leaves nothing to compare any level with.
    assert all(e.lone and "site = calf, the reference" in e.lone for e in found.values())


def test_without_rows_nobody_bears_on_anything() -> None:
    design, groups = built("x", x=twice(1, 2, 3, 4, 5, 6))
    assert exposed(design.bare(), groups[:0]) == {}


@pytest.mark.parametrize(
    ("values", "lone"),
    [
        # Several values, all of one participant; everyone else has the same one.
        ([1, 2, *twice(0, 0, 0, 0, 0)], "another x than 0"),
        ([-1.5, 1.5, *twice(0, 0, 0, 0, 0)], "another x than 0"),
        ([1, 2, 0, 3, *twice(0, 0, 0, 0)], None),
        ([1, 2, *twice(0, 0, 0, 0, 4)], None),
    ],
)
def test_a_number_that_is_one_participants_alone(values: list[object], lone: str | None) -> None:
    (found,) = exposed(*built("x", x=values)).values()
    assert found.lone == (lone and f"one participant alone has {lone}: a ratio would rest on that one")


@pytest.mark.parametrize(
    ("events", "tell", "lone"),
    [
        # Four people's values vary, of whom so many had an event; the events of others tell nothing of it.
        (twice(1, 1, 1, 1, 1, 1), 4, None),
        (twice(1, 2, 0, 0, 5, 5), 2, None),
        (
            twice(0, 1, 0, 0, 5, 5),
            1,
            "one participant alone in whom it varies had an event: a ratio would rest on that one",
        ),
        (twice(0, 0, 0, 0, 5, 5), 0, "nobody in whom it varies from night to night had an event"),
    ],
)
def test_within_participants_those_tell_who_had_an_event(events: list[object], tell: int, lone: str | None) -> None:
    values = [1, 2, 0, 2, 1, 3, 0, 4, *twice(3, 3)]
    plain, groups = built("x", x=values)
    design = replace(plain, columns=tuple(replace(c, term=c.term.replace("x", "within(x)")) for c in plain.columns))
    (found,) = exposed(design, groups, np.array(events, dtype=float)).values()
    assert (found.participants, found.tell, found.lone) == (4, tell, lone)
    # Of a number, which everybody has, all tell; so they do of a mean, or of a night as it is.
    assert exposed(design, groups)[design.columns[-1]].tell is None
    assert next(iter(exposed(plain, groups, np.array(events, dtype=float)).values())).tell is None


A, B, C = "arthritis", "osteoarthritis", "statin"
THIRDS = {
    A: twice(True, True, True, True, False, False),
    B: twice(True, True, False, False, False, False),
    C: twice(True, True, True, False, True, False),
}


@pytest.mark.parametrize(
    ("terms", "values", "said"),
    [
        # Everybody with osteoarthritis has arthritis: beside it two of the four with arthritis tell of it.
        (f"{A} + {B}", THIRDS, {A: "2 with any arthritis who have no osteoarthritis"}),
        (B, THIRDS, {}),
        # Nobody has both: those with one are compared with those who have neither, as few as they may be.
        (
            f"{A} + {B}",
            {A: twice(True, True, False, False, False, False), B: twice(False, False, True, True, True, True)},
            {},
        ),
        (
            f"{A} + {B}",
            {A: twice(True, True, True, False, False, False), B: twice(False, False, False, False, True, True)},
            {
                A: "1 without any arthritis who has no osteoarthritis",
                B: "1 without osteoarthritis who has no arthritis",
            },
        ),
        # Everybody with arthritis takes a statin, as do two without it.
        (
            f"{A} + {C}",
            {A: twice(True, True, True, False, False, False), C: twice(True, True, True, True, True, False)},
            {A: "2 without any arthritis who take statin", C: "2 with statin who have no arthritis"},
        ),
        # A number has no such people, and what differs from night to night has none, either.
        (f"{A} + x", THIRDS | {"x": twice(1, 1, 0, 0, 0, 0)}, {}),
        (f"{A} + {B}", THIRDS | {B: [True, False, *[False] * 10]}, {}),
        (
            f"{A} + smoking",
            {A: THIRDS[A], "smoking": twice("never", "former", "current", "current", "never", "former")},
            {
                A: "2 with any arthritis who have another smoking than current",
                "smoking": "1 with smoking (never) who has any arthritis",
            },
        ),
    ],
)
def test_beside_what_implies_a_level_its_ratio_rests_on_the_others(
    terms: str, values: dict[str, list[object]], said: dict[str, str]
) -> None:
    found = exposed(*built(terms, **values))
    told = {c.term: f"{e.resting.participants} {e.resting.whom}" for c, e in found.items() if e.resting}
    assert told == said


def joints(others: int) -> Cohort:
    """Return 60 people of 14 nights, of whom 20 have osteoarthritis, and arthritis so many ``others`` besides."""
    rng, n = np.random.default_rng(3), 60
    who = [f"P{i:02}" for i in range(n)]
    people = pl.DataFrame(
        {
            "participant_id": who,
            "age_years": [40.0 + i * 7 % 40 for i in range(n)],
            "sex": ["female", "male"] * 30,
            "osteoarthritis": [i < 20 for i in range(n)],
            "arthritis": [i < 20 + others for i in range(n)],
        }
    )
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(14)]
    nights = {"participant_id": np.repeat(who, 14), "date": days * n, "cramps": rng.poisson(0.4, 14 * n)}
    return Cohort("x", "diary", {"participants": people, "diary": pl.DataFrame(nights)})


@pytest.mark.parametrize("others", [12, 4])
def test_on_how_many_a_ratio_rests_is_told_and_decides_its_verdict(others: int) -> None:
    made = adjusted_fit(joints(others), "arthritis", model="negative-binomial")
    (row,) = (row for row in made.estimates.to_dict("records") if row["term"] == "arthritis")
    said = f"rests on the {others} with any arthritis who have no osteoarthritis"
    assert (row["status"], row["n_exposed"]) == ("converged", 20 + others) and said in row["note"].split("; ")
    assert row["adjusted_for"] == "ns(age_years, df=3); osteoarthritis; sex"
    assert (row["verdict"] == "too few") == too_few(row) == (others < 5)
    assert said in in_brackets(row)


@pytest.mark.parametrize("others", [24, 8])
def test_ratios_by_age_rest_on_them_as_well(others: int) -> None:
    rows = condition_ratios(joints(others), [HealthCondition("arthritis")], model="poisson")
    said = f"rests on the {others} with any arthritis who have no osteoarthritis"
    made, lost = rows[rows["estimate"].notna()], rows[rows["estimate"].isna()]
    own = made[made["level"].eq("true")]
    assert own["note"].str.contains(said, regex=False).all() and own["facts"].str.contains("covariance: ").all()
    # Of the eight fewer than five are on one side, though of all who have it there are enough.
    assert (len(own), len(lost)) == ((4, 0) if others == 24 else (1, 3))
    whom = "fewer than 5 with any arthritis who have no osteoarthritis are on one side of 62.5 years"
    assert lost["note"].eq(f"no ratio by age, as {whom}").all()
    told = sentences.answer(rows) if others == 24 else ""
    assert said in told or not own["verdict"].isin(["higher", "lower"]).any()
    assert sentences.rest(rows) == f" The ratio of any arthritis {said}."
    # A note has it of the row by its name, whatever other rows the table has.
    (first, *_) = rows.head(1).to_dict("records")
    statin = {**first, "term": "statin", "note": "covariance cluster", "facts": None}
    told = tables.notes(pd.DataFrame([{**first, "note": f"covariance cluster; {said}"}, statin]))
    assert told.startswith(f"Cluster-robust intervals; Any arthritis: {said}.")


def test_a_ratio_that_rests_on_one_participant_is_none() -> None:
    found = exposed(*built(f"{A} + {B}", **{A: twice(True, True, True, False, False, False), B: THIRDS[B]}))
    lone = {column.term: each.lone for column, each in found.items()}
    assert lone[A] == (
        "one participant alone is one with any arthritis who has no osteoarthritis: a ratio would rest on that one"
    )


def cohort_in_which_it_varies(cramps: dict[str, list[int]]) -> Cohort:
    """Return twelve people of ten nights, of whom the first eight drink on some of them; ``cramps`` of some."""
    who = [f"P{i:02}" for i in range(12)]
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(10)]
    drinks = {
        name: [float((i * 7 + night * 3) % 5) if i < 8 else 0.0 for night in range(10)] for i, name in enumerate(who)
    }
    diary = pl.DataFrame(
        {
            "participant_id": np.repeat(who, 10),
            "date": days * 12,
            "cramps": [n for name in who for n in cramps.get(name, [0] * 10)],
            "alcohol_units": [n for name in who for n in drinks[name]],
        }
    )
    people = pl.DataFrame(
        {"participant_id": who, "age_years": [50.0 + i for i in range(12)], "sex": ["female", "male"] * 6}
    )
    return Cohort("x", "diary", {"participants": people, "diary": diary})


def test_a_ratio_within_participants_rests_on_those_with_cramps() -> None:
    often = [1, 0, 2, 0, 1, 0, 0, 3, 0, 1]
    term = "within(alcohol_units)"

    def found(*having: int, model: str = "negative-binomial") -> dict[str, Any]:
        cohort = cohort_in_which_it_varies({f"P{i:02}": often for i in having})
        rows = fit(cohort, model=model, terms=term).estimates
        return next(row for row in rows.to_dict("records") if row["term"] == f"contrast: {term}")

    # Those who had cramps never drank: nothing of them, and no cramp of the others, tells of a ratio.
    none = found(8, 9, 10, 11)
    assert (none["status"], none["verdict"]) == ("not_estimable", "too few")
    assert none["note"] == "nobody in whom it varies from night to night had an event"
    one = found(0, 8, 9, 10, model="poisson")
    assert one["status"] == "not_estimable" and one["note"].startswith("one participant alone in whom it varies")
    few, enough = found(0, 1, 2, 9), found(0, 1, 2, 3, 4, 5)
    assert (few["status"], few["n_exposed"], few["verdict"]) == ("converged", 8, "too few")
    assert "only 3 participants in whom it varies from night to night had an event" in few["note"]
    assert enough["verdict"] != "too few" and "tell" not in str(enough["facts"])


def test_a_sum_of_nights_rests_on_the_fewest_of_its_parts() -> None:
    often = [1, 0, 2, 0, 1, 0, 0, 3, 0, 1]
    cohort = cohort_in_which_it_varies({f"P{i:02}": often for i in (0, 1, 2, 9)})
    line = fit(cohort, model="poisson", terms="within(alcohol_units) + lag(within(alcohol_units), 1)").linear
    assert line is not None
    both = {"within(alcohol_units)": 1.0, "lag(within(alcohol_units), 1)": 1.0}
    assert line.ratio(both, dict.fromkeys(both, 0.0))["facts"].endswith("tell: 3")


def test_a_number_of_one_participant_is_not_shown_and_is_of_a_ratio_only_where_there_is_one() -> None:
    """Of two people a mean of nights has two values, one of each."""
    (found,) = exposed(*built("x", x=twice(0.25, 0.75, 0.75, 0.75, 0.75, 0.75))).values()
    said = "one participant alone has one of the two values of x: a ratio would rest on that one"
    assert found.lone == said
    assert of_scale(said, "difference") == said.replace("ratio", "difference")
    assert of_scale(said, "rate_ratio") == said and of_scale(None, "difference") is None
    (yes,) = exposed(*built("x", x=twice(1, 0, 0, 0, 0, 0))).values()
    assert yes.lone and "has x = 1" in yes.lone


def test_a_row_of_differences_speaks_of_no_ratio() -> None:
    cohort = simulate(12, 30, seed=4)
    people = cohort.frame("participants").with_columns(x=pl.when(pl.int_range(pl.len()) == 3).then(0.37).otherwise(0.2))
    made = replace(cohort, tables={**cohort.tables, "participants": people})
    for model, what in (("linear", "difference"), ("poisson", "ratio")):
        asked = {"outcome": "sleep_hours"} if model == "linear" else {}
        rows = fit(made, model=model, terms="x", covariance="cluster", **asked).estimates
        (note,) = rows.loc[rows["term"].eq("x"), "note"]
        assert f"a {what} would rest on that one" in note and "0.37" not in note
