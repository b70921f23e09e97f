"""Cards: the verdicts by hand, the Monte-Carlo error by theory, and the presets themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate.calibration import cards, published_classes, summary_statistics
from crampstudy.simulate.calibration.cards import Card, Line, Target
from crampstudy.simulate.calibration.summary_statistics import AFTER, ENTRY, CohortArrays, Statistic
from crampstudy.simulate.scenario import presets

FIRST = date(2024, 1, 1)


def made(counts: np.ndarray, **columns: list[object]) -> CohortArrays:
    """A cohort of these counts (participants x nights); the first participant logs every second night only."""
    n, nights = counts.shape
    names = [f"P{i}" for i in range(n)]
    people = pl.DataFrame(
        {
            "participant_id": names,
            "age_years": [65.0] * n,
            "sex": ["male"] * n,
            "arm": ["observation"] * n,
            **columns,
        }
    )
    diary = pl.DataFrame(
        {
            "participant_id": np.repeat(names, nights),
            "date": list(pl.date_range(FIRST, pl.lit(FIRST).dt.offset_by(f"{nights - 1}d"), eager=True)) * n,
            "entry_made": True,
            "cramps": counts.ravel(),
        }
    )
    clean = Cohort("made", "diary", {"participants": people, "diary": diary}, synthetic=True)
    odd = (pl.col("participant_id") == "P0") & (pl.int_range(pl.len()) % 2 == 1)
    return CohortArrays.of(clean, replace(clean, tables={"participants": people, "diary": diary.filter(~odd)}))


def counts(n: int = 40, nights: int = ENTRY + AFTER) -> np.ndarray:
    return np.random.default_rng(3).poisson(0.7, (n, nights)).astype(np.int64)


def test_figures_by_hand() -> None:
    drawn = counts()
    seen = made(drawn, sex=["female"] * 15 + ["male"] * 25, diabetes=[True] * 10 + [False] * 30)
    entry, after = drawn[:, :14].mean(axis=1) * 7, drawn[:, 14:42].mean(axis=1) * 7
    in_30 = drawn[:, :30].sum(axis=1)
    expected = {
        "entry_mean": entry.mean(),
        "entry_sd": entry.std(ddof=1),
        "fall": 1 - after.mean() / entry.mean(),
        "fall_of_eligible:11": 1 - after[entry >= 5.5].mean() / entry[entry >= 5.5].mean(),
        "any_in_30": (in_30 > 0).mean(),
        "over_3_in_30": (in_30 > 3).mean(),
        "class_share:60-69:16+": (in_30 >= 16).mean(),
        "class_share:20+:5-15": ((in_30 >= 5) & (in_30 < 16)).mean(),
        "ratio:sex=female": drawn[:15].mean() / drawn[15:].mean(),
        "ratio:diabetes": drawn[:10].mean() / drawn[10:].mean(),
        "adherence": (39 + 0.5) / 40,
        "retained": 1.0,
        "rows:labs": 0.0,
    }
    for statistic, by_hand in expected.items():
        assert summary_statistics.compute_statistic(statistic, seen).value == pytest.approx(by_hand), statistic


def test_arms_by_hand() -> None:
    drawn = counts()
    arm = ["magnesium", "placebo"] * 20
    seen = made(drawn, arm=arm)
    change = (drawn[:, 14:].mean(axis=1) - drawn[:, :14].mean(axis=1)) * 7
    assert summary_statistics.compute_statistic("arm_change:magnesium", seen).value == pytest.approx(change[::2].mean())
    assert summary_statistics.compute_statistic("arm_change_sd:placebo", seen).value == pytest.approx(
        change[1::2].std(ddof=1)
    )
    found = summary_statistics.compute_statistic("difference:magnesium:placebo", seen).value
    assert found == pytest.approx(change[::2].mean() - change[1::2].mean())


def test_the_error_of_a_mean_is_its_standard_error() -> None:
    drawn = np.random.default_rng(4).poisson(0.7, (4000, ENTRY)).astype(np.int64)
    found = summary_statistics.compute_statistic("entry_mean", made(drawn))
    by_theory = math.sqrt(0.7 * 14) / 2 / math.sqrt(4000)
    # A variance from 20 groups: chi-squared on 19 degrees of freedom, here its 0.01 and 99.99 % points.
    assert 4.9 / 19 < (found.error / by_theory) ** 2 < 51 / 19


def test_unknown_statistics_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"statistic is 'mean'; allowed: class_share"):
        summary_statistics.compute_statistic("mean", made(counts()))


def target(low: float | None, high: float | None) -> Target:
    return Target("null", "fall", "A fall", "proportion", 0.3, low, high, "nobody", "", "assumption", "")


@pytest.mark.parametrize(
    ("low", "high", "value", "error", "passed"),
    [
        (0.2, 0.4, 0.3, 0.0, True),
        (0.2, 0.4, 0.41, 0.0, False),
        (0.2, 0.4, 0.41, 0.004, True),
        (0.2, 0.4, 0.19, 0.003, False),
        (0.0, 0.0, 0.0, 0.0, True),
        (0.3, 0.4, math.nan, 0.1, False),
        (None, None, 9.0, 0.1, None),
    ],
)
def test_verdicts(low: float | None, high: float | None, value: float, error: float, passed: bool | None) -> None:
    assert cards.verdict(target(low, high), Statistic(value, error)) is passed


def test_a_card_as_text_and_markdown() -> None:
    lines = (Line(target(0.2, 0.4), 0.3123, 0.001, True), Line(target(None, None), -2.5, 0.1, None))
    card = Card("null", "Nothing | at all.", 100, 30, 1, lines)
    assert card.passed
    text, markdown = cards.as_text(card), cards.as_markdown(card)
    assert "Measured on 100 participants x 30 nights, seed 1." in text
    assert "A fall  proportion  0.300      0.200 to 0.400  0.312      0.001     pass" in text
    assert (
        "| A fall | proportion | 0.300 | 0.200 to 0.400 | 0.312 | 0.001 | pass | nobody | assumption |  |" in markdown
    )
    assert "| -2.50 | 0.100 | – |" in markdown
    assert not replace(card, lines=(Line(target(0.2, 0.4), 1.0, 0.0, False),)).passed


def test_every_target_is_known_and_has_a_source_or_says_that_it_is_ours() -> None:
    for name in presets.names():
        for wanted in cards.targets(name):
            assert (
                wanted.statistic in cards.PARTS or wanted.statistic.partition(":")[0] in summary_statistics.STATISTICS
            )
            assert wanted.status in ("seen", "derived", "assumption", "by design")
            assert wanted.source or wanted.status in ("assumption", "by design")
            if wanted.low is not None and wanted.high is not None:
                middle = wanted.low if wanted.value is None else wanted.value
                assert wanted.low <= middle <= wanted.high, wanted.label


def test_classes_are_targets_of_their_preset() -> None:
    shares = {t.statistic: t for t in cards.targets("community") if t.statistic.startswith("class_share")}
    assert len(shares) == 30
    (young,) = (s for s in published_classes.published_shares() if s.band == "20-39")
    wanted = shares["class_share:20-39:1"]
    assert wanted.value == young.share[1]
    # 1 - 0.05 / 30 of a normal distribution lies within 3.144 standard errors.
    assert wanted.high == pytest.approx(young.share[1] + 3.1437 * young.std_error[1], rel=1e-4)


@pytest.mark.parametrize("name", ["community", "older-adults", "recruited", "magnesium-trial", "null", "default"])
def test_presets_meet_their_targets(name: str) -> None:
    card = cards.draw_card(name, seed=7, participants=4000)
    assert len(card.lines) == len(cards.targets(name))
    assert [line.target.label for line in card.lines if line.passed is False] == []


def test_equal_arguments_give_an_equal_card() -> None:
    assert cards.draw_card("null", seed=5, participants=300) == cards.draw_card("null", seed=5, participants=300)
    assert cards.draw_card("null", seed=5, participants=300) != cards.draw_card("null", seed=6, participants=300)


def test_the_fall_after_entry_is_taken_apart() -> None:
    card = cards.draw_card("recruited", seed=7, participants=3000)
    found = {line.target.statistic: line for line in card.lines}
    whole = found["fall"].simulated
    assert sum(found[part].simulated for part in cards.PARTS if part != "fall") == pytest.approx(whole)
    assert (found["fall_by_history"].simulated, found["fall_by_history"].error) == (0.0, 0.0)
    for statistic in ("entry_mean", "entry_sd", "fall_by_chance"):
        assert found[statistic].passed, found[statistic]


def test_a_natural_history_is_told_from_chance_and_flare() -> None:
    chosen = presets.preset("recruited")
    steady = replace(chosen.truth.cramps, natural_history_log=math.log(0.7), natural_history_nights=1, slow_sd=0.0)
    chosen = replace(chosen, truth=replace(chosen.truth, cramps=steady))
    parts = cards.fall_parts(chosen, cards.draw_arrays(chosen, 2000, 3), 2000, 3)
    assert parts["fall_by_flare"] == Statistic(0.0, 0.0)
    history = parts["fall_by_history"]
    # What remains after chance falls by 30 %, in all nights after the run-in.
    assert abs(history.value - 0.3 * (1 - parts["fall_by_chance"].value)) < 4 * history.error
