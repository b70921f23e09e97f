"""How often and how unevenly cramps come: numbers worked out by hand, laws that hold exactly, and small cohorts."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_sections
from test_age_curve import survey

from crampstudy import analyses, figures, tables
from crampstudy.analyses import SectionResults, Settings
from crampstudy.analyses.sentences import summary
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency import measures
from crampstudy.descriptive.frequency.asked import EVER, ever, never_yet_told, recalled_frequency
from crampstudy.descriptive.frequency.chosen import EVERYBODY, RUN_IN, RunInCriterion, criterion
from crampstudy.descriptive.frequency.diary import frequency, person_sums, sums_of
from crampstudy.estimates import facts, kinds
from crampstudy.estimates.kinds.frequency import HALF
from crampstudy.estimates.rows import ALONE
from crampstudy.nights import person_nights
from crampstudy.simulate import Truth, simulate
from crampstudy.simulate.estimands import frequency as answers
from crampstudy.simulate.estimands.potential_outcomes import Population

TYPES = {"age_years": pl.Float64}
START = date(2024, 1, 1)
EVERY = {measure.level: measure for measure in (*measures.OFTEN, *measures.NIGHTLY)}


def diary(*people: str, ages: list[float | None] | None = None, **columns: list[object]) -> Cohort:
    """Make a diary, a text a person: a digit is a night's count, a dot a night without an entry."""
    nights = [
        (f"p{i}", START + timedelta(days=k), int(mark))
        for i, text in enumerate(people)
        for k, mark in enumerate(text)
        if mark != "."
    ]
    table = pl.DataFrame(nights, {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}, orient="row")
    who: dict[str, object] = {"participant_id": [f"p{i}" for i in range(len(people))]}
    who |= {"age_years": ages or [None] * len(people), "sex": ["male"] * len(people), **columns}
    return Cohort(
        "made", "diary", {"participants": pl.DataFrame(who, schema_overrides=TYPES), "diary": table}, synthetic=True
    )


def rows_of(cohort: Cohort, population: str = "all") -> pd.DataFrame:
    rows = frequency(cohort)
    return rows[rows["population"] == population].set_index("level")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(120, 50, seed=5)


def test_numbers_that_are_worked_out_by_hand() -> None:
    # 28 nights each: 4 cramps are one a week to the point, 12 are 3 a week, 24 nights of 28 are 6 of 7.
    weekly, often, nightly = "1000000" * 4, "2001000" * 4, "1111110" * 4
    rows = rows_of(diary(weekly, often, nightly, "0" * 28, "0" * 28))
    shares = {"at least one a week": 0.6, "more than 3 a month": 0.6, "at least 3 a week": 0.4, "near-nightly": 0.2}
    for level, share in shares.items():
        assert rows.loc[level, "estimate"] == pytest.approx(share, abs=1e-15) and rows.loc[level, "n_participants"] == 5
    assert rows.loc["nights with a cramp", "estimate"] == pytest.approx((4 + 8 + 24) / 140, abs=1e-15)
    assert rows.loc["cramps a cramp night", "estimate"] == pytest.approx((4 + 12 + 24) / 36, abs=1e-15)
    mean, square = 40 / 140, (4 + 4 * 5 + 24) / 140
    assert rows.loc["dispersion", "estimate"] == pytest.approx((square - mean**2) / mean, abs=1e-14)
    # 40 cramps: one person's 24 are 60 %, so that half of all are 20 of them: 5/6 of one of five.
    assert rows.loc[HALF, "estimate"] == pytest.approx(5 / 6 / 5, abs=1e-14)
    # One night fewer is below one a week; more than 3 a month are 2.8 in 28 nights and no exact limit.
    less = rows_of(diary("1000000" * 3 + "0000000", "1000000" * 3 + "000000", "0" * 28, "0" * 28, "0" * 28))
    assert less.loc["at least one a week", "estimate"] == 0 and less.loc["at least one a week", "n_participants"] == 4
    assert less.loc["more than 3 a month", "estimate"] == 0.25
    assert less.loc["at least one a week", "note"].startswith(
        "fewer than 5 participants, so no interval; 1 participant with fewer than 28"
    )
    # Where there is no interval none is called exact: of nobody's nights, and of shares of people.
    few = rows_of(diary(*["0" * 28] * 3))
    assert not few["note"].str.contains("exact", na=False).any()
    assert few["ci_low"].isna().all() and few.loc["nights with a cramp", "estimate"] == 0


