from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import recover
import recovery_rates
from scipy import stats

from crampstudy.descriptive import rate_intervals
from crampstudy.descriptive.first_look import as_text, first_look
from crampstudy.descriptive.incidence import Rate, incidence_rate, mean_person_rate, standardised_rate
from crampstudy.descriptive.rate_intervals import Coverage, coverage, coverage_note, rate_interval, sum_df
from crampstudy.sources.readers import bare_list

ROOT = Path(__file__).parents[1]
SEVEN = np.array([10, 10, 15, 20, 20, 25, 40]), np.full(7, 70)


def test_an_interval_by_hand() -> None:
    # The example of docs/recovery.md: 140 cramps in 70 weeks; squared deviations from 20 sum to 650.
    rate = incidence_rate(*SEVEN, 0.95)
    s = math.sqrt(7 / 6 * 650) / 140
    assert rate.estimate == pytest.approx(2) and rate.std_error == pytest.approx(s) and rate.df == 6
    assert rate.ci_low == pytest.approx(2 * math.exp(-2.446912 * s), rel=1e-6)
    assert rate.ci_high == pytest.approx(
        2 * math.exp(2.446912 * s) * math.exp(s**2 * (5 * 1.959964**2 + 4) / 6), rel=1e-6
    )
    assert [round(x, 2) for x in (s, rate.ci_low, rate.ci_high)] == [0.2, 1.24, 3.76]
    # Equal numbers of nights: the mean of person rates is the same rate.
    mean = mean_person_rate(*SEVEN, 0.95)
    assert (mean.ci_low, mean.ci_high) == pytest.approx((rate.ci_low, rate.ci_high))


def test_the_upper_limit_is_at_most_half_as_high_again() -> None:
    low, high = rate_interval(2.0, 0.6, 4, 0.95)
    q = stats.t.ppf(0.975, 4)
    assert low == pytest.approx(2 * math.exp(-0.6 * q)) and high == pytest.approx(2 * math.exp(0.6 * q) * 1.5)


def test_a_level_of_nearly_one_has_no_upper_limit() -> None:
    assert rate_interval(2.0, 0.9, 4, 1 - 1e-15) == (0.0, math.inf)


@pytest.mark.parametrize("ci_level", [0.8, 0.9, 0.99])
def test_the_correction_is_that_of_the_level(ci_level: float) -> None:
    z = stats.norm.ppf(0.5 + ci_level / 2)
    low, high = rate_interval(1.0, 0.2, math.inf, ci_level)
    assert math.log(high * low) == pytest.approx(0.2**2 * (5 * z**2 + 4) / 6)


def test_the_correction_vanishes_with_many_participants() -> None:
    beyond = []
    for times in (1, 10, 100, 1000):
        rate = incidence_rate(np.tile(SEVEN[0], times), np.tile(SEVEN[1], times), 0.95)
        # What the ratio of the limits is of that of the symmetric interval.
        beyond.append(rate.ci_high * rate.ci_low / rate.estimate**2 - 1)
    assert beyond[0] > 0.1
    assert beyond[3] < 2e-4 and all(later < earlier / 8 for earlier, later in pairwise(beyond))


def test_degrees_of_freedom_of_a_sum_by_hand() -> None:
    # Welch's: (1 + 2)^2 / (1 / 4 + 4 / 9); a part of very many people adds nothing below.
    assert sum_df([1.0, 2.0], [4, 9]) == pytest.approx(9 / (1 / 4 + 4 / 9))
    assert sum_df([1.0, 2.0], [4, math.inf]) == pytest.approx(9 / (1 / 4))
    assert math.isinf(sum_df([1.0, 2.0], [math.inf, math.inf]))
    assert sum_df([3.0], [4]) == pytest.approx(4)


def test_the_standardised_rate_of_few_people_by_hand() -> None:
    bands = [incidence_rate(*SEVEN, 0.95), incidence_rate(SEVEN[0][1:] * 2, SEVEN[1][1:], 0.95)]
    rate = standardised_rate(bands, [0.75, 0.25], ["20-59", "60+"], 0.95)
    parts = [(0.75 * bands[0].estimate * bands[0].std_error) ** 2, (0.25 * bands[1].estimate * bands[1].std_error) ** 2]
    estimate = 0.75 * bands[0].estimate + 0.25 * bands[1].estimate
    s, df = math.sqrt(sum(parts)) / estimate, sum(parts) ** 2 / (parts[0] ** 2 / 6 + parts[1] ** 2 / 5)
    assert (rate.estimate, rate.std_error, rate.df) == pytest.approx((estimate, s, df))
    assert 5 < df < 11
    assert (rate.ci_low, rate.ci_high) == pytest.approx(rate_interval(estimate, s, df, 0.95))


