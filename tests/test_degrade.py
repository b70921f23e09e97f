"""Degrading: what was asked for is broken, on record, the same for the same seed, and nothing else changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import codebook
from crampstudy.cleaning import Raw, RawTable, clean
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate import Degraded, Mess, Truth, degrade, simulate
from crampstudy.simulate.corruption.degrade import CorruptionRecord, degrade_tables
from crampstudy.simulate.corruption.error_injection import INJECTED, KINDS, Mistakes, as_text
from crampstudy.simulate.corruption.gaps import Gaps
from crampstudy.simulate.corruption.lost_lab_samples import Samples

KEY = ["participant_id", "date"]
SERUM = ("serum_sodium", "serum_potassium", "serum_calcium", "serum_albumin")


def complete(participants: int, nights: int, seed: int = 1) -> Cohort:
    """A cohort of all five tables in which every night is logged, with cramps at the same clock times each night."""
    truth = Truth()
    truth = replace(
        truth,
        people=replace(truth.people, start_spread_nights=28),
        cramps=replace(truth.cramps, rate_per_week=2.0),
    )
    drawn = simulate(participants, nights, seed, truth, Mess.none())
    people, diary = drawn.frame("participants"), drawn.frame("diary")
    episodes = diary.filter(pl.col("cramps") > 0).select(*KEY, episode=pl.int_ranges(1, pl.col("cramps") + 1))
    episodes = episodes.explode("episode").with_columns(
        onset=pl.col("date").cast(pl.Datetime("us")) + pl.duration(hours=22 + pl.col("episode") % 6, minutes=7)
    )
    first = diary.group_by("participant_id", maintain_order=True).agg(pl.col("date").min())
    labs = [
        first.join(people.select("participant_id", value=v.name), on="participant_id", maintain_order="left")
        .drop_nulls("value")
        .select(*KEY, "value", analyte=pl.lit(name), unit=pl.lit(v.unit))
        for name, v in codebook.analytes().items()
        if name in SERUM
    ]
    later = [table.with_columns(pl.col("date") + timedelta(days=28)) for table in labs]
    treatments = first.select(
        "participant_id", start="date", agent=pl.lit("magnesium"), stop=pl.col("date") + timedelta(days=28)
    )
    tables = {
        "participants": people,
        "diary": diary,
        "episodes": episodes,
        "labs": pl.concat([*labs, *later]),
        "treatments": treatments,
    }
    return Cohort("complete", "diary", tables, synthetic=True)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return complete(60, 40)


def messy(
    cohort: Cohort,
    *kinds: str,
    each: int = 5,
    row_share: float = 0.0,
    seed: int = 1,
    gaps: Gaps | None = None,
    samples: Samples | None = None,
) -> Degraded:
    mistakes = Mistakes(0 if row_share else each, row_share, *([kinds] if kinds else []))
    mess = Mess(gaps or Gaps.none(), samples or Samples.none(), mistakes)
    return degrade(cohort, mess, np.random.default_rng(seed))


def test_at_least_twenty_kinds() -> None:
    assert len(KINDS) >= 20
    assert {kind.table for kind in KINDS.values()} == {"participants", "diary", "episodes", "labs", "treatments"}
    assert all(kind.about for kind in KINDS.values())


def test_no_mess_no_change(cohort: Cohort) -> None:
    degraded = degrade(cohort, Mess.none(), np.random.default_rng(1))
    assert degraded.cohort is cohort
    assert degraded.tables == {}
    assert degraded.planted.is_empty()
    assert degraded.broken.filled.is_empty()
    assert degraded.broken.labs.is_empty()
    nights = cohort.frame("diary")["date"]
    assert degraded.window == (nights.min(), nights.max())


def test_every_kind_of_mistake(cohort: Cohort) -> None:
    degraded = messy(cohort)
    counts = dict(degraded.planted.group_by("kind").len().rows())
    assert counts == dict.fromkeys(KINDS, 5)
    assert degraded.planted.schema == INJECTED
    assert degraded.cohort is cohort


def test_the_record_is_what_was_done(cohort: Cohort) -> None:
    degraded = messy(cohort, each=20)
    assert degraded.planted.select("table", "row").is_duplicated().sum() == 0
    for name, table in cohort.tables.items():
        before, after = as_text(table), degraded.tables[name]
        kept = after.head(before.height)
        differs = pl.any_horizontal(pl.lit(kept[c]).ne_missing(pl.lit(before[c])) for c in before.columns)
        touched = set(before.select(differs.arg_true()).to_series())
        planted = degraded.planted.filter((pl.col("table") == name) & (pl.col("row") < before.height))
        in_place = planted.filter(~pl.col("kind").is_in(["duplicate-exact", "duplicate-conflict", "episode-too-many"]))
        assert touched == set(in_place["row"])
        for row in in_place.filter(pl.col("column") != "").to_dicts():
            now, was = after.row(row["row"], named=True), before.row(row["row"], named=True)
            assert row["broken"] in [cell or "" for cell in now.values()]
            assert row["original"] in was.values()
            assert sum(now[c] != was[c] for c in now) == 1


def test_duplicates_come_last(cohort: Cohort) -> None:
    degraded = messy(cohort, "duplicate-exact", "duplicate-conflict", each=3)
    n = cohort.frame("diary").height
    diary = degraded.tables["diary"]
    assert diary.height == n + 6
    exact, conflict = (degraded.planted.filter(pl.col("kind") == k) for k in ("duplicate-exact", "duplicate-conflict"))
    assert exact["row"].to_list() == [n, n + 1, n + 2]
    assert conflict["also"].to_list() == [n + 3, n + 4, n + 5]
    for row, also in conflict.select("row", "also").rows():
        assert diary[row].select(KEY).equals(diary[also].select(KEY))
        assert diary[row, "cramps"] != diary[also, "cramps"]
    assert diary[n : n + 3].join(diary[:n], on=diary.columns, how="anti", nulls_equal=True).is_empty()


def test_a_share_of_the_rows(cohort: Cohort) -> None:
    degraded = messy(cohort, row_share=0.1)
    for name, table in cohort.tables.items():
        assert degraded.planted.filter(pl.col("table") == name).height == round(0.1 * table.height), name
    counts = degraded.planted.filter(pl.col("table") == "diary").group_by("kind").len()["len"]
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.by_person])
def test_a_persons_own_way(cohort: Cohort, kind: str) -> None:
    degraded = messy(cohort, kind, each=40)
    table = KINDS[kind].table
    planted = degraded.planted
    assert planted.height == 40
    before, after = as_text(cohort.frame(table)), degraded.tables[table]
    by_person = planted.with_columns(person=before["participant_id"].gather(planted["row"]))
    people = by_person["person"].unique(maintain_order=True)
    # All rows of a person that the mistake fits, but for the last person.
    alone = messy(cohort, kind, each=10**6).planted
    whole = alone.with_columns(person=before["participant_id"].gather(alone["row"]))
    finished = pl.col("person").is_in(people[:-1].implode())
    assert by_person.filter(finished).equals(whole.filter(finished))
    assert alone.head(40).equals(planted)
    for person in people:
        cells = by_person.filter(pl.col("person") == person)
        assert cells.select(pl.col("broken").str.replace_all(r"\d", "9").str.len_chars().max() <= 19).item()
        if kind == "person-date-format":
            shape = cells["broken"].str.replace_all(r"[A-Z][a-z]{2}", "A").str.replace_all(r"\d+", "9")
            assert shape.n_unique() == 1
    assert after.select((pl.col("participant_id") == before["participant_id"]).all()).item()


def test_the_clocks(cohort: Cohort) -> None:
    def told(kind: str) -> dict[str, str]:
        return {row["original"][11:]: row["broken"] for row in messy(cohort, kind, each=10**6).planted.to_dicts()}

    half, with_half, evening = told("person-12-hours"), told("person-am-pm"), told("person-evening-date")
    # Some nights have six cramps and more, and so one at 22:07; times from one to noon are the same by both clocks.
    clocks = {"22:07": "10:07", "23:07": "11:07", "00:07": "12:07"}
    assert {"23:07", "00:07"} <= half.keys() <= clocks.keys()
    assert all(cell[11:] == clocks[time] for time, cell in half.items())
    assert with_half["00:07"][11:] == "12:07 AM"
    assert with_half["01:07"][11:] == "1:07 AM"
    assert with_half["23:07"][11:] == "11:07 PM"
    assert {"00:07", "01:07"} <= evening.keys() <= {"00:07", "01:07", "02:07", "03:07"}
    onsets = messy(cohort, "person-evening-date", each=10**6)
    episodes = as_text(cohort.frame("episodes"))
    for row in onsets.planted.to_dicts():
        assert row["broken"][:10] == episodes[row["row"], "date"]


def test_seeds(cohort: Cohort) -> None:
    gaps, samples = Gaps(paper_share=0.3), Samples()
    once, twice, other = (messy(cohort, seed=seed, gaps=gaps, samples=samples) for seed in (1, 1, 2))
    assert once.planted.equals(twice.planted)
    assert all(once.tables[name].equals(twice.tables[name]) for name in once.tables)
    assert once.cohort.digest == twice.cohort.digest != other.cohort.digest
    assert once.broken.record() == twice.broken.record()
    assert not once.planted.equals(other.planted)


def test_a_kind_has_chance_of_its_own(cohort: Cohort) -> None:
    alone, among = messy(cohort, "litres"), messy(cohort, "litres", "onset", "two-digit-year")
    assert among.planted.filter(pl.col("kind") == "litres").equals(alone.planted)


def test_a_mistake_differs_from_row_to_row_and_a_way_from_person_to_person(cohort: Cohort) -> None:
    for kind in ("date-format", "person-date-format"):
        broken = messy(cohort, kind, each=1000).planted["broken"]
        shapes = broken.str.replace_all(r"[A-Z][a-z]{2}", "A").str.replace_all(r"\d+", "9").unique()
        assert set(shapes) == {"9.9.9", "9/9/9", "9 A 9"}, kind
    assert messy(cohort, "letter-in-number", each=100).planted["column"].n_unique() > 5


def on_nights(degraded: Degraded) -> pl.DataFrame:
    """The mistakes in cells of the diary by the night that they are made in."""
    keys = as_text(degraded.cohort.frame("diary")).select(KEY)
    planted = degraded.planted.filter((pl.col("table") == "diary") & (pl.col("row") < keys.height))
    return pl.concat([keys[planted["row"]], planted.drop("row", "also")], how="horizontal")


def test_other_gaps_leave_the_mistakes_of_the_nights_that_stay(cohort: Cohort) -> None:
    # So few that each kind has rows enough of its own.
    whole = messy(cohort, each=3)
    gappy = messy(cohort, each=3, gaps=Gaps(adherence_mean=0.6), samples=Samples(no_sample=0.5))
    assert set(gappy.planted.group_by("kind").len()["len"]) == {3}
    entered = as_text(gappy.cohort.frame("diary").filter("entry_made")).select(KEY)
    still = on_nights(whole).join(entered, on=KEY, how="semi")
    assert 20 < still.height < on_nights(whole).height
    assert still.join(on_nights(gappy), on=still.columns, how="anti", nulls_equal=True).is_empty()
    for table in ("participants", "treatments"):
        of_table = pl.col("table") == table
        kinds = [k for k in KINDS if KINDS[k].table == table and k != "serum-mg-dl"]
        same = of_table & pl.col("kind").is_in(kinds)
        assert gappy.planted.filter(same).equals(whole.planted.filter(same))


def test_mistakes_and_lost_samples_leave_the_gaps_alone(cohort: Cohort) -> None:
    plain = messy(cohort, each=0, gaps=Gaps())
    other = messy(cohort, gaps=Gaps(), samples=Samples(0.5, 0.5))
    assert plain.cohort.frame("diary").equals(other.cohort.frame("diary"))
    fewer = messy(cohort, gaps=Gaps(0.5), samples=Samples(0.5, 0.5))
    assert fewer.cohort.frame("labs").equals(other.cohort.frame("labs"))
    assert fewer.cohort.frame("participants").equals(other.cohort.frame("participants"))


def test_the_typed_cohort_is_the_diary_without_its_mistakes(cohort: Cohort) -> None:
    gaps = Gaps(paper_share=0.3)
    with_mistakes = messy(cohort, gaps=gaps)
    assert messy(cohort, each=0, gaps=gaps).cohort.digest == with_mistakes.cohort.digest
    assert with_mistakes.cohort.name == cohort.name
    assert with_mistakes.cohort.synthetic
    assert with_mistakes.window[0] == cohort.frame("diary")["date"].min()
    clean_rows = pl.col("row").is_in(with_mistakes.planted.filter(pl.col("table") == "diary")["row"].implode()).not_()
    text = as_text(with_mistakes.cohort.frame("diary")).with_row_index("row").filter(clean_rows)
    spoiled = with_mistakes.tables["diary"].head(with_mistakes.cohort.frame("diary").height)
    assert text.equals(spoiled.with_row_index("row").filter(clean_rows))


@given(
    adherence=st.floats(0.01, 1),
    paper=st.floats(0, 1),
    cramp=st.floats(-5, 5),
    no_sample=st.floats(0, 1),
    each=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=25)
def test_rows_are_nights_and_duplicates(
    adherence: float, paper: float, cramp: float, no_sample: float, each: int, seed: int
) -> None:
    whole = complete(8, 15)
    gaps = Gaps(adherence_mean=adherence, paper_share=paper, cramp_log_odds=cramp, dropout_per_night=0.02)
    mess = Mess(gaps, Samples(no_sample=no_sample), Mistakes(each))
    degraded = degrade(whole, mess, np.random.default_rng(seed))
    assert degraded.cohort.frame("diary").join(whole.frame("diary"), on=KEY, how="anti").is_empty()
    for name, table in whole.tables.items():
        typed = degraded.cohort.frame(name)
        assert typed.schema == table.schema
        if name in ("episodes", "labs", "treatments"):
            key = list(codebook.TABLES[name].key)
            assert typed.equals(table.join(typed.select(key), on=key, how="semi", maintain_order="left"))
    if each:
        for name, table in degraded.tables.items():
            # Mistakes in cells add no row.
            more = degraded.planted.filter(pl.col("kind").is_in(["duplicate-exact", "duplicate-conflict"])).height
            extra = {"diary": more, "episodes": degraded.planted["kind"].eq("episode-too-many").sum()}.get(name, 0)
            assert table.height == degraded.cohort.frame(name).height + extra
    people = degraded.cohort.frame("participants")
    same = [c for c in people.columns if c not in {v.name for v in codebook.analytes().values()}]
    assert people.select(same).equals(whole.frame("participants").select(same))


def test_blocks_are_joined_to_one_record(cohort: Cohort) -> None:
    mess = Mess(Gaps(paper_share=0.4), Samples(0.3, 0.1))
    names = cohort.frame("participants")["participant_id"]
    blocks = []
    for half, rng in zip((names[:30], names[30:]), np.random.default_rng(5).spawn(2), strict=True):
        block = {name: t.filter(pl.col("participant_id").is_in(half.implode())) for name, t in cohort.tables.items()}
        tables, kept, broken = degrade_tables(block, mess, rng)
        assert block["labs"][kept["labs"]].equals(tables["labs"])
        assert set(tables["diary"]["participant_id"]) == set(half)
        blocks.append(broken)
    joined = CorruptionRecord.joined(blocks)
    assert joined.participants["participant_id"].equals(names)
    both = [block.summary() for block in blocks]
    for name, total in joined.summary().items():
        if name not in ("mean_adherence", "log_odds_of_logging_a_cramp_night"):
            assert total == both[0][name] + both[1][name], name


def test_the_record_is_json_and_adds_up(cohort: Cohort) -> None:
    gaps = Gaps(paper_share=0.4, cramp_log_odds=-0.7, dropout_per_night=0.01)
    degraded = messy(cohort, gaps=gaps, samples=Samples(0.3, 0.1))
    record = json.loads(json.dumps(degraded.broken.record()))
    assert Mess.from_mapping(record["parameters"]) == degraded.broken.mess
    totals, diary = record["totals"], degraded.cohort.frame("diary")
    assert totals["log_odds_of_logging_a_cramp_night"] == -0.7
    assert totals["nights"] == cohort.frame("diary").height
    assert totals["logged"] + totals["back_filled"] == diary["entry_made"].sum()
    assert totals["entry_not_made"] == diary.height - diary["entry_made"].sum()
    assert totals["without_row"] + totals["after_dropout"] == totals["nights"] - diary.height
    assert totals["cramps_reported"] == diary["cramps"].sum()
    assert totals["cramps"] == cohort.frame("diary")["cramps"].sum()
    assert totals["lab_rows_lost"] == cohort.frame("labs").height - degraded.cohort.frame("labs").height
    people, before = degraded.cohort.frame("participants"), cohort.frame("participants")
    blanked = people.null_count().sum_horizontal().item() - before.null_count().sum_horizontal().item()
    assert totals["baseline_values_lost"] == blanked > 0
    ends = dict(zip(record["participants"]["participant_id"], record["participants"]["dropout_night"], strict=True))
    assert totals["dropped_out"] == sum(end is not None for end in ends.values()) > 0
    starts = cohort.frame("diary").group_by("participant_id").agg(first=pl.col("date").min())
    last = diary.group_by("participant_id").agg(last=pl.col("date").max()).join(starts, on="participant_id")
    for name, last_night, first_night in last.iter_rows():
        if ends[name] is not None:
            assert (last_night - first_night).days < ends[name]
    filled = record["back_filled"]
    assert sum(filled["reported"]) == totals["back_filled_cramps_reported"]
    assert len(filled["date"]) == totals["back_filled"] > 0


def test_cleaning_accepts_what_has_gaps_but_no_mistakes(cohort: Cohort) -> None:
    typed = messy(cohort, each=0, gaps=Gaps(paper_share=0.4), samples=Samples()).cohort
    raw = [RawTable(n, n, t, pl.int_range(t.height, eager=True)) for n, t in typed.tables.items()]
    cleaned = clean(Raw("typed", "diary", tuple(raw)))
    assert cleaned.ledger.filter(pl.col("severity") != "warn").is_empty()
    assert cleaned.cohort.digest == typed.digest


def test_a_mess_goes_through_yaml() -> None:
    mess = Mess(Gaps(0.8, paper_share=0.25, decay_after_nights=7), Samples(0.1), Mistakes(3, 0.0, ("litres", "onset")))
    assert Mess.from_mapping(yaml.safe_load(yaml.safe_dump(mess.as_mapping()))) == mess
    assert Mess.from_mapping({}) == Mess()
    assert Mess.from_mapping({"base": "none"}) == Mess.none()
    assert Mess.from_mapping({"base": "none", "no_sample": 0.5}) == Mess(Gaps.none(), Samples(0.5, 0))
    assert Mess.from_mapping({"adherence_mean": 1}).gaps == Gaps(adherence_mean=1)
    described = Mess().described()
    assert set(described) == set(mess.as_mapping())
    assert all(item["unit"] and item["basis"] for item in described.values())
    json.dumps(described, allow_nan=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"adherance_mean": 0.5}, r"mess\.adherance_mean is no parameter; did you mean adherence_mean\? allowed: "),
        ({3: 0.5}, r"mess\.3 is no parameter; allowed: base, adherence_mean"),
        ({"adherence_mean": 1.5}, r"mess\.adherence_mean is 1\.5; .* of at least 0\.01 and at most 1"),
        ({"adherence_mean": "high"}, r"mess\.adherence_mean is 'high'; allowed: a number"),
        ({"adherence_mean": True}, r"mess\.adherence_mean is True"),
        ({"cramp_log_odds": float("nan")}, r"mess\.cramp_log_odds is nan"),
        ({"decay_after_nights": 2.5}, r"mess\.decay_after_nights is 2\.5; allowed: a whole number"),
        ({"no_sample": -0.1}, r"mess\.no_sample is -0\.1; .* at least 0"),
        ({"each": -1}, r"mess\.each is -1; .* at least 0"),
        ({"each": 3, "row_share": 0.1}, r"mess\.each and mess\.row_share are both above 0; give one"),
        ({"kinds": ["spelling"]}, r"mess\.kinds: no kind of mistake 'spelling'; allowed: letter-in-number"),
        ({"kinds": "onset"}, r"mess\.kinds is 'onset'; allowed: a list of names"),
        ({"base": "community"}, r"mess\.base is 'community'; allowed: 'default', 'none'"),
    ],
)
def test_impossible_messes_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Mess.from_mapping(given)


def test_a_survey_is_refused(cohort: Cohort) -> None:
    object.__setattr__(survey := complete(3, 3), "kind", "survey")
    with pytest.raises(ParameterError, match="is a survey: only a diary can be degraded"):
        degrade(survey, Mess(), np.random.default_rng(1))