def test_whom_a_row_leaves_out_is_said_of_one_without_an_estimate_and_is_no_reason() -> None:
    made = rows_of(diary("1000000" * 4, "1000000", "0000000"))
    alone = made.loc["at least one a week"]
    assert alone["status"] == "not_estimable"
    assert alone["note"] == f"{ALONE}; 2 participants with fewer than 28 logged nights left out"
    own = made[made.index == "at least one a week"].reset_index()
    assert tables.reasons(own) == ALONE
    assert tables.notes(own) == (
        f"2 participants with fewer than 28 logged nights left out. Could not estimate: {ALONE}."
    )
    # A fact says so, and not how the text reads.
    assert facts.fact(alone, "leaves out") == "2 participants with fewer than 28 logged nights left out"
    assert tables.reasons(own.assign(facts=None)) == alone["note"]
    # Of nobody there is nothing to say but the reason.
    nobody = rows_of(diary("1000000", "0000000")).loc["at least one a week"]
    assert nobody["note"] == "no participant with 28 logged nights" and not facts.fact(nobody, "leaves out")


def test_serial_dependence_by_hand() -> None:
    """Pairs of two cramp nights in succession, beyond those of nights more than a week apart."""
    one, two = "0110000000000", "1.1000000010"
    rows = rows_of(diary(one, two, "0000000000"))
    # one: 12 pairs, 1 of both; no two cramps are more than a week apart.
    # two: 9 pairs, none of both; of 7 pairs more than a week apart 2 have two cramps.
    top, bottom = 1 - 9 * 2 / 7, 12 * 2 / 13 + 9 * (3 / 11 - 2 / 7)
    assert rows.loc["serial dependence", "estimate"] == pytest.approx(top / bottom, abs=1e-14)
    assert "rests on fewer than 5 participants, so no interval" in rows.loc["serial dependence", "note"]
    # So few nights may give a number that is no correlation.
    wild = rows_of(diary("1100000001", "1.10000011", "0000000000")).loc["serial dependence"]
    assert wild["status"] == "not_estimable" and wild["note"].startswith("too few nights with a cramp")


def test_serial_dependence_is_nil_where_nights_fall_at_random() -> None:
    """Over all orders of one diary the pairs beyond chance sum to nothing, however short it is."""
    orders = [["1" if k in chosen else "0" for k in range(10)] for chosen in combinations(range(10), 3)]
    sums = person_sums(sums_of(frame_of(diary(*map("".join, orders)))))
    assert len(orders) == 120 and set(sums.apart) == {3} and set(sums.pairs) == {9}
    assert measures.serial_dependence(sums).value == pytest.approx(0, abs=1e-14)
    # Deviations from the mean of each diary are correlated by less than nothing.
    y = np.array(orders, dtype=float) - 3 / 10
    assert (y[:, 1:] * y[:, :-1]).mean() < -0.02


def test_nights_apart_are_those_of_the_calendar() -> None:
    rng = np.random.default_rng(6)
    text = "".join(rng.choice(list("0012."), 40))
    sums = person_sums(sums_of(frame_of(diary(text))))
    marks = [(k, mark != "0") for k, mark in enumerate(text) if mark != "."]
    pairs = [(j - i, a and b) for (i, a), (j, b) in combinations(marks, 2)]
    assert sums.apart[0] == sum(days > 7 for days, _ in pairs)
    assert sums.apart_both[0] == sum(days > 7 and both for days, both in pairs)
    assert sums.pairs[0] == sum(days == 1 for days, _ in pairs)
    assert sums.both[0] == sum(days == 1 and both for days, both in pairs)


