"""Lost samples: with the stated chance, the baseline with its rows of labs, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from crampstudy import codebook
from crampstudy.simulate import Truth
from crampstudy.simulate.corruption.lost_lab_samples import LOST, NOT_BLOOD, Samples, lose

ANALYTES = {name: v for name, v in codebook.analytes().items() if name not in NOT_BLOOD}
FIRST = date(2024, 3, 1)


def tables(participants: int, samples: int = 2) -> dict[str, pl.DataFrame]:
    """Baseline values, and labs of the same sample and of later ones, with an analyte of the cohort's own.

    The baseline sample is of the day of the first night or of the day before.
    """
    names = [f"P{i}" for i in range(participants)]
    rng = np.random.default_rng(1)
    columns = {v.name: rng.uniform(1, 2, participants) for v in codebook.analytes().values()}
    people = pl.DataFrame({"participant_id": names, **columns})
    rows = [
        (name, FIRST + timedelta(days=28 * k - (i % 2 if k == 0 else 1)), analyte, 1.0 + k, "mmol/L")
        for i, name in enumerate(names)
        for k in range(samples)
        for analyte in ("serum_sodium", "serum_calcium", "grip_strength", "own_marker")
    ]
    labs = pl.DataFrame(rows, ["participant_id", "date", "analyte", "value", "unit"], orient="row")
    diary = pl.DataFrame({"participant_id": names, "date": [FIRST] * participants, "cramps": [0] * participants})
    return {"participants": people, "diary": diary, "labs": labs}


def lost(samples: Samples, participants: int = 3000, seed: int = 1) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    after, _, record = lose(tables(participants), samples, np.random.default_rng(seed))
    return after, record


def within_exact_bounds(count: int, n: int, chance: float) -> bool:
    return bool(binom.ppf(5e-7, n, chance) <= count <= binom.isf(5e-7, n, chance))


def test_blood_is_what_the_truth_calls_sampled() -> None:
    assert {v.name for v in ANALYTES.values()} == {m.column for m in Truth().measures if m.sampled == "yes"}


def test_whole_samples_and_single_analytes_by_chance() -> None:
    after, record = lost(Samples(no_sample=0.2, failed_analyte=0.1))
    people = after["participants"]
    empty = people.select(pl.all_horizontal(pl.col(v.name).is_null() for v in ANALYTES.values())).to_series()
    assert within_exact_bounds(int(empty.sum()), 3000, 0.2)
    rest = people.filter(~empty)
    for v in ANALYTES.values():
        assert within_exact_bounds(rest[v.name].null_count(), rest.height, 0.1), v.name
    later = tables(3000)["labs"].filter(pl.col("date") > FIRST)
    kept = after["labs"].filter(pl.col("date") > FIRST)
    # A row of a later sample stays if the sample and the analyte do.
    of_one = kept.filter(pl.col("analyte") == "serum_sodium").height
    assert within_exact_bounds(of_one, later.height // 4, 0.8 * 0.9)
    gone = later.filter(pl.col("analyte") != "grip_strength").join(kept, on=later.columns, how="anti")
    whole = gone.group_by("participant_id").len().filter(pl.col("len") == 3).height
    assert within_exact_bounds(whole, 3000, 0.2 + 0.8 * 0.1**3)
    assert set(record["lost"]) == {"sample", "analyte"}


def test_the_baseline_goes_with_its_rows_of_labs() -> None:
    after, _ = lost(Samples(no_sample=0.3, failed_analyte=0.2))
    people = after["participants"]
    baseline = after["labs"].filter(pl.col("date") <= FIRST)
    for analyte in ("serum_sodium", "serum_calcium"):
        with_value = people.filter(pl.col(ANALYTES[analyte].name).is_not_null())["participant_id"]
        with_row = baseline.filter(pl.col("analyte") == analyte)["participant_id"]
        assert set(with_value) == set(with_row)


def test_what_is_measured_on_the_body_stays() -> None:
    after, record = lost(Samples(no_sample=1, failed_analyte=1), participants=20)
    before = tables(20)
    body = [v.name for name, v in codebook.analytes().items() if name in NOT_BLOOD]
    assert after["participants"].select(body).equals(before["participants"].select(body))
    assert after["labs"].equals(before["labs"].filter(pl.col("analyte") == "grip_strength"))
    assert after["diary"].equals(before["diary"])
    assert record.height == 20 * (len(ANALYTES) + 2 * 3)


@pytest.mark.parametrize("shares", [(0.1, 0.0), (0.0, 0.3), (0.2, 0.2)])
def test_the_record_gives_back_what_was_lost(shares: tuple[float, float]) -> None:
    before = tables(200)
    after, kept, record = lose(before, Samples(*shares), np.random.default_rng(4))
    assert record.schema == LOST
    assert kept is not None
    assert before["labs"][kept].equals(after["labs"])
    labs = record.filter(pl.col("table") == "labs").select("participant_id", "date", "analyte", "value")
    together = pl.concat([after["labs"].drop("unit"), labs])
    assert together.sort(together.columns).equals(before["labs"].drop("unit").sort(together.columns))
    for analyte, v in ANALYTES.items():
        gone = record.filter((pl.col("table") == "participants") & (pl.col("analyte") == analyte))
        filled = after["participants"].select("participant_id", v.name).join(gone, on="participant_id", how="left")
        whole = filled.select(pl.coalesce(v.name, "value")).to_series()
        assert whole.equals(before["participants"][v.name])
        assert filled.filter(pl.col(v.name).is_null()).height == gone.height


def test_nothing_lost_nothing_changed() -> None:
    before = tables(50)
    after, kept, record = lose(before, Samples.none(), np.random.default_rng(4))
    assert all(after[name] is before[name] for name in before)
    assert kept is None
    assert record.is_empty()


def test_each_part_has_chance_of_its_own() -> None:
    few, more = (lost(Samples(no_sample, 0.1), 500)[1] for no_sample in (0.0, 0.3))
    keys = ["participant_id", "table", "date", "analyte"]
    assert few.join(more, on=keys, how="anti", nulls_equal=True).is_empty()
    assert lost(Samples(), 500)[1].equals(lost(Samples(), 500)[1])
    without = {name: table for name, table in tables(500).items() if name != "labs"}
    after = lose(without, Samples(), np.random.default_rng(1))[0]
    assert after["participants"].equals(lost(Samples(), 500)[0]["participants"])


def test_a_cohort_without_any_sample() -> None:
    before = {name: table for name, table in tables(9).items() if name != "labs"}
    before["participants"] = before["participants"].select("participant_id", "grip_strength_kg")
    after, kept, record = lose(before, Samples(1, 1), np.random.default_rng(1))
    assert after["participants"] is before["participants"]
    assert kept is None
    assert record.equals(pl.DataFrame(schema=LOST))
