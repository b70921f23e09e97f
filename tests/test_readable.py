"""Results show themselves in one line and as a table, without a participant's identifier and with all texts escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_fit import diary
from test_predict import asked, ordered

import crampstudy
from crampstudy import analyses, check, compare, describe, fit, load, models, simulate, validation
from crampstudy.checks import zeros_found
from crampstudy.cohort import Cohort
from crampstudy.descriptive.classes import class_shares
from crampstudy.descriptive.first_look import first_look
from crampstudy.readable import LONGEST, OneLine, Readable
from crampstudy.simulate.truth.truth import Truth
from crampstudy.sources.readers import bare_list
from crampstudy.tables.of_kinds import shown

PERSON = "hidden-person"
HOSTILE = "<script>alert('&')</script>\n\"named\" \\ so"


def planted(n: int = 40) -> Cohort:
    """Make a cohort of hostile names, whose participants are called by a name that nobody may see."""
    plain = diary(n, nights=10, **{'a<b>&"c': pl.int_range(n) % 2 == 0})
    called = pl.concat_str(pl.lit(PERSON), pl.col("participant_id"))
    tables = {name: table.with_columns(participant_id=called) for name, table in plain.tables.items()}
    # One of them has most of the cramps, so that checks speak of single participants.
    first = pl.col("participant_id").str.ends_with("p001")
    tables["diary"] = tables["diary"].with_columns(pl.when(first).then(40).otherwise(pl.col("cramps")).alias("cramps"))
    return Cohort(HOSTILE, "diary", tables, title=HOSTILE)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What the public doors give."""
    cohort = planted()
    terms = 'sex + `a<b>&"c` + exercise_min'
    folder = tmp_path_factory.mktemp("study")
    (folder / "participants.csv").write_text(f"participant_id,age_years,sex\n{PERSON}1,50,female\n{PERSON}2,61,male\n")
    (folder / "diary.csv").write_text(f"participant_id,date,cramps\n{PERSON}1,2024-01-01,2\n{PERSON}2,2024-01-01,x\n")
    nights = folder / "nights.csv"
    nights.write_text(
        f"who,date,cramps\n{PERSON}1,2024-01-25,2\n{PERSON}1,2024-01-26,{PERSON}\n{PERSON}2,2024-01-01,1\n"
    )
    fits = [fit(cohort, model=name, terms=terms) for name in ("negative-binomial", "mixed-poisson", "gee-ar1")]
    fits += [
        fit(cohort, model="linear", terms="sex", outcome="exercise_min"),
        fit(ordered(), model="ordinal", terms="age"),
    ]
    fits += [fit(asked(), model="survey-linear", outcome="score", terms="age")]
    fits += [fit(cohort, model="poisson", terms="grip_strength_kg", where="age_years > 200")]
    solution = models.validation.solve(_request(cohort))
    return [
        cohort,
        crampstudy.Diary.of(cohort),
        asked(),
        load(folder),
        validation.summarise(load(folder)),
        *validation.summarise(load(folder)).rules,
        first_look(bare_list.read(nights)),
        describe(cohort),
        describe(cohort, "sex"),
        describe(asked()),
        describe(cohort, outcome="class_30_days"),
        compare(cohort, diary(), "sex"),
        class_shares(cohort, None),
        *fits,
        *check(cohort, model="negative-binomial", terms="sex", rng=np.random.default_rng(1)),
        *(analyses.run(name, cohort) for name in ("cohort", "age-and-muscle")),
        analyses.run("age-and-muscle", asked()),
        zeros_found.of_solution(solution),
        solution,
        Truth(),
        *shown(describe(cohort, "sex").estimates),
        crampstudy.AgeBands(),
    ]


def _request(cohort: Cohort) -> models.request.ModelRequest:
    return models.request.ModelRequest(cohort, "poisson", "sex", "cramps")


def held(result: object, seen: set[int]) -> Iterator[object]:
    """Yield a result and every record of the package that it holds."""
    if id(result) in seen:
        return
    seen.add(id(result))
    if isinstance(result, (tuple, list)):
        inner: list[object] = list(result)
    elif isinstance(result, Mapping):
        inner = list(result.values())
    elif is_dataclass(result) and not isinstance(result, type):
        yield result
        inner = [getattr(result, each.name) for each in fields(result)]
    else:
        return
    for each in inner:
        yield from held(each, seen)


