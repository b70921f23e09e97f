"""An analysis is a pure function from a cohort to findings; its section shows them, a command prints the same rows."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import analyses_page
import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey
from test_no_ages import without

from crampstudy import analyses, compare, describe, estimates
from crampstudy.analyses import (
    Analysis,
    CohortAnswer,
    Drawing,
    Findings,
    ReportTable,
    Settings,
    attempt,
    joined,
    registry,
)
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, BandError, UsageError
from crampstudy.estimates import kinds
from crampstudy.report import ReportError, blocks, outline, params
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package
from crampstudy.wording import marks

ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.stem: path for path in outline.read(ROOT / "notebooks").notebooks}
EVERY_NOTEBOOK = NOTEBOOKS | {"custom": ROOT / "notebooks" / outline.TEMPLATE}
PROSE = "blocks.prose"
EVERY = pytest.mark.parametrize("analysis", analyses.ANALYSES.values(), ids=list(analyses.ANALYSES))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(40, 20, seed=3)


@pytest.fixture(scope="module")
def found(diary: Cohort) -> Findings:
    """What is found of age and muscle, with the settings of the package."""
    return analyses.run("age-and-muscle", diary)


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register one more analysis while a test lasts, of diaries alone."""

    def put(function: Callable[[Cohort, Settings], Findings], parts: tuple[str, ...] = (), **needs: Any) -> None:
        made = Analysis("another", "Is it so?", {"diary": CohortAnswer(function, parts, needs)}, ("said",))
        monkeypatch.setattr(registry, "ANALYSES", {**analyses.ANALYSES, "another": made})

    return put


def code_of(path: Path) -> Iterator[ast.AST]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield from ast.walk(ast.parse("".join(cell["source"])))


