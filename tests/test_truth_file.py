"""Truth files: what they change, what they say when they cannot, and that a written one reads back."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

from crampstudy.errors import ParameterError
from crampstudy.simulate.scenario import truth_file
from crampstudy.simulate.truth.truth import Truth


def applied(text: str) -> Truth:
    return truth_file.parse(text, "my.yaml").applied(Truth())


def effect(truth: Truth, term: str) -> float:
    return next(e.log_rate_ratio for e in truth.effects if e.term == term)


def test_what_is_left_out_keeps_its_default() -> None:
    assert applied("") == Truth()
    changed = applied("cramps: {rate_per_week: 2.5}")
    assert changed.cramps.rate_per_week == 2.5
    assert replace(changed, cramps=Truth().cramps) == Truth()


def test_every_kind_of_value_is_read() -> None:
    changed = applied(
        """
        people:
          start: 2025-03-01
          start_spread_nights: 730
          age_limits: [60, 70, 91]
          age_shares: [0.75, 0.25]
        effects:
          diabetes: {log_rate_ratio: 0.3, note: for a test}
        """
    )
    assert changed.people.start == date(2025, 3, 1)
    assert changed.people.start_spread_nights == 730
    assert changed.people.age_limits == (60, 70, 91)
    assert changed.people.age_shares == (0.75, 0.25)
    (row,) = (e for e in changed.effects if e.term == "diabetes")
    assert (row.log_rate_ratio, row.note) == (0.3, "for a test")


def test_all_rows_first_then_single_ones_in_any_order() -> None:
    for text in ("effects: {all: 0, diabetes: 0.4}", "effects: {diabetes: 0.4, all: 0}"):
        changed = applied(text)
        assert {e.term for e in changed.effects if e.log_rate_ratio} == {"diabetes"}
        assert effect(changed, "diabetes") == 0.4


def test_a_row_is_named_by_its_columns() -> None:
    rows = Truth().levels
    column = next(r.column for r in rows if r.given is None)
    own = [r for r in rows if r.column == column]
    shares = zip(own, uneven(len(own)), strict=True)
    cells = ", ".join(f'"{column}={r.level}": {{share: {s}, share_given: {s}}}' for r, s in shares)
    changed = applied(f"levels: {{{cells}}}")
    assert [r.share for r in changed.levels if r.column == column] == uneven(len(own))
    assert [r for r in changed.levels if r.column != column] == [r for r in rows if r.column != column]


def uneven(n: int) -> list[float]:
    return [0.5 ** (i + 1) for i in range(n - 1)] + [0.5 ** (n - 1)]


NEW = """
conditions:
  latent: {new: true, prevalence_at_60: 0.2, log_odds_per_decade: 0, log_odds_female: 0}
effects:
  latent: {new: true, column: latent, part: person, lag_nights: 0, window_nights: 1, unit: yes against no,
           log_rate_ratio: 0.5, meaning: direct, basis: assumption, note: mine}