def test_few_people_in_many_bands_do_not_have_the_quantile_of_many() -> None:
    # 60 participants, ten in each of six bands of which one has nearly all of the variance.
    wild = incidence_rate(np.array([0, 0, 1, 1, 2, 3, 5, 9, 30, 60]), np.full(10, 30), 0.95)
    calm = incidence_rate(np.arange(20, 30), np.full(10, 70), 0.95)
    rate = standardised_rate([wild, *[calm] * 5], [1 / 6] * 6, [f"{age}" for age in range(20, 80, 10)], 0.95)
    assert rate.participants == 60 and 9 <= rate.df < 10


@pytest.mark.parametrize("rate_of", [incidence_rate, mean_person_rate])
def test_zero_cramps_are_a_rate_of_zero(rate_of: Callable[..., Rate]) -> None:
    for people in (1, 4, 5, 12):
        rate = rate_of(np.zeros(people, dtype=int), np.full(people, 10), 0.95)
        assert (rate.estimate, rate.nights, rate.cramps, rate.status) == (0.0, 10 * people, 0, "boundary")
        assert "no cramp" in str(rate.note)
        # The incidence rate beside the mean has an exact limit, so that what has none is named.
        assert ("of the mean of person rates" in str(rate.note)) == (rate_of is not incidence_rate)
        limits = rate_of is incidence_rate and people >= 5
        assert math.isnan(rate.ci_high) is not limits


def test_a_standardised_rate_of_no_cramp_is_zero() -> None:
    none = incidence_rate(np.zeros(6, dtype=int), np.full(6, 10), 0.95)
    rate = standardised_rate([none, none], [0.5, 0.5], ["20-59", "60+"], 0.95)
    assert (rate.estimate, rate.status, rate.note) == (0.0, "boundary", "no cramp, so no interval")
    assert math.isnan(rate.ci_low) and math.isnan(rate.ci_high)


LOGNORMAL = "log-normal person rates of SD 1.2"


@pytest.mark.parametrize("size", [5, 7, 9, 14, 20, 40])
@pytest.mark.parametrize("law", [LOGNORMAL, "half at 5 times the rate of the others"])
def test_small_groups_are_covered(law: str, size: int) -> None:
    number = 400
    found = recovery_rates.cell(law, size, number, seed=1)
    assert found.cohorts > number * 0.95 and found.ratio <= 1.5
    # One such test in a thousand would fail by chance at 92.5 %.
    assert found.covered >= stats.binom.ppf(0.001, found.cohorts, 0.925)
    assert found.covered > found.covered_by_log_t


def test_log_t_alone_would_not_do() -> None:
    cells = [recovery_rates.cell(LOGNORMAL, size, 400, seed=1) for size in (7, 9, 14)]
    cohorts = sum(c.cohorts for c in cells)
    assert sum(c.covered_by_log_t for c in cells) < stats.binom.ppf(0.001, cohorts, 0.925)
    assert sum(c.covered for c in cells) >= stats.binom.ppf(0.001, cohorts, 0.925)


def test_groups_of_a_preset_are_people_of_one_band(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery_rates, "PEOPLE", 300)
    recovery_rates.pool.cache_clear()
    bands = recovery_rates.bands_of(recovery_rates.pool("recruited", 3))
    assert [label for label, *_ in bands] == ["40-49", "50-59", "60-69", "70-79", "80+"]
    found = recovery_rates.cell("recruited", 9, 100, seed=3)
    adjusted = recovery_rates.standardised("recruited", 7, 100, seed=3)
    recovery_rates.pool.cache_clear()
    assert found.covered >= stats.binom.ppf(0.001, found.cohorts, 0.925)
    assert adjusted.covered >= stats.binom.ppf(0.001, adjusted.cohorts, 0.925)


def test_what_is_shipped_is_what_the_page_shows() -> None:
    page = (ROOT / "docs/recovery.md").read_text(encoding="utf-8")
    begin, end = recovery_rates.MARKS
    shown = page.split(begin)[1].split(end)[0]
    laws = dict.fromkeys(c.law for c in coverage())
    assert list(laws) == [*recovery_rates.presets.names(), *recovery_rates.LAWS]
    for law in laws:
        own = [c for c in coverage() if c.law == law]
        assert tuple(c.participants for c in own) == recovery_rates.SIZES
        covered = ((100 * c.covered / c.cohorts, 100 * c.covered_by_log_t / c.cohorts, c.ratio) for c in own)
        texts = (f"{ours:.1f} ({log_t:.1f}); {ratio:.2f}" for ours, log_t, ratio in covered)
        assert f"| {law} | {' | '.join(texts)} |" in shown
        assert all(c.ratio <= 1.5 for c in own)
    assert all(c.cohorts > 2000 for c in coverage() if c.participants > 5)
    wanted = [c for c in coverage() if c.law in {"default", "magnesium-trial", "null", "recruited", LOGNORMAL}]
    assert min(c.share for c in wanted) >= rate_intervals.GOAL