def prose_of(path: Path) -> str:
    """The text of a notebook: its cells of Markdown, and what its cells of code say as prose."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    static = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    said = [node.args[0] for node in code_of(path) if isinstance(node, ast.Call) and ast.unparse(node.func) == PROSE]
    return "\n".join([*static, *(ast.literal_eval(text) for text in said)])


@EVERY
def test_an_analysis_has_the_name_of_its_section_which_shows_all_of_it(analysis: Analysis) -> None:
    path = NOTEBOOKS[analysis.name]
    texts = [node.value for node in code_of(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert analysis.name in texts
    shown = [text for text in texts if text.startswith(("tbl-", "fig-"))]
    assert sorted(shown) == sorted(analysis.parts)
    said = set(re.findall(r"\{\{(\w+)\}\}", prose_of(path)))
    assert said - set(registry.EVERY_SECTION) == set(analysis.values)
    assert set(re.findall(r"@((?:tbl|fig)-[a-z-]+)", prose_of(path))) <= set(analysis.parts)


@EVERY
def test_no_two_rows_of_an_analysis_have_one_key(analysis: Analysis, diary: Cohort) -> None:
    found = analyses.run(analysis.name, diary, others={} if analysis.draws_on_others else None)
    keys = found.estimates["key"]
    assert keys.is_unique, keys[keys.duplicated()].tolist()


def test_a_survey_is_asked_what_a_survey_can_answer() -> None:
    """Nights, single cramps, and what is noted from day to day are of diaries alone."""
    of_diaries = r"night|tomorrow|same|later|next day|electrolyte drink|stretching|stress|exertion|month|peak"
    own = [each for each in analyses.ANALYSES.values() if "survey" in each.answers and each.answers["survey"].parts]
    assert not [each.name for each in own if re.search(of_diaries, each.asks("survey"))]
    assert analyses.named("prediction").asks("diary").startswith("Can tomorrow night's cramps")


def test_every_section_is_an_analysis() -> None:
    assert set(NOTEBOOKS) == set(analyses.ANALYSES)


@pytest.mark.parametrize("path", EVERY_NOTEBOOK.values(), ids=list(EVERY_NOTEBOOK))
def test_a_notebook_reads_well_by_hand(path: Path) -> None:
    """What only the report resolves stands in cells that resolve it for the reader of the notebook as well."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            assert not re.search(r"\{\{|(?<!\w)@\w", text), text
        elif text.startswith(PROSE):
            # Beside what it shows, the template itself would only be in the way.
            assert cell["metadata"]["jupyter"] == {"source_hidden": True}
            assert not re.search(r"^#", text, re.MULTILINE), "a heading belongs into a cell of Markdown"
    first = next(text for cell in cells if "open_cohort(source)" in (text := "".join(cell["source"])))
    assert first.startswith("params.check_kernel()\n")


@pytest.mark.parametrize("path", EVERY_NOTEBOOK.values(), ids=list(EVERY_NOTEBOOK))
def test_a_notebook_holds_no_logic(path: Path) -> None:
    logic = (ast.If, ast.IfExp, ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.comprehension, ast.Try, ast.BoolOp)
    assert not [node for node in code_of(path) if isinstance(node, logic)]


@pytest.mark.parametrize("path", NOTEBOOKS.values(), ids=list(NOTEBOOKS))
def test_the_parameters_of_a_notebook_have_the_defaults_of_the_package(path: Path) -> None:
    for parameter in params.declared(path):
        if parameter.name not in params.GIVEN:
            given = Settings(**{parameter.name: parameter.default})
            assert given == Settings(), parameter.name


@pytest.mark.parametrize("door", [describe, compare])
def test_the_doors_have_the_defaults_of_the_settings(door: Callable[..., Any]) -> None:
    asked = inspect.signature(door).parameters
    assert (asked["standard"].default, asked["ci_level"].default) == (Settings().standard, Settings().ci_level)


def test_settings_are_frozen_and_checked() -> None:
    settings = Settings(age_bands=[20, 60])
    assert settings == Settings(age_bands=(20, 60)) and settings.bands.labels == ("<20", "20-59", "60+")
    with pytest.raises(FrozenInstanceError):
        settings.ci_level = 0.9  # type: ignore[misc]
    with pytest.raises(BandError, match="increase"):
        Settings(age_bands=[60, 20])
    with pytest.raises(UsageError, match="no standard population 'us'; allowed: who, esp2013, none"):
        Settings(standard="us")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="between 0 and 1"):
        Settings(ci_level=95)


def test_the_same_cohort_gives_the_same_findings(diary: Cohort, found: Findings) -> None:
    once, twice = found, analyses.run("age-and-muscle", diary, Settings())
    pd.testing.assert_frame_equal(once.estimates, twice.estimates)
    assert once.values == twice.values and list(once.tables) == list(twice.tables)
    wider = analyses.run("age-and-muscle", diary, Settings(age_bands=[20, 60], standard="none", ci_level=0.5))
    rates = kinds.INCIDENCE_RATE.rows(wider.estimates)
    assert rates["level"].tolist() == ["20-59", "60+", "20+", "50+"] and set(rates["ci_level"]) == {0.5}
    assert kinds.STANDARDISED_RATE.rows(wider.estimates).empty and "not estimated" in wider.values["frequency"]


def test_the_sentence_says_the_rows(diary: Cohort, found: Findings) -> None:
    rates = kinds.INCIDENCE_RATE.rows(found.estimates)
    whole = rates[rates["level"] == "20+"].iloc[0]
    limits = f"{whole['estimate']:.2f} ({whole['ci_low']:.2f}–{whole['ci_high']:.2f}) cramps per person-week"
    assert f"Among people aged 20 and older the crude incidence rate is {limits}" in found.values["frequency"]
    everybody = analyses.run("age-and-muscle", without(diary, "age_years"))
    assert "Among all participants the crude incidence rate is" in everybody.values["frequency"]
    assert everybody.could_not["fig-age-curve"] == "no participant has an age"


def every_text(of: Findings) -> Iterator[str]:
    """All that readers see of findings, and the words of their rows."""
    yield from (*of.values.values(), *of.could_not.values())
    for made in of.tables.values():
        cells = [*made.frame.index.to_flat_index(), *made.frame.columns, *made.frame.to_numpy().ravel()]
        yield from (made.caption, made.note or "", *map(repr, cells))
    for drawing in of.figures.values():
        yield from (drawing.caption, drawing.alt, drawing.note or "", estimates.to_csv(drawing.estimates))
    yield estimates.to_csv(of.estimates)


def test_marks_stand_beside_what_readers_see_and_say_the_same() -> None:
    cohorts = simulate(40, 28, seed=3), survey(None)
    for cohort in cohorts:
        for name in ("summary", "frequency", "severity", "claims"):
            found = analyses.run(name, cohort)
            assert not any(marks.MARK.search(text) for text in every_text(found)), name
            assert all(marks.without(text) == found.values[value] for value, text in found.marked.items())
            for made in found.tables.values():
                cells = [made.frame.index.get_level_values(-1), *(made.frame[column] for column in made.frame.columns)]
                for (line, column), text in made.marked.items():
                    assert marks.without(text) == list(cells[column])[line]
    found = analyses.run("frequency", cohorts[0])
    assert "answer" in found.marked and found.tables["tbl-people-by-frequency"].marked


def test_a_survey_has_parts_that_a_diary_has_not(found: Findings) -> None:
    assert found.absent == ()
    asked = analyses.run("age-and-muscle", survey(None))
    assert asked.absent == () and asked.estimated
    assert analyses.run("second-opinion", survey(None)).absent == ("tbl-second-opinions", "tbl-second-opinion-terms")


def test_what_a_part_lacks_is_no_error_and_the_other_parts_are_made() -> None:
    asked = survey(None)
    people = asked.frame("participants").with_columns(lean_mass_index_kg_m2=pl.lit(7.5))
    found = analyses.run("age-and-muscle", replace(asked, tables={"participants": people}))
    # Laboratory values need the weight of the examination, which this survey does not have; age does not.
    assert "no weight for its exam component" in found.could_not["tbl-muscle"]
    assert "crampstudy.design.weights.exam in datapackage.json" in found.could_not["tbl-muscle"]
    assert set(found.tables) == {"tbl-frequency", "tbl-age-ratios"}
    for kind in (kinds.PREVALENCE, kinds.AGE_ALONE):
        assert kind.rows(found.estimates)["estimate"].notna().any()
    beside = kinds.AGE_BESIDE_MUSCLE.rows(found.estimates)
    assert len(beside) and beside["note"].str.contains("no weight for its exam component").all()
    assert "no weight for its exam component" in found.values["beside"]


def test_nothing_of_a_diary_without_a_count_and_of_a_survey_without_an_answer(diary: Cohort) -> None:
    nights = diary.frame("diary")
    uncounted = nights.with_columns(cramps=pl.lit(None, dtype=nights["cramps"].dtype), entry_made=pl.lit(value=False))
    none = Cohort("none", "diary", {**diary.tables, "diary": uncounted}, as_of=diary.as_of)
    reason = "no row of the cohort's diary has a value of cramps"
    for name in ("age-and-muscle", "second-opinion"):
        found = analyses.run(name, none)
        assert not found.estimated and found.estimates.empty and set(found.could_not.values()) == {reason}
        told = [found.values[name] for name in analyses.named(name).values]
        assert told == [f"Could not estimate: {reason}.", *[""] * (len(told) - 1)]
        assert found.values["question"] == analyses.named(name).question and found.values["not_estimated"] == ""
        assert set(found.could_not) == set(analyses.named(name).answers["diary"].parts)
    assert analyses.run("cohort", none).estimated


def test_what_cannot_be_made_says_why_in_its_place(another: Callable[..., None], diary: Cohort) -> None:
    def fails(cohort: Cohort, settings: Settings) -> Findings:
        raise AnalysisError("there is no spread")

    parts = ("tbl-one", "fig-two")
    bare = Cohort("bare", "diary", {name: t for name, t in diary.tables.items() if name != "episodes"}, as_of=None)
    another(fails, parts, episodes=("pain_0_10",))
    for cohort, reason in (
        (bare, "the cohort has no episodes"),
        (diary, "there is no spread"),
        (survey(None), "this is answered from a diary, and not from a survey"),
    ):
        found = analyses.run("another", cohort)
        assert found.could_not == dict.fromkeys(parts, reason) and not found.estimated
        table, figure = (blocks.show(found, label) for label in parts)
        assert table is not None and figure is not None
        assert table.data["rows"][0]["cells"] == ["Could not estimate", reason[:1].upper() + reason[1:]]
        assert figure.data["alt"] == f"Could not estimate: {reason}." and figure.data["label"] == "fig-two"


def test_an_empty_table_and_a_figure_without_an_estimate_are_told(another: Callable[..., None], diary: Cohort) -> None:
    lost = estimates.frame(
        [estimates.row(status="not_estimable", analysis=kinds.INCIDENCE_RATE.name, scale="rate", note="no night")]
    )

    def empty(cohort: Cohort, settings: Settings) -> Findings:
        drawing = Drawing("rates", lost, "A caption.", "An alt.")
        return Findings(
            lost, {"tbl-one": ReportTable(pd.DataFrame(), "A caption.")}, {"fig-two": drawing}, {"said": "so"}
        )

    another(empty, ("tbl-one", "fig-two"))
    found = analyses.run("another", diary)
    assert found.could_not == {"tbl-one": "no night", "fig-two": "no night"} and not found.estimated


def test_parts_that_are_not_declared_are_a_bug(another: Callable[..., None], diary: Cohort) -> None:
    another(lambda cohort, settings: Findings(estimates.frame([]), could_not={"tbl-ome": "no"}), ("tbl-one",))
    with pytest.raises(TypeError, match="'another' does not both declare and give: said, tbl-ome, tbl-one"):
        analyses.run("another", diary)


def test_parts_are_joined_in_order_and_a_slip_of_the_program_is_no_reason(diary: Cohort) -> None:
    def lacks() -> Findings:
        raise UsageError("no such outcome")

    one = Findings(describe(diary).estimates, values={"one": "1"})
    both = joined(one, attempt(("tbl-two",), lacks), one)
    assert len(both.estimates) == 2 * len(one.estimates) and both.could_not == {"tbl-two": "no such outcome"}
    with pytest.raises(ZeroDivisionError):
        attempt(("tbl-two",), lambda: Findings(one.estimates, values={"two": str(1 / 0)}))


def test_what_could_not_be_made_says_why_and_a_section_of_nothing_else_answers_nothing(found: Findings) -> None:
    nothing = Findings(found.estimates, could_not={"tbl-one": "no dose", "fig-one": "no dose", "tbl-two": "no name"})
    assert nothing.unanswered == "Could not estimate: no dose; no name."
    assert replace(nothing, values={"answer": "It cannot be told."}).unanswered == "It cannot be told."
    assert replace(nothing, tables=found.tables).unanswered is None and found.unanswered is None
    assert Findings(found.estimates).unanswered is None
    for label in ("tbl-two", "fig-one"):
        assert blocks.show(nothing, label).data["missing"] == nothing.could_not[label]
    # Could not be drawn, though the section has the figure.
    blank = replace(found, could_not={"fig-age-curve": "no age"})
    assert blocks.show(blank, "fig-age-curve").data["missing"] == "no age"


def test_a_section_shows_its_parts_and_what_a_kind_of_cohort_lacks_is_not_there(found: Findings) -> None:
    of_survey = analyses.run("second-opinion", survey(None))
    absent = blocks.show(of_survey, "tbl-second-opinions")
    assert absent.kind == "absent" and absent.views["text/plain"].endswith("this kind of cohort has none")
    for label in (*found.tables, *found.figures):
        block = blocks.show(found, label)
        assert block.data["label"] == label and "missing" not in block.data
    with pytest.raises(ReportError, match="the analysis has no part 'tbl-frequnecy'; its parts: tbl-frequency, "):
        blocks.show(found, "tbl-frequnecy")
    blocks.record_findings(found)
    assert blocks.prose("{{frequency}}").views["text/markdown"].startswith("Among people aged 20")


def test_an_unknown_name_lists_the_names(run: Run) -> None:
    code, out, err = run("analyse", "age-and-muscel", "nowhere")
    assert code == 2 and not out and "did you mean age-and-muscle?" in err
    for name, analysis in analyses.ANALYSES.items():
        assert f"{name}: {analysis.question}" in err


def test_what_is_not_drawn_needs_no_matplotlib() -> None:
    program = (
        "import sys; from crampstudy import analyses; from crampstudy.simulate import simulate\n"
        "from crampstudy.analyses.registry import run_others\n"
        "cohort = simulate(12, 10, seed=3)\n"
        "others = run_others(cohort, analyses.Settings())\n"
        "for name, each in analyses.ANALYSES.items():\n"
        "    if each.draws_on_others and not each.on_request: analyses.run(name, cohort, others=others)\n"
        "assert not {'matplotlib', 'seaborn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_the_command_names_what_it_prints(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    package.write(simulate(40, 20, seed=1), folder, "csv")
    code, out, _ = run("analyse", "age-and-muscle", str(folder))
    assert code == 0 and "simulated: incidence rate" in out and "simulated: muscle" in out
    code, out, _ = run("analyse", "second-opinion", str(folder))
    assert code == 0 and "Models refitted by statsmodels" in out and "parameters agree in" in out
    # Of a condition the account is of those who meet it.
    code, out, _ = run("analyse", "age-and-muscle", str(folder), "--where", "sex = 'female'")
    assert code == 0 and "left out (outside the condition)" in out


@pytest.mark.slow
def test_nothing_estimated_is_exit_code_6(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    package.write(simulate(6, 5, seed=1), folder, "csv")
    file = folder / "diary.csv"
    nights = pl.read_csv(file, infer_schema=False)
    nights.with_columns(cramps=pl.lit(None), entry_made=pl.lit("false")).write_csv(file)
    code, out, err = run("analyse", "age-and-muscle", str(folder), "--json")
    assert (code, json.loads(out)) == (6, [])
    assert "could not estimate fig-age-curve, tbl-frequency, " in err and "no row of the cohort's diary has" in err
    assert run("analyse", "cohort", str(folder), "--csv")[0] == 0


def test_the_page_lists_every_analysis() -> None:
    page = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
    assert page.split(analyses_page.BEGIN)[1].split(analyses_page.END)[0].strip() == analyses_page.page()


def test_columns_and_tables_without_an_estimate_are_left_out(another: Callable[..., None], diary: Cohort) -> None:
    lost = estimates.frame([estimates.row(status="not_estimable", analysis=kinds.INCIDENCE_RATE.name, note="too few")])
    known = pd.DataFrame(
        {
            "Participants": ["3", "9"],
            "At least one a week, % (95% CI)": ["could not estimate", "–"],
            "Ever, % (95% CI)": ["could not estimate", "50.0 (20.0–80.0)"],
        },
        index=pd.Index(["20–39", "40–49"], name="Age"),
    )
    none = known.drop(columns="Ever, % (95% CI)")

    def made(cohort: Cohort, settings: Settings) -> Findings:
        shown = {"tbl-some": ReportTable(known, "A caption.", "A note."), "tbl-none": ReportTable(none, "A caption.")}
        return Findings(lost, shown, values={"said": "so"})

    another(made, ("tbl-some", "tbl-none"))
    found = analyses.run("another", diary)
    assert list(found.tables["tbl-some"].frame.columns) == ["Participants", "Ever, % (95% CI)"]
    assert found.tables["tbl-some"].note == "No row has an estimate of at least one a week. A note."
    assert found.could_not == {"tbl-none": "too few"}
    assert found.values["not_estimated"] == "Could not estimate: too few."
