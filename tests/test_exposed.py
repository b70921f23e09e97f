from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.terms import design_matrix


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
