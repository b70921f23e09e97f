"""Cleaning: every row is accepted or rejected with a reason, and nothing else changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.cleaning import LEDGER, Cleaned, Raw, RawTable, clean
from crampstudy.errors import SourceError

PEOPLE = {"participant_id": ["a", "b"], "age_years": ["50", "60"], "sex": ["male", "female"]}


def raw_table(name: str, columns: dict[str, list[str | None]]) -> RawTable:
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return RawTable(name, f"{name}.csv", frame, pl.int_range(2, 2 + frame.height, dtype=pl.Int64, eager=True))


def cleaned(window: tuple[date, date] | None = None, **tables: dict[str, Any]) -> Cleaned:
    named = {"participants": PEOPLE} | tables
    return clean(Raw("x", "diary", tuple(raw_table(n, c) for n, c in named.items()), window=window))


def diary(*rows: tuple[str | None, ...], extra: tuple[str, ...] = ()) -> dict[str, list[str | None]]:
    names = ("participant_id", "date", "cramps", *extra)
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def said(loaded: Cleaned) -> list[tuple[int, str, str, str]]:
    return loaded.ledger.select("line", "column", "rule", "severity").rows()


GOOD = ("a", "2024-01-01", "1")


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        ((None, "2024-01-02", "1"), "participant_id", "key-missing"),
        (("a", None, "1"), "date", "key-missing"),
        (("a", "2024-02-30", "1"), "date", "type"),
        (("a", "24-01-02", "1"), "date", "type"),
        (("a", "2024-1-2", "1"), "date", "type"),
        (("a", "01/02/2024", "1"), "date", "type"),
        (("a", "2024-01-02T00:10", "1"), "date", "type"),
        (("a", "2024-01-02", "one"), "cramps", "type"),
        (("a", "2024-01-02", "1.5"), "cramps", "type"),
        (("a", "2024-01-02", "1e400"), "cramps", "type"),
        (("a", "2024-01-02", "-1"), "cramps", "range"),
        (("a", "2024-01-02", "201"), "cramps", "range"),
        (("c", "2024-01-02", "1"), "participant_id", "unknown-participant"),
        (("A", "2024-01-02", "1"), "participant_id", "unknown-participant"),
    ],
)
def test_a_row_is_rejected(row: tuple[str | None, ...], column: str, rule: str) -> None:
    loaded = cleaned(diary=diary(GOOD, row))
    assert said(loaded) == [(3, column, rule, "reject-row")]
    assert loaded.cohort.frame("diary").rows() == [("a", date(2024, 1, 1), 1)]
    count = loaded.cohort.attrition.tables[1]
    assert (count.read, count.accepted, count.rejected) == (2, 1, 1)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("sleep_quality_0_10", "11", "range"),
        ("sleep_quality_0_10", "good", "type"),
        ("sleep_quality_0_10", "inf", "range"),
        ("steps", "10.5", "type"),
        ("warm_up", "yes", "type"),
        ("warm_up", "1", "type"),
        ("hours_in_bed", "0", "range"),
    ],
)
def test_a_cell_is_blanked_and_the_night_stays(column: str, value: str, rule: str) -> None:
    loaded = cleaned(diary=diary((*GOOD, value), extra=(column,)))
    assert said(loaded) == [(2, column, rule, "blank-cell")]
    assert loaded.ledger["value"].to_list() == [value]
    assert loaded.cohort.frame("diary")[column].to_list() == [None]
    assert loaded.cohort.attrition.tables[1].rejected == 0


@pytest.mark.parametrize(("value", "cramps"), [("0", 0), ("200", 200), ("3.0", 3), ("+2", 2), ("007", 7), ("1e1", 10)])
def test_a_count_is_read(value: str, cramps: int) -> None:
    loaded = cleaned(diary=diary(("a", "2024-01-01", value)))
    assert loaded.ledger.is_empty()
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [cramps]


def test_a_level_is_spelt_as_the_codebook_spells_it() -> None:
    people = {"participant_id": ["a", "b"], "age_years": ["121", "60"], "sex": ["Male", "female"]}
    loaded = cleaned(participants=people, diary=diary(GOOD))
    assert said(loaded) == [(2, "age_years", "range", "blank-cell"), (2, "sex", "level", "blank-cell")]
    assert loaded.cohort.frame("participants").rows() == [("a", None, None), ("b", 60.0, "female")]
    assert "one of female, male" in loaded.ledger["hint"][1]


def test_a_value_without_a_range_is_finite_all_the_same() -> None:
    labs = {"participant_id": ["a"] * 3, "date": ["2024-01-01"] * 3, "analyte": ["x", "y", "z"]}
    loaded = cleaned(diary=diary(GOOD), labs=labs | {"value": ["nan", "-inf", "-3"], "unit": ["u"] * 3})
    costly = [violation for violation in said(loaded) if violation[3] != "warn"]
    assert costly == [(3, "value", "range", "blank-cell")]
    assert (2, "value", "missing-mark", "warn") in said(loaded)
    assert loaded.cohort.frame("labs")["value"].to_list() == [None, None, -3.0]


def test_a_count_without_an_entry_is_blanked() -> None:
    rows = [
        ("a", f"2024-01-0{i}", count, made)
        for i, (count, made) in enumerate([("0", "false"), (None, "false"), ("2", None)], 1)
    ]
    loaded = cleaned(diary=diary(*rows, extra=("entry_made",)))
    assert said(loaded) == [(2, "cramps", "count-without-entry", "blank-cell")]
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [None, None, 2]


class TestDuplicates:
    def test_exact(self) -> None:
        loaded = cleaned(diary=diary(GOOD, ("b", "2024-01-01", "0"), GOOD, ("a", "2024-01-01", "1.0")))
        assert said(loaded) == [(4, "", "duplicate-exact", "reject-row"), (5, "", "duplicate-exact", "reject-row")]
        assert loaded.cohort.frame("diary").rows() == [("a", date(2024, 1, 1), 1), ("b", date(2024, 1, 1), 0)]

    def test_conflicting(self) -> None:
        """The third row repeats the first, and still nobody knows which of the two versions is right."""
        rows = (GOOD, ("a", "2024-01-01", "2"), GOOD, ("b", "2024-01-01", "0"))
        loaded = cleaned(diary=diary(*rows))
        assert said(loaded) == [(line, "", "duplicate-conflict", "reject-row") for line in (2, 3, 4)]
        assert loaded.cohort.frame("diary")["participant_id"].to_list() == ["b"]

    def test_a_missing_cell_is_a_version_of_its_own(self) -> None:
        rows = (GOOD, ("a", "2024-01-01", None), ("b", "2024-01-01", "0"))
        assert [rule for _, _, rule, _ in said(cleaned(diary=diary(*rows)))] == ["duplicate-conflict"] * 2

    def test_a_rejected_row_is_no_duplicate(self) -> None:
        loaded = cleaned(diary=diary(GOOD, ("a", "2024-01-01", "-1")))
        assert said(loaded) == [(3, "cramps", "range", "reject-row")]

    def test_participants_that_conflict_take_their_nights_along(self) -> None:
        people = {"participant_id": ["a", "a", "b"], "age_years": ["50", "51", "60"], "sex": ["male"] * 3}
        loaded = cleaned(participants=people, diary=diary(GOOD, ("b", "2024-01-01", "0")))
        assert [(c.table, c.read, c.accepted, c.rejected) for c in loaded.cohort.attrition.tables] == [
            ("participants", 3, 1, 2),
            ("diary", 2, 1, 1),
        ]
        assert loaded.ledger["rule"].to_list() == ["duplicate-conflict"] * 2 + ["unknown-participant"]


def test_the_window_is_inclusive() -> None:
    nights = [f"2024-01-0{day}" for day in range(1, 6)]
    rows = [("a", night, "1") for night in nights]
    episodes = {"participant_id": ["a", "a"], "date": ["2024-01-01", "2024-01-02"], "episode": ["1", "1"]}
    loaded = cleaned((date(2024, 1, 2), date(2024, 1, 4)), diary=diary(*rows), episodes=episodes)
    assert loaded.ledger.select("file", "line", "rule").rows() == [
        ("diary.csv", 2, "window"),
        ("diary.csv", 6, "window"),
        ("episodes.csv", 2, "window"),
    ]


def test_episodes_against_the_count_are_only_said() -> None:
    """Counts 2, 1, 0, missing and 1 with 1, 1, 1, 1 and no episodes; and an episode in a night without a row."""
    rows = [("a", f"2024-01-0{day}", count) for day, count in enumerate(["2", "1", "0", None, "1"], 1)]
    days = [1, 2, 3, 4, 6]
    episodes = {"participant_id": ["a"] * 5, "date": [f"2024-01-0{d}" for d in days], "episode": ["1"] * 5}
    loaded = cleaned(diary=diary(*rows), episodes=episodes)
    assert said(loaded) == [(line, "episode", "episodes-against-count", "warn") for line in (2, 4, 5, 6)]
    assert loaded.cohort.frame("episodes").height == 5
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, 1, 0, None, 1]


def test_nothing_is_left() -> None:
    with pytest.raises(SourceError, match=r"diary\.csv: the only row was rejected; the first, line 2, column cramps"):
        cleaned(diary=diary(("a", "2024-01-01", "x")))


def test_a_required_column_is_missing() -> None:
    people = {name: cells for name, cells in PEOPLE.items() if name != "participant_id"}
    with pytest.raises(SourceError, match=r"participants\.csv: the required column participant_id is missing"):
        cleaned(participants=people, diary=diary(GOOD))


@pytest.mark.parametrize(("lacking", "label"), [("age_years", "age"), ("sex", "sex")])
def test_what_was_not_recorded_of_participants_is_known_of_none(lacking: str, label: str) -> None:
    people = {name: cells for name, cells in PEOPLE.items() if name != lacking}
    cohort = cleaned(participants=people, diary=diary(GOOD)).cohort
    assert cohort.frame("participants")[lacking].null_count() == cohort.frame("participants").height
    said = f"participants.csv: no column {lacking}: {label} is known of no participant, and what needs it says so"
    assert said in cohort.attrition.notices


def test_rules_are_counted() -> None:
    loaded = cleaned(diary=diary(GOOD, GOOD, GOOD, ("a", "2024-01-02", "-1")))
    assert [(r.rule, r.severity, r.n) for r in loaded.cohort.attrition.rules] == [
        ("duplicate-exact", "reject-row", 2),
        ("range", "reject-row", 1),
    ]


def mess(*cells: str | None) -> st.SearchStrategy[str | None]:
    return st.sampled_from(cells)


ROW = st.tuples(
    mess("a", "b", "c", None),
    mess("2024-01-01", "2024-01-02", "2024-02-01", "soon", None),
    mess("0", "1", "-1", "x", None),
    mess("true", "false", "maybe", None),
    mess("5.0", "11", "?", None),
)


@given(st.lists(ROW, max_size=15), st.randoms(use_true_random=False))
def test_accepted_and_rejected_are_what_was_read(rows: list[tuple[str | None, ...]], shuffle: Any) -> None:
    rows = [("a", "2023-12-31", "1", "true", "5.0"), *rows]
    extra = ("entry_made", "sleep_quality_0_10")
    window = (date(2023, 12, 31), date(2024, 1, 31))
    loaded = cleaned(window, diary=diary(*rows, extra=extra))
    count = loaded.cohort.attrition.tables[1]
    rejecting = loaded.ledger.filter(pl.col("severity") == "reject-row")
    assert loaded.ledger.schema == LEDGER
    assert count.read == len(rows) == count.accepted + count.rejected
    assert count.rejected == rejecting["line"].n_unique()
    assert count.accepted == loaded.cohort.frame("diary").height
    # What was accepted unblanked is what was written.
    touched = set(loaded.ledger["line"])
    clean_rows = [row for line, row in enumerate(rows, 2) if line not in touched]
    kept = loaded.cohort.frame("diary").select(pl.all().cast(pl.String)).rows()
    assert set(clean_rows) <= set(kept)
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    again = cleaned(window, diary=diary(*shuffled, extra=extra))
    assert again.cohort.digest == loaded.cohort.digest
    assert again.cohort.attrition == loaded.cohort.attrition