"""


def test_rows_can_be_added() -> None:
    changed, before = applied(NEW), Truth()
    assert changed.conditions[:-1] == before.conditions
    assert (changed.conditions[-1].column, changed.conditions[-1].includes) == ("latent", None)
    assert changed.effects[:-1] == before.effects
    assert (changed.effects[-1].term, changed.effects[-1].level) == ("latent", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NEW.replace("part: person, ", ""), r"effects.latent: a new row needs column, .*; part is missing"),
        (NEW.replace("new: true, ", ""), r"effects: unknown key 'latent'; allowed: all, "),
        (NEW.replace("  latent: {new: true, column", "  diabetes: {new: true, column"), r"a row of that name is there"),
        (NEW.replace("log_rate_ratio: 0.5", "log_rate_ratio: 50"), r"effect latent.*log_rate_ratio is 50.0"),
        (NEW.replace("note: mine", "nots: mine"), r"effects.latent: unknown key 'nots'.*did you mean note"),
    ],
)
def test_added_rows_are_checked(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        applied(text)


def test_head_of_a_file() -> None:
    read = truth_file.parse("base: community\nabout: mine\nparticipants: 40\nnights: 30\nmess: {a: 1}", "my.yaml")
    assert (read.base, read.about, read.participants, read.nights) == ("community", "mine", 40, 30)
    assert read.mess == {"a": "1"}
    assert read.changes == {}


def test_every_parameter_is_written_and_reads_back() -> None:
    text = truth_file.as_yaml(Truth())
    assert truth_file.parse(text, "all.yaml").applied(Truth()) == Truth()
    base = replace(Truth(), cramps=replace(Truth().cramps, rate_per_week=3.0)).with_effects(diabetes=-0.7)
    assert truth_file.parse(truth_file.as_yaml(base), "all.yaml").applied(Truth()) == base
    for group in fields(Truth):
        content = getattr(Truth(), group.name)
        for row in content if isinstance(content, tuple) else (content,):
            named_by = ("column", "term", "level", "parent", "other")
            assert all(f"{item.name}:" in text for item in fields(row) if item.name not in named_by)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("crampz: {}", r"my.yaml, top: unknown key 'crampz'; did you mean cramps\? allowed: .*effects"),
        ("cramps: {rate_per_weak: 1}", r"cramps: unknown key 'rate_per_weak'; did you mean rate_per_week\?"),
        ("effects: {diabets: 0}", r"effects: unknown key 'diabets'; did you mean diabetes\?"),
        ("effects: {diabetes: {log_rr: 1}}", r"effects.diabetes: unknown key 'log_rr'.*log_rate_ratio"),
        ("effects: {diabetes: {term: other}}", r"effects.diabetes: unknown key 'term'"),
        ("cramps: {rate_per_week: 1000}", r"my.yaml: cramps.rate_per_week is 1000.0; allowed: .* at most 100"),
        ("cramps: {rate_per_week: .nan}", r"expected a number, got '.nan'|a finite number"),
        ("cramps: {rate_per_week: nan}", r"allowed: a finite number"),
        ("effects: {diabetes: 9}", r"my.yaml: effect diabetes.*log_rate_ratio is 9.0; allowed: .* at most 3"),
        ("effects: {diabetes: {basis: hope}}", r"effects.diabetes.basis: 'hope' is not allowed; allowed: .*assumption"),
        ("cramps: {rate_per_week: two}", r"cramps.rate_per_week: expected a number, got 'two'"),
        ("people: {start: 2024-13-01}", r"people.start: expected a date such as 2024-01-08"),
        ("people: {start_spread_nights: 1.5}", r"people.start_spread_nights: expected a whole number"),
        ("people: {age_limits: 20}", r"people.age_limits: expected a list"),
        ("people: {age_limits: [20, [30]]}", r"people.age_limits: expected a whole number, got \['30'\]"),
        ("people: {age_shares: [0.5, 0.5]}", r"my.yaml: people.age_limits .* one more than people.age_shares"),
        ("habits: {alcohol_day: 3}", r"habits.alcohol_day: expected entries 'name: value' of kind"),
        ("cramps: 3", r"cramps: expected entries 'name: value', got '3'"),
        ("- cramps", r"top: expected entries"),
        ("participants: many", r"participants: expected a whole number, got 'many'"),
        ("cramps: {rate_per_week: 1, rate_per_week: 2}", r"'rate_per_week' stands twice .* line 1"),
        ("a: [", r"my.yaml is not a truth file in YAML"),
    ],
)
def test_errors_name_file_key_and_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as raised:
        applied(text)
    assert "my.yaml" in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"there is no truth file .*none.yaml"):
        truth_file.load(tmp_path / "none.yaml")
    broken = tmp_path / "latin.yaml"
    broken.write_bytes(b"about: caf\xe9\n")
    with pytest.raises(ParameterError, match=r"latin.yaml is not a truth file in UTF-8"):
        truth_file.load(broken)
    good = tmp_path / "good.yaml"
    good.write_text("\ufeffcramps:\n  rate_per_week: 1e-1\n", encoding="utf-8")
    assert truth_file.load(good).applied(Truth()).cramps.rate_per_week == 0.1
