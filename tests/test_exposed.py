from __future__ import annotations

import numpy as np
import polars as pl
import pytest

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