def test_the_tables_and_what_is_shipped_are_renewed_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, shipped = tmp_path / "page.md", tmp_path / "coverage.csv"
    begin, end = recovery_rates.MARKS
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")
    for name, value in {"SIZES": (5, 9), "PER_BAND": (3,), "PEOPLE": 150, "SHIPPED": shipped}.items():
        monkeypatch.setattr(recovery_rates, name, value)
    monkeypatch.setattr(recovery_rates, "LAWS", {LOGNORMAL: recovery_rates.LAWS[LOGNORMAL]})
    monkeypatch.setattr(recovery_rates.presets, "names", lambda: ("recruited",))
    recovery_rates.pool.cache_clear()
    command = ["recover.py", "--rates", "--cohorts", "40", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", [*command, "--write", str(page)])
    assert recover.main() == 0
    made = page.read_text(encoding="utf-8")
    assert made.startswith(f"before\n{begin}\nOf 40 groups") and made.endswith(f"{end}\nafter\n")
    assert "| law | 5 people | 9 |" in made and "| preset | 3 people in each band |" in made
    rows = shipped.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "law,participants,cohorts,covered,covered_by_log_t,ratio"
    assert [row.split(",")[:2] for row in rows[1:]] == [[law, n] for law in ("recruited", LOGNORMAL) for n in "59"]
    monkeypatch.setattr(sys, "argv", command)
    assert recover.main() == 0 and capsys.readouterr().out.strip() in made
    recovery_rates.pool.cache_clear()


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ([], True),
        (["--workers", "1", "--write", "page.md"], True),
        (["--scenarios", "few*"], False),
        (["--models", "poisson"], False),
        (["--minutes", "0"], False),
        (["--cohorts", "50"], False),
    ],
)
def test_a_whole_run_renews_them_too(monkeypatch: pytest.MonkeyPatch, options: list[str], whole: bool) -> None:
    monkeypatch.setattr(sys, "argv", ["recover.py", *options])
    assert recover._arguments().whole is whole


def cells(*shares: tuple[str, int, int]) -> tuple[Coverage, ...]:
    return tuple(Coverage(law, people, 1000, covered, covered, 1.2) for law, people, covered in shares)


def test_the_note_says_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cells(("even", 5, 950), ("even", 40, 940), ("even", 100, 951), ("far", 5, 800), ("far", 40, 920))
    monkeypatch.setattr(rate_intervals, "coverage", lambda: (*found, *cells(("far", 100, 940))))
    coverage_note.cache_clear()
    said = coverage_note(7)
    assert said == (
        "in simulated groups of 5 to 40 participants 95% intervals of rates cover the truth in 94 to 95%, "
        "but only in 80 to 92% where a minority has most of the cramps (docs/recovery.md: far)"
    )
    # Between sizes that were tried the smaller one speaks.
    assert coverage_note(99) == said and coverage_note(100) is None
    good = tuple(replace(c, covered=950) for c in found)
    monkeypatch.setattr(rate_intervals, "coverage", lambda: good)
    coverage_note.cache_clear()
    assert coverage_note(7) is None
    coverage_note.cache_clear()


def test_a_first_look_says_it_beside_its_intervals(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    rows = (f"{who},2025-03-{day:02},{who % day}\n" for who in range(1, 8) for day in range(1, 9))
    path.write_text("id,date,cramps\n" + "".join(rows), encoding="utf-8")
    lines = as_text(first_look(bare_list.read(path))).splitlines()
    assert f"  {coverage_note(7)}" in lines
    few = path.read_text(encoding="utf-8").splitlines()[: 1 + 4 * 8]
    path.write_text("\n".join(few), encoding="utf-8")
    text = as_text(first_look(bare_list.read(path)))
    assert "fewer than 5 participants, so no interval" in text and "cover the truth" not in text


def test_the_package_s_own_note_is_one_part_of_a_note() -> None:
    said = coverage_note(20)
    assert said and ";" not in said and "_" not in said
    assert re.search(r"community, .*older-adults", said) and coverage_note(100_000) is None