def test_every_public_result_is_one_short_line_without_a_participant(results: list[object]) -> None:
    every = [each for result in results for each in held(result, set())]
    public = [each for each in every if isinstance(each, OneLine)]
    kinds = {type(each).__name__ for each in public}
    assert {"Cohort", "Diary", "Cleaned", "Fit", "Description", "Findings", "Check", "FirstLook", "Person"} <= kinds
    for each in public:
        line = repr(each)
        assert len(line) <= LONGEST and "\n" not in line, line
        assert PERSON not in line, line
    for each in results:
        assert len(repr(each)) <= LONGEST and "\n" not in repr(each), type(each).__name__
        assert PERSON not in repr(each) and PERSON not in str(each)


class Parsed(HTMLParser):
    """What a page is made of: tags and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_table_of_a_notebook_is_escaped_and_shows_no_participant(results: list[object]) -> None:
    every = [each for result in results for each in held(result, set())]
    readable = [each for each in every if isinstance(each, Readable)]
    kinds = {"Cohort", "Cleaned", "Fit", "Description", "ClassShares", "Findings", "ReportTable", "Check", "ZerosFound"}
    assert {type(each).__name__ for each in readable} == kinds
    for each in readable:
        page = each._repr_html_()
        assert PERSON not in page
        parsed = Parsed(page)
        assert set(parsed.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "br"}
    whole = " ".join(Parsed(results[0]._repr_html_()).texts)  # type: ignore[attr-defined]
    assert "<script>alert('&')</script>" in whole


def test_the_table_of_a_notebook_is_that_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from crampstudy import terminal

    described = describe(diary(), "sex")
    terminal.show(described.estimates, described.accounts)
    printed = capsys.readouterr().out
    texts = [text.strip() for text in Parsed(described._repr_html_()).texts if text.strip()]
    for text in texts:
        if text not in (account.sentence() for account in described.accounts):
            # The terminal breaks long heads between words.
            assert all(word in printed for word in text.replace("age-standardised", "standardised").split()), text


def test_a_line_says_kind_size_and_status() -> None:
    cohort = diary(60)
    assert repr(cohort) == (
        "<Cohort: 'made', diary of 60 participants, 480 rows of nights, data to 2024-01-08, synthetic>"
    )
    fitted = fit(cohort, model="poisson", terms="sex")
    assert repr(fitted) == "<Fit: poisson, converged, 2 estimates, 480 nights of 60 participants>"
    none = fit(cohort, model="poisson", terms="sex", where="age_years > 200")
    assert repr(none) == "<Fit: poisson, not_estimable, 2 estimates, 0 nights of 0 participants>"
    found = analyses.run("cohort", cohort)
    assert repr(found).startswith("<Findings: ") and f"{len(found.tables)} tables" in repr(found)
    assert repr(describe(cohort, "sex")).startswith("<Description: 'made', ")
    (first, *_) = check(cohort, model="poisson", terms="sex", rng=np.random.default_rng(1))
    assert repr(first) == f"<Check: overdispersion, {first.verdict}>"


def test_a_check_that_names_participants_shows_the_others_cells(results: list[object]) -> None:
    named = [each for each in results if isinstance(each, crampstudy.checks.Check) and PERSON in each.table.to_string()]
    assert named
    for each in named:
        assert "participant_id" in each.table.columns
        texts = Parsed(each._repr_html_()).texts
        assert each.text in " ".join(texts) and f"{len(each.table)}" and "Participant id" not in texts


def test_a_simulated_cohort_says_that_it_is() -> None:
    assert repr(simulate.simulate(10, 5, seed=1)).endswith(", synthetic>")


def test_a_frame_is_never_part_of_a_line() -> None:
    estimates = describe(planted(), "sex").estimates
    assert isinstance(estimates, pd.DataFrame) and "population" not in repr(describe(planted(), "sex"))