def test_influences_agree_with_leaving_one_participant_out(cohort: Cohort) -> None:
    """The linearised error of every number is that of the jackknife, to what is left of order 1/n."""
    sums = person_sums(sums_of(frame_of(cohort)))
    for measure in EVERY.values():
        own = measure.among(sums)
        found, n = measure.of(own), len(own.nights)
        assert found.influence.sum() == pytest.approx(0, abs=1e-10)
        everybody = np.arange(n)
        without = np.array([measure.of(own.of(everybody != i)).value for i in range(n)])
        jackknife = math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
        linear = math.sqrt(n / (n - 1) * (found.influence**2).sum())
        # A share of people moves in steps.
        assert linear == pytest.approx(jackknife, rel=0.1 if measure.level == HALF else 0.06), measure.level


def frame_of(cohort: Cohort) -> pl.DataFrame:
    return person_nights(cohort, Settings().bands)


@pytest.mark.parametrize("together", [0.2, 0.0])
def test_intervals_cover(together: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 cohorts of 100 people 179 to 199 intervals cover each true value, with nights that run and at random."""
    monkeypatch.setattr(recovery_sections, "MANY", 40_000)
    recovery_sections.truths.cache_clear()
    cells = recovery_sections.frequency_cells(100, 200, seed=7, together=together)
    recovery_sections.truths.cache_clear()
    assert all(179 <= cell.covered <= 199 for cell in cells), cells


def test_the_simulator_answers_what_nights_say() -> None:
    """Nights of the simulator, drawn from its truth, have what its truth.json says, each within four of its errors."""
    truth = Truth()
    truth = replace(truth, cramps=replace(truth.cramps, season_amplitude=0.0, latent_sd=0.9, latent_correlation=0.6))
    said = {a.key: a for a in answers.frequency(truth, Population(truth, seed=1, draws=30_000))}
    assert said["serial:all"].value > 0.05
    rows = rows_of(simulate(900, 60, seed=2, truth=truth), "20+")
    levels = {"cramp_nights": "nights with a cramp", "per_cramp_night": "cramps a cramp night"}
    for name, level in (levels | {"dispersion": "dispersion", "serial": "serial dependence"}).items():
        row, own = rows.loc[level], said[f"{name}:all"]
        error = (row["ci_high"] - row["ci_low"]) / 3.92
        assert abs(row["estimate"] - own.value) < 4 * math.hypot(error, own.mc_error or 0.0), level


def test_nights_that_are_counted_and_nights_in_closed_form_have_the_same_answers() -> None:
    """A truth whose nights must be drawn one by one gives what that in closed form gives, to its errors."""
    truth = Truth()
    late = replace(truth, recruitment=replace(truth.recruitment, run_in_nights=1))
    both = [{a.key: a for a in answers.frequency(t, Population(t, seed=3, draws=90_000))} for t in (truth, late)]
    for name in ("cramp_nights:all", "per_cramp_night:all", "serial:all"):
        one, other = (found[name] for found in both)
        assert abs(one.value - other.value) < 4 * math.hypot(one.mc_error or 0.0, other.mc_error or 0.0), name


def test_rows_by_age_and_of_those_with_a_cramp(cohort: Cohort) -> None:
    rows = frequency(cohort)
    assert rows["key"].is_unique and (rows["status"] != "not_estimable").all()
    of_all, those = (rows[rows["population"] == name].set_index("level") for name in ("20+", "20+ with a cramp"))
    weekly = of_all.loc["at least one a week"], those.loc["at least one a week"]
    assert weekly[0]["n_events"] == weekly[1]["n_events"] > 0 and weekly[0]["estimate"] < weekly[1]["estimate"]
    assert "dispersion" not in those.index
    bins = kinds.DISTRIBUTION.rows(rows)
    assert bins["estimate"].sum() == pytest.approx(1) and bins["n_events"].sum() == weekly[0]["n_participants"]
    week = bins.set_index("level")["n_events"]
    assert week.loc["1 to under 2":].sum() == weekly[0]["n_events"]
    curve = kinds.CONCENTRATION.rows(rows)["estimate"]
    assert curve.iloc[0] == 0 and curve.iloc[-1] == pytest.approx(1) and (curve.diff().dropna() >= 0).all()
    # At 50 per cent the curve crosses where the row says.
    assert np.interp(0.5, curve, np.linspace(0, 1, 51)) == pytest.approx(of_all.loc[HALF, "estimate"], abs=0.01)


def test_a_level_of_confidence_and_bands_are_those_asked_for(cohort: Cohort) -> None:
    found = analyses.run("frequency", cohort, Settings(age_bands=[50], ci_level=0.8))
    assert set(found.estimates["ci_level"]) == {0.8}
    table = found.tables["tbl-people-by-frequency"].frame
    assert table.index.tolist() == ["<50", "50+", "60+", "50+ with a cramp"]
    assert "At least one a week, % (80% CI)" in table.columns
    assert found.values["answer"].startswith("Of the people aged 50 and older ")


def test_a_week_of_a_small_clinic_has_nights_and_no_rates_of_people() -> None:
    rng = np.random.default_rng(2)
    found = analyses.run("frequency", diary(*("".join(map(str, rng.poisson(0.4, 7))) for _ in range(20))))
    answer, lacking = found.values["answer"], found.values["not_estimated"]
    assert answer.startswith("How many people have cramps how often could not be estimated: no participant with 28 ")
    assert "of the observed nights" in answer and "no participant with 28 logged nights" in lacking
    assert found.could_not["fig-distribution"] == "no participant with 28 logged nights"
    # A table that has no estimate lacks what the rows lack, which is told once.
    assert found.could_not["tbl-people-by-frequency"].count("no participant with 28 logged nights") == 1
    assert lacking.count("no participant with 28 logged nights") == 1
    assert lacking.count("no window of 30 nights has 25 of them logged") == 1
    assert kinds.CRAMP_NIGHTS.rows(found.estimates)["estimate"].notna().sum() == 3
    assert "in succession and more than a week apart" in found.values["runs"]


def test_that_all_but_one_logged_too_few_nights_is_why_there_are_no_shares_of_people() -> None:
    found = analyses.run("frequency", diary("0100100" * 5, *["0100100"] * 7))
    said = "How many people have cramps how often could not be estimated: 7 of 8 participants logged fewer than 28"
    assert found.values["answer"].startswith(f"{said} nights. ")
    (line,) = summary.unanswered({"frequency": "Frequency"}, {"frequency": SectionResults.of(found)})[-1:]
    assert "rests on one participant (7 participants with fewer than 28 logged nights left out)" in line
    alone = analyses.run("frequency", diary("0100100" * 5)).values["answer"]
    assert "could not be estimated: rests on one participant" in alone


def test_nothing_rests_on_one_participant() -> None:
    alone = analyses.run("frequency", diary("0100100" * 5))
    own = alone.estimates[alone.estimates["analysis"].isin([kinds.OFTEN.name, kinds.CRAMP_NIGHTS.name])]
    assert own["estimate"].isna().all() and "rests on one participant" in alone.values["not_estimated"]
    assert "tbl-cramp-nights" not in alone.tables
    assert alone.could_not["tbl-cramp-nights"].startswith("rests on one participant; ")
    # One of six has cramps: shares of people and of nights are known, what only cramps tell is not.
    rows = rows_of(diary("0110100" * 5, *["0" * 35] * 5))
    assert rows.loc["at least one a week", "estimate"] == pytest.approx(1 / 6)
    assert rows.loc["nights with a cramp", "estimate"] == pytest.approx(15 / 210)
    for level in ("cramps a cramp night", "dispersion", "serial dependence", HALF):
        assert rows.loc[level, "status"] == "not_estimable" and rows.loc[level, "note"] == "rests on one participant"


def test_nobody_with_a_cramp() -> None:
    rows = rows_of(diary(*["0" * 30] * 12))
    weekly, nights = rows.loc["at least one a week"], rows.loc["nights with a cramp"]
    # The exact limits: of 12 people, and of 360 nights, at 5 per cent on the one side that is left.
    assert weekly["ci_high"] == pytest.approx(1 - 0.05 ** (1 / 12)) and weekly["status"] == "boundary"
    assert nights["ci_high"] == pytest.approx(1 - 0.05 ** (1 / 360))
    assert rows.loc["dispersion", "note"] == "no cramp" and rows.loc[HALF, "note"] == "no cramp"
    found = analyses.run("frequency", diary(*["0" * 30] * 12))
    assert figures.distribution(found.figures["fig-distribution"].estimates).axes[0].get_xlabel() == "Cramps a week"


def test_a_list_of_events_has_only_what_was_asked() -> None:
    found = analyses.run("frequency", diary("1..2..1", "2...1", ever_cramp=[True, False]))
    assert "list of events" in found.values["answer"] and "50.0% ever had a cramp" in found.values["answer"]


def test_every_night_with_a_cramp_has_no_serial_dependence() -> None:
    rows = rows_of(diary(*["1" * 30] * 6, *["0" * 30] * 6))
    assert rows.loc["serial dependence", "note"].startswith("nobody has nights with and without a cramp")
    alike = rows_of(diary(*["2" * 30] * 6)).loc["dispersion"]
    assert (alike["estimate"], alike["status"]) == (0, "boundary") and alike["note"] == "all nights have the same count"


def test_a_yes_or_no_says_nothing_of_how_many_cramps_a_night_has() -> None:
    # Dispersion would be the share of nights without a cramp, and cramps a cramp night 1, by how cramps were asked.
    made = diary(*["1001010" * 5, "0110000" * 5] * 6)
    rows = rows_of(made)
    assert {rows.loc[level, "status"] for level in ("nights with a cramp", "serial dependence")} == {"converged"}
    for level in ("cramps a cramp night", "dispersion"):
        assert rows.loc[level, "status"] == "not_estimable" and rows.loc[level, "note"].startswith("no night has more")
    table = analyses.run("frequency", made).tables["tbl-cramp-nights"]
    assert "Dispersion" not in "".join(table.frame.columns) and "Dispersion is" not in str(table.note)
    assert "Serial dependence is" in str(table.note)


def test_a_cramp_ever_of_those_who_were_asked() -> None:
    asked = diary(*["0" * 3] * 7, ages=[30.0] * 4 + [70.0] * 3, ever_cramp=[True, True, False, None, True, True, True])
    rows = ever(asked).set_index("population")
    assert set(rows["level"]) == {EVER}
    assert rows.loc["20-39", "estimate"] == pytest.approx(2 / 3) and pd.isna(rows.loc["20-39", "ci_low"])
    assert rows.loc["20+", "estimate"] == pytest.approx(5 / 6) and rows.loc["20+", "n_participants"] == 6
    assert rows.loc["40-49", "note"] == "nobody of this age took part"
    unasked = ever(diary("0" * 3))
    assert unasked["status"].tolist() == ["not_measured"]


def test_who_never_had_a_cramp_and_logged_one_is_counted() -> None:
    nights = ["0010000" * 5] * 4 + ["0000000" * 5] * 3
    asked = diary(*nights, ages=[30.0] * 7, ever_cramp=[True, False, False, None, False, True, True])
    (row,) = never_yet_told(asked).to_dict("records")
    assert (row["population"], row["level"]) == ("20+", "logged a cramp")
    assert (row["n_participants"], row["n_events"]) == (3, 2) and row["estimate"] == pytest.approx(2 / 3)
    found = analyses.run("frequency", asked)
    said = "f the 3 who answered that they never had one, 2 logged a cramp."
    assert said in found.values["answer"] and said in str(found.tables["tbl-people-by-frequency"].note)
    assert len(kinds.NEVER.rows(found.estimates)) == 1
    for never, who in ((1, "the one person"), (2, "both people"), (4, "all 4")):
        every = diary(*nights, ages=[30.0] * 7, ever_cramp=[False] * never + [True] * (7 - never))
        said = f"{who[1:]} who answered that they never had one logged a cramp all the same."
        assert said in analyses.run("frequency", every).values["answer"]
    # Beside a row of those below the first limit, who may have answered so as well, it is said who is meant.
    younger = diary(*nights, ages=[10.0] + [30.0] * 6, ever_cramp=[False, False] + [True] * 5)
    note = str(analyses.run("frequency", younger).tables["tbl-people-by-frequency"].note)
    assert "The one person aged 20 and older who answered that they never had one logged a cramp all the same." in note
    # Nobody under the first limit is of these, and nobody of whom nothing is told is spoken of.
    young = diary(*nights, ages=[10.0] * 2 + [30.0] * 5, ever_cramp=[True, False, True, None, False, True, True])
    assert never_yet_told(young)["n_events"].tolist() == [0]
    assert "who answered that they never" not in analyses.run("frequency", young).values["answer"]
    assert never_yet_told(diary("0" * 3)).empty and never_yet_told(diary("0" * 3, ever_cramp=[True])).empty


def test_a_table_of_a_week_has_no_row_and_no_words_of_columns_that_it_lacks() -> None:
    week = analyses.run("frequency", diary(*["0010000"] * 6, ever_cramp=[True] * 3 + [False] * 3))
    table = week.tables["tbl-people-by-frequency"]
    assert (
        list(table.frame.columns)[:2] == ["Participants", "Ever a cramp, % (95% CI)"] and len(table.frame.columns) < 4
    )
    assert list(table.frame.index) == ["all"]
    assert "near-nightly a cramp" not in str(table.note) and "Ever is of all who were asked." in str(table.note)
    month = analyses.run("frequency", diary(*["0010000" * 5] * 6, ever_cramp=[True] * 6)).tables[
        "tbl-people-by-frequency"
    ]
    assert list(month.frame.index) == ["all", "all with a cramp"] and "near-nightly a cramp on at least 6" in str(
        month.note
    )


def in_run_in(*people: str, nights: int = 7) -> Cohort:
    """A diary whose people are let in after so many nights."""
    entered = pl.Series("enrolled_on", [START + timedelta(days=nights)] * len(people))
    return diary(*people, enrolled_on=entered.to_list())


def signs_of(cohort: Cohort) -> dict[str, float]:
    found = kinds.CHOSEN.rows(analyses.run("frequency", cohort).estimates)
    return dict(zip(found["level"], found["estimate"], strict=True))


def test_a_run_in_that_nobody_is_in_without_cramps_says_that_people_were_chosen() -> None:
    enough = ["1101000" + "0" * 7, "0020010" + "0" * 7, *["1111111" + "0" * 7] * 18]
    assert signs_of(in_run_in(*enough)) == {RUN_IN: 3.0}
    found = analyses.run("frequency", in_run_in(*enough))
    said = "People were let in for their cramps, as nobody who logged the whole run-in had fewer than 3 cramps."
    assert said in found.values["limits"]
    # That fewer people all had some may be chance.
    assert signs_of(in_run_in(*enough[1:])) == {}
    # Somebody without one was let in as well; or none of it was logged whole; or there is no day of enrolment.
    assert signs_of(in_run_in(*enough, "0000000" + "1" * 7)) == {}
    assert signs_of(in_run_in(*(text.replace("0", ".") for text in enough))) == {}
    assert signs_of(diary(*enough)) == {}
    # The run-in may have lasted as long as somebody was in it.
    differ = "run-ins differ in length, so that no criterion can be read from them"
    apart = criterion(np.array([3.0, 4.0]), np.array([7.0, 30.0]), np.array([7.0, 30.0]))
    assert apart == RunInCriterion(None, differ, of_one_length=False)
    # Who did not log all of it had fewer than were there.
    cramps, nights = np.array([1.0, *[4.0] * 20]), np.array([5.0, *[7.0] * 20])
    assert criterion(cramps, nights, np.full(21, 7.0)) == RunInCriterion(4)
    few = "no criterion is recorded, and only 19 participants logged the whole run-in, too few to read one from"
    assert criterion(cramps[:20], nights[:20], np.full(20, 7.0)) == RunInCriterion(None, few)
    none = "no criterion is recorded, and nobody logged the whole run-in"
    assert criterion(cramps[:1], nights[:1], np.full(1, 7.0)) == RunInCriterion(None, none)
    # One who logged all of it without any was let in, however many did.
    assert criterion(np.array([0.0, 4.0]), np.array([7.0, 7.0]), np.full(2, 7.0)) == RunInCriterion(0)


@pytest.mark.parametrize(("people", "told"), [(20, True), (19, False)])
def test_that_everybody_has_cramps_says_so_too(people: int, told: bool) -> None:
    month = "0010000" * 5
    case_series = diary(*[month] * people)
    assert signs_of(case_series) == ({EVERYBODY: 1.0} if told else {})
    assert signs_of(diary(*[month] * people, "0" * 35)) == {}
    ever_one = diary(*["0" * 5] * people, ever_cramp=[True] * people)
    assert signs_of(ever_one) == ({EVERYBODY: 1.0} if told else {})
    note = str(analyses.run("frequency", ever_one).tables["tbl-people-by-frequency"].note)
    assert (f"All {people} people who were asked ever had a cramp, as where people are chosen" in note) == told


def test_a_survey_has_recalled_classes_and_what_they_say() -> None:
    whole = survey(None)
    frame = whole.frame("participants").with_columns(
        recalled_high=pl.when(pl.col("recalled_low") == 0).then(0).otherwise(15).cast(pl.Int64),
        ever_cramp=pl.col("recalled_low") > 0,
    )
    cohort = Cohort("asked", "survey", {"participants": frame}, whole.design, as_of=whole.as_of, synthetic=True)
    rows = recalled_frequency(cohort)
    assert rows["key"].is_unique
    classes = kinds.RECALLED.rows(rows)
    assert classes.groupby("population")["estimate"].sum().to_numpy() == pytest.approx(1)
    weekly = rows[rows["level"] == "at least one a week"].set_index("population").loc["20+"]
    inside = frame.filter(pl.col("age_years") >= 20)
    weight, often = inside["weight_interview"].to_numpy(), inside["recalled_low"].to_numpy() >= 5
    assert weekly["estimate"] == pytest.approx(np.average(often, weights=weight))
    lifetime = ever(cohort).set_index("population").loc["20+"]
    # Whoever recalls five in a month had one: the same people, the same design.
    for cell in ("estimate", "ci_low", "ci_high", "std_error", "n_participants"):
        assert lifetime[cell] == pytest.approx(weekly[cell]), cell
    found = analyses.run("frequency", cohort)
    assert found.absent == (
        *("fig-distribution", "tbl-cramp-nights", "fig-recall", "tbl-recall", "tbl-period-prevalence"),
    )
    assert "recalled at least one in 30 nights" in found.values["answer"] and "ever had" in found.values["answer"]
    drawn = figures.recalled_classes(found.figures["fig-recalled-classes"].estimates)
    assert [text.get_text().partition(" ")[0] for text in drawn.axes[0].get_yticklabels()][-1] == "80+"
    # Those below the first limit stand in the tables alone.
    older = analyses.run("frequency", cohort, analyses.Settings(age_bands=[50, 70]))
    assert "<50" not in set(older.figures["fig-recalled-classes"].estimates["population"])
    assert "<50" in older.tables["tbl-people-by-frequency"].frame.index


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("000000111000000011000", "Cramp nights come in runs: "),
        ("010000100001000100001", "Cramp nights lie further apart than by chance: "),
    ],
)
def test_runs_in_plain_words(runs: str, said: str) -> None:
    people = [(runs[k:] + runs[:k]) * 3 + "0100" * (k % 3) for k in range(20)]
    assert said in analyses.run("frequency", diary(*people)).values["runs"]


def test_tables_name_whom_they_are_of(cohort: Cohort) -> None:
    rows = kinds.CRAMP_NIGHTS.rows(frequency(cohort))
    table = tables.cramp_nights(rows)
    assert table.index[-3:].tolist() == ["20+", "50+", "60+"]
    whole = rows[(rows["population"] == "20+") & (rows["level"] == "serial dependence")].iloc[0]
    cell = table.loc["20+", "Serial dependence (95% CI)"]
    assert cell.startswith(
        f"{whole['estimate']:.3f} (".replace("-", "−")
    ) and f"{whole['ci_high']:.3f}" in cell.replace("−", "-")


def test_shares_by_the_own_rate_say_of_how_many_people_they_are() -> None:
    made = diary(*["1000000" * 4] * 7, *["0" * 10] * 5, ever_cramp=[True] * 12)
    found = analyses.run("frequency", made)
    table = found.tables["tbl-people-by-frequency"].frame
    assert table.loc["all", "Participants"] == "12" and table.loc["all", "With 28 nights"] == "7"
    # Of those with a cramp it is told of nobody whether they ever had one.
    assert table.loc["all with a cramp", "Participants"] == "–" and table.index.name == "Group"
    assert "Of the people 100.0 (77.9–100.0)% ever had a cramp." in found.values["answer"]
    assert "Of the 7 people with at least 28 logged nights 100.0" in found.values["answer"]
    assert "of those with a cramp" not in found.values["answer"] and found.values["elsewhere"] == ""


WEEKLY = ["1000000" * 4] * 5


@pytest.mark.parametrize(("diaries", "uneven"), [([*WEEKLY, *WEEKLY[:1]], False), (["1" * 28, *WEEKLY], True)])
def test_cramps_are_called_uneven_where_they_are(diaries: list[str], uneven: bool) -> None:
    told = analyses.run("frequency", diary(*diaries)).values["answer"]
    assert "have half of their cramps" in told
    assert ("spread unevenly" in told) is uneven
    assert uneven or "50.0% of the 6 people with at least 28 logged nights have half of their cramps." in told


@pytest.mark.parametrize("people", [3, 5])
def test_shares_of_two_or_three_people_are_counts(people: int) -> None:
    """Of three two have a cramp a week, of five three, and the others none, all on 28 nights."""
    weekly = people // 2 + 1
    own = diary(*["1000000" * 4] * weekly, *["0" * 28] * (people - weekly), ever_cramp=[True] * people)
    found = analyses.run("frequency", own)
    told = found.values["answer"]
    few = people < 5
    assert ("Of the 3 people 100.0% ever had a cramp." in told) is few
    assert ("with at least 28 logged nights 2 of 3 had at least one a week, 0 of 3 had" in told) is few
    # Half of the cramps would be had by a part of one person.
    assert ("have half of their cramps" in told) is not few
    assert ("half of the cramps" in found.figures["fig-distribution"].alt) is not few
    drawn = figures.distribution(found.figures["fig-distribution"].estimates)
    texts = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert any("half of the cramps" in text for text in texts) is not few
    # Nights are many, and no share of people.
    assert "a cramp came on" in told.lower() and f"{100 * weekly / 7 / people:.1f}" in told


def test_a_part_of_one_person_is_no_share_of_people() -> None:
    """Of seven two have cramps, one nearly all of them: half of them would be had by 0.6 of a person."""
    own = diary("1" * 28, "1000000" * 4, *["0" * 28] * 5)
    found = analyses.run("frequency", own)
    table = found.tables["tbl-cramp-nights"].frame
    assert table.loc["all"].filter(like="half of the cramps").tolist() == ["less than one person"]
    told = found.values["answer"]
    assert "half of their cramps" not in told and "unevenly" not in told
    assert "half of the cramps" not in found.figures["fig-distribution"].alt
    drawn = figures.distribution(found.figures["fig-distribution"].estimates)
    assert not any("half of the cramps" in text.get_text() for axes in drawn.axes for text in axes.texts)
