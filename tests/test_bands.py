"""Age bands: labels, membership and standard weights."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.age_bands import AgeBands, Standard
from crampstudy.errors import BandError
from crampstudy.nights import band_of

LIMITS = st.sets(st.integers(1, 120), min_size=1, max_size=8).map(lambda limits: tuple(sorted(limits)))
FIVES = st.sets(st.integers(1, 17), min_size=1).map(lambda groups: tuple(5 * g for g in sorted(groups)))


def test_default_labels() -> None:
    assert AgeBands().labels == ("<20", "20-39", "40-49", "50-59", "60-69", "70-79", "80+")


@pytest.mark.parametrize(
    ("age", "label"),
    [
        (0, "<20"),
        (19.99, "<20"),
        (20, "20-39"),
        (39.5, "20-39"),
        (40, "40-49"),
        (79, "70-79"),
        (80, "80+"),
        (110, "80+"),
    ],
)
def test_label_by_hand(age: float, label: str) -> None:
    assert AgeBands().label(age) == label


@pytest.mark.parametrize("age", [-0.1, math.nan, math.inf])
def test_impossible_age(age: float) -> None:
    with pytest.raises(BandError, match="at least 0"):
        AgeBands().label(age)


@pytest.mark.parametrize("limits", [(), (0, 20), (40, 20), (20, 20), (121,), (20.5,), (math.nan,), (True, 20)])
def test_impossible_limits(limits: tuple[int, ...]) -> None:
    with pytest.raises(BandError):
        AgeBands(limits)


@pytest.mark.parametrize("text", ["", "20,", "20,,40", "twenty", "40,20", "20;40", "20.5", "-20"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(BandError):
        AgeBands.parse(text)


@given(LIMITS)
def test_parse_reads_what_is_written(limits: tuple[int, ...]) -> None:
    assert AgeBands.parse(", ".join(map(str, limits))).limits == limits


@given(LIMITS, st.floats(0, 130))
def test_every_age_has_exactly_one_band(limits: tuple[int, ...], age: float) -> None:
    bands = AgeBands(limits)
    edges = [0, *limits, math.inf]
    inside = [label for label, low, high in zip(bands.labels, edges[:-1], edges[1:], strict=True) if low <= age < high]
    assert inside == [bands.label(age)]
    assert len(set(bands.labels)) == len(limits) + 1


@given(LIMITS, st.lists(st.none() | st.floats(0, 130), max_size=20))
def test_a_column_is_banded_as_each_age_is(limits: tuple[int, ...], ages: list[float | None]) -> None:
    bands = AgeBands(limits)
    frame = pl.DataFrame({"age": ages}, schema={"age": pl.Float64})
    banded = frame.select(band_of(pl.col("age"), bands)).to_series().to_list()
    assert banded == [None if age is None else bands.label(age) for age in ages]


def test_who_weights_by_hand() -> None:
    """Ahmad et al. 2001, 60-64 to 85+: 3.72, 2.96, 2.21, 1.52, 0.91, 0.63, in sum 11.95."""
    weights = AgeBands((60, 70, 80)).standard_weights("who")
    assert weights == pytest.approx((6.68 / 11.95, 3.73 / 11.95, 1.54 / 11.95), rel=1e-12)


def test_european_weights_by_hand() -> None:
    """Eurostat 2013, 65-69 to 85+: 5500, 5000, 4000, 2500, 2500, in sum 19500."""
    weights = AgeBands((65, 85)).standard_weights("esp2013")
    assert weights == pytest.approx((17000 / 19500, 2500 / 19500), rel=1e-12)


@pytest.mark.parametrize("standard", ["who", "esp2013"])
@given(limits=FIVES)
def test_weights_sum_to_one(standard: Standard, limits: tuple[int, ...]) -> None:
    weights = AgeBands(limits).standard_weights(standard)
    assert len(weights) == len(limits)
    assert min(weights) > 0
    assert sum(weights) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("limits", "named"), [((20, 42), "42"), ((20, 90), "90")])
def test_a_limit_inside_a_group_refuses_standardisation_only(limits: tuple[int, ...], named: str) -> None:
    bands = AgeBands(limits)
    assert bands.label(95) == f"{limits[-1]}+"
    with pytest.raises(BandError, match=f"limit {named} lies inside"):
        bands.standard_weights("who")


def test_unknown_standard() -> None:
    with pytest.raises(BandError, match="allowed: who, esp2013"):
        AgeBands().standard_weights("segi")  # type: ignore[arg-type]


def test_table_equals_the_published_one(shared: Path) -> None:
    published = list(
        csv.reader((shared / "evidence/standard-populations.csv").read_text(encoding="utf-8").splitlines())
    )
    here = Path(__file__).resolve().parents[1] / "src/crampstudy/age_bands/standard_populations.csv"
    table = list(csv.reader(here.read_text(encoding="utf-8").splitlines()))
    assert [[cell and float(cell) for cell in row] for row in table[1:]] == [
        [cell and float(cell) for cell in row] for row in published[1:]
    ]
    assert len(table) == 19
