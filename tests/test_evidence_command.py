"""crampstudy evidence: what a reader is shown of a treatment, and what their own trial, typed into a CSV, moves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crampstudy import evidence, tables
from crampstudy.errors import SourceError
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import added
from crampstudy.evidence.effects import independent
from crampstudy.evidence.random_effects import ERRORS, pool

Run = Callable[..., tuple[int, str, str]]
HEADER = "study,year,n_treated,n_control,unit,mean_treated,sd_treated,mean_control,sd_control\n"
TRIAL = f"{HEADER}Our trial,2025,60,58,week,2.1,2.4,2.9,2.6\n"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "my-trial.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def read(path: Path, population: str | None = "idiopathic") -> tuple[tuple[evidence.Study, ...], tuple[str, ...]]:
    return added.read(path, "magnesium", population)


def test_without_an_agent_all_are_listed_with_how_sure_they_are(run: Run) -> None:
    code, out, err = run("evidence")
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in out.splitlines()}
    assert code == 0 and not err
    assert "−0.33 (−1.96 to 1.30)" in lines["Magnesium, idiopathic"]
    assert "one trial, risk of bias some concerns, lower" in lines["Vitamin K2, idiopathic"]
    assert "no trial with verified figures" in lines["TENS"]
    sure = tables.agents(evidence.synthesise("quinine").estimates)["How sure"]
    assert sure["Quinine, idiopathic"] == "published pools alone; certainty low, graded by the Cochrane review 2015"


def test_of_an_agent_conversions_pool_and_the_article_are_shown(run: Run) -> None:
    code, out, _ = run("evidence", "--agent", "magnesium", "--population", "idiopathic")
    assert code == 0 and "pregnancy" not in out
    for said in (
        "Frusso 1999: 0.70 per 4 weeks, interval −1.90 to 3.30 from P = 0.59 by t with 41 df; times 0.25: 0.175",
        "not pooled: medians only",
        "risk of bias high, judged by this package",
        "Without Barna 2021        0.11 (−3.84 to 4.06)",
        "Small-study effects of 3 trials of magnesium are not looked at: 10 are the least.",
        "margins −1 to 1 of cramps per week",
        "The article says that magnesium, as a supplement or in food, helps prevent night cramps. Three trials in "
        "idiopathic cramps do not show it: −0.33 (−1.96 to 1.30) cramps a week against placebo or no treatment.",
        "no such paper was found.",
    ):
        assert said in out, said


def test_rows_as_json_and_as_csv_are_the_same(run: Run) -> None:
    options = ("evidence", "--agent", "magnesium", "--population", "idiopathic")
    rows = json.loads(run(*options, "--json")[1])
    table = pd.read_csv(io.StringIO(run(*options, "--csv")[1]))
    assert [row["key"] for row in rows] == table["key"].tolist() and len(rows) == 37
    wider = json.loads(run(*options, "--ci-level", "0.99", "--json")[1])
    assert {row["ci_level"] for row in wider if row["analysis"] == "pooled difference"} == {0.99}


def test_an_added_trial_moves_the_pool_as_metafor_would(run: Run, file: Callable[[str], Path]) -> None:
    path = file(TRIAL)
    options = ("evidence", "--agent", "magnesium", "--population", "idiopathic", "--add", str(path))
    code, out, err = run(*options)
    assert code == 0
    assert "read as comparison placebo, design parallel, outcome cramps, population idiopathic" in err
    moved = " ".join(out[out.index("What moved: Magnesium, idiopathic") :].split())
    assert "Hartung-Knapp with the floor −0.33 (−1.96 to 1.30) −0.44 (−1.39 to 0.50) −0.11" in moved
    assert "Next trial, t with k − 1, Hartung-Knapp with the floor −0.33 (−2.96 to 2.30) −0.44 (−2.03" in moved
    rows = pd.DataFrame(json.loads(run(*options, "--json")[1]))
    assert rows["cohort"].unique().tolist() == ["published trials", "published trials, with Our trial"]
    assert rows["key"].is_unique
    after = rows[rows["cohort"].str.contains("Our trial") & rows["analysis"].eq(kinds.POOLED.name)].iloc[0]
    own = (2.4**2 / 60 + 2.6**2 / 58) ** 0.5
    expected = pool(independent(tuple("abcd"), [0.175, -0.38, -0.8, -0.8], [0.332**2, 0.888**2, 0.311**2, own**2]))
    limits = expected.limits(0.95, ERRORS[0])
    assert after[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [limits.estimate, limits.low, limits.high]
    )


def test_what_was_one_trial_before_says_so(file: Callable[[str], Path]) -> None:
    own, _ = added.read(file(TRIAL), "vitamin_k2", "idiopathic")
    before, after = evidence.beside("vitamin_k2", "idiopathic", own)
    moved = tables.moved(before.estimates, after.estimates)
    first = moved.loc[("Vitamin K2, idiopathic", f"Mean difference, {ERRORS[0]}")]
    assert first["Before"] == "one trial of vitamin K2 (idiopathic), so nothing to pool" and first["Moved by"] == "–"
    assert first["Verdict"] == "– → inconclusive"


def test_what_moved_of_a_share_is_in_percentage_points(file: Callable[[str], Path]) -> None:
    own, _ = added.read(file(TRIAL), "magnesium", "idiopathic")
    before, after = evidence.beside("magnesium", "idiopathic", own)
    moved = tables.moved(before.estimates, after.estimates).loc["Magnesium, idiopathic"]
    shares = moved[moved["After"].str.contains("%", regex=False)]
    assert {"I²", "Next trial at least 1 fewer a week, probability"} == {*shares.index}
    assert shares["Moved by"].str.fullmatch(r"[+−]\d+ percentage points|0 percentage points").all()
    assert not moved["Moved by"].str.contains("%", regex=False).any()


def test_a_population_and_a_treatment_that_nobody_studied_may_be_added(run: Run, file: Callable[[str], Path]) -> None:
    code, out, _ = run("evidence", "--agent", "tens", "--population", "cirrhosis", "--add", str(file(TRIAL)))
    assert code == 0 and "TENS, cirrhosis" in out and "One trial of TENS (cirrhosis), so nothing to pool." in out


def test_a_trial_against_another_treatment_is_shown_in_a_pool_of_its_own(file: Callable[[str], Path]) -> None:
    text = f"{TRIAL.splitlines()[0]},comparison,comparator\n{TRIAL.splitlines()[1]},other treatment,heat\n"
    own, _ = read(file(text))
    before, after = evidence.beside("magnesium", "idiopathic", own)
    assert before.estimates.empty
    assert after.estimates["population"].unique().tolist() == ["idiopathic against heat"]
    assert kinds.TRIAL.rows(after.estimates)["level"].tolist() == ["Our trial"]
    first = tables.moved(before.estimates, after.estimates).iloc[0]
    assert first["Before"] == "–" and first["After"].startswith("one trial of magnesium (idiopathic against heat)")


def test_a_file_of_another_country_and_program_is_read(file: Callable[[str], Path]) -> None:
    path = file("\ufeffstudy;year;effect;ci_low;ci_high;unit;n_total\nWir;2025.0;-0,5;-1,0;0,0;2 weeks;120\n")
    (study,), notices = read(path)
    assert (study.effect, study.ci_low, study.year, study.n_total) == (-0.5, -1.0, 2025, 120)
    assert any("decimal comma" in each for each in notices)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "my-trial.csv has no row under its header; a trial is a row, such as"),
        (TRIAL.replace("n_control", "n_contrl"), "no column 'n_contrl'; did you mean n_control?"),
        (TRIAL.replace("60", "sixty"), "my-trial.csv line 2, n_treated = 'sixty': allowed is a whole number"),
        (TRIAL.replace("week", "night"), "line 2: Our trial: cramps per night are none per week without the number"),
        (TRIAL.replace("2.4", ""), "line 2: Our trial has no standard error; fill ci_low and ci_high, or sd_treated"),
        (TRIAL.replace("Our trial", ""), "line 2, study: a trial has a name"),
        (TRIAL.replace("Our trial", "Frusso 1999"), "Frusso 1999 is in the evidence already; leave it out"),
        (TRIAL.replace("Our trial", "Coppin 2005"), "is in the evidence already, as Coppin 2005, stopping quinine"),
        (TRIAL + TRIAL.removeprefix(HEADER), "Our trial stands there twice"),
        (f"{TRIAL.splitlines()[0]},agent\n{TRIAL.splitlines()[1]},quinine\n", "it is of another treatment than magnes"),
        (
            f"{TRIAL.splitlines()[0]},role\n{TRIAL.splitlines()[1]},pooled\n",
            "Our trial has the role pooled, and is no trial of its own; only what can be pooled",
        ),
        (
            f"{TRIAL.splitlines()[0]},comparison\n{TRIAL.splitlines()[1]},mixed\n",
            "Our trial is compared with mixed; only",
        ),
        (
            f"{TRIAL.splitlines()[0]},doi\n{TRIAL.splitlines()[1]},10.1001/jamainternmed.2016.9261\n",
            "is in the evidence already, as Roguin Maor 2017",
        ),
    ],
)
def test_what_cannot_be_added_is_refused_where_it_stands(file: Callable[[str], Path], text: str, said: str) -> None:
    with pytest.raises(SourceError) as refused:
        read(file(text))
    assert said in str(refused.value)


def test_the_example_of_a_trial_can_be_added(file: Callable[[str], Path]) -> None:
    (study,), _ = read(file(added.EXAMPLE))
    assert study.study == "My trial" and study.population == "idiopathic"


def test_refusals_say_what_to_type(run: Run, file: Callable[[str], Path]) -> None:
    path = str(file(TRIAL))
    code, out, err = run("evidence", "--agent", "magnesium", "--add", path)
    assert (code, out) == (4, "") and err.rstrip().endswith(f"--agent magnesium --add {path} --population idiopathic")
    code, out, err = run("evidence", "--agent", "magnesum")
    assert (code, out) == (2, "") and err.rstrip().endswith("run: crampstudy evidence --agent magnesium")
    code, out, err = run("evidence", "--add", path)
    assert (code, out) == (2, "") and "of which treatment? add --agent NAME, such as magnesium" in err
    code, _, err = run("evidence", "--agent", "magnesium", "--ci-level", "95")
    assert code == 2 and "between 0 and 1" in err
    assert run("evidence", "--agent", "magnesium", "--add", f"{path}.gone")[0] == 4
