"""The prose of a section reads in its notebook as in the report: values, references and works in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import papermill as pm
import pytest
from test_report_typeset import code, gathered, text

from crampstudy.report import MIME, ReportError, blocks, outline, prose, run, warm
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

ROOT = Path(__file__).parents[1]
PLAIN = "age-and-muscle"
"""The section that runs as Jupyter itself runs it; the kernels of the others are forked."""
HAIR = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("@tbl-b and @tbl-a, then @tbl-b", f"Table{HAIR}1 and Table{HAIR}2, then Table{HAIR}1"),
        ("@fig-a beside @tbl-a.", f"Figure{HAIR}1 beside Table{HAIR}1."),
        ("see [@fig-a; @tbl-a] and -@fig-a", f"see Figure{HAIR}1, Table{HAIR}1 and 1"),
        ("@eq-rate of @sec-age-curve", f"Equation{HAIR}1 of Section “age curve”"),
        ("as [@naylor1994; @grandner2017] say", "as (Naylor and Young 1994; Grandner and Winkelman 2017) say"),
        ("@hall1992 and [-@hall1992]", "Hall (1992) and (1992)"),
        ("[@ahmad2001, p. 3; @zeileis2020]", "(Ahmad et al. 2001, p. 3; Zeileis, Köll, and Graham 2020)"),
        ("{{ n }} of {{n}}; {{later}}", "5\\* of 5\\*; {{later}}"),
        ("me@example.org and @nobody2020", "me@example.org and @nobody2020"),
        ('## Age {#sec-age}\n\n::: {#eq-r alt="r"}\n$$x$$\n:::\n', "## Age\n\n$$x$$\n"),
    ],
)
def test_what_the_report_resolves_is_shown_in_words(written: str, shown: str) -> None:
    assert prose.Section({"n": "5*"}).shown(written) == shown


def test_every_work_of_the_bibliography_has_authors_and_a_year() -> None:
    for key, (authors, year) in prose._works().items():
        assert authors and "{" not in authors and "\\" not in authors and year in key, key


def test_the_report_gets_what_was_written(tmp_path: Path) -> None:
    block = blocks.prose("""
        Of {{few}}, see @tbl-rates [@hall1992].

        Second.
    """)
    assert block.data == {"markdown": "Of {{few}}, see @tbl-rates [@hall1992].\n\nSecond."}
    made = gathered(tmp_path, [text("# Age"), code(block), code(blocks.value("few", "5*"))]).markdown
    assert "# Age\n\nOf 5\\*, see @tbl-rates [@hall1992].\n\nSecond." in made
    with pytest.raises(ReportError, match="the prose is empty"):
        blocks.prose(" \n")
    with pytest.raises(ReportError, match=r"unknown value \{\{many\}\}"):
        gathered(tmp_path, [code(blocks.prose("{{many}}"))])
    labelled = code(blocks.prose("# A {#sec-one}"))
    with pytest.raises(ReportError, match="label 'sec-one' is defined in n0 and again in n0"):
        gathered(tmp_path, [labelled, labelled])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prose") / "made"
    package.write(simulate(12, 10, seed=1), folder, "csv")
    return folder


# What draws on the others runs them all when it is run by hand: the summary stands for it, and whole reports run each.
_AS_THE_SUMMARY = ("claims", "methods", "definitions")
_OUTLINED = [path.stem for path in outline.read(ROOT / "notebooks").notebooks]
BY_HAND = [*(name for name in _OUTLINED if name not in _AS_THE_SUMMARY), "custom"]


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_HAND)
def test_a_section_run_by_hand_shows_nothing_unresolved(name: str, made: Path, kernels: Path, tmp_path: Path) -> None:
    path, executed = ROOT / "notebooks" / f"{name}.ipynb", tmp_path / "executed.ipynb"
    if name == PLAIN:
        note = tmp_path / "loaded.txt"
        tell = f"import sys, pathlib; pathlib.Path({str(note)!r}).write_text(' '.join(sys.modules))"
        notebook = nbformat.read(path, 4)
        notebook.cells.append(nbformat.v4.new_code_cell(tell))
        nbformat.write(notebook, tmp_path / "own.ipynb")
        pm.execute_notebook(tmp_path / "own.ipynb", executed, {"source": str(made)}, progress_bar=False, cwd=tmp_path)
        assert set(warm.PRELOADED) <= set(note.read_text().split()), "a module is loaded ahead that no notebook uses"
    else:
        run.execute(path, executed, {"source": str(made)}, run.Options(cwd=tmp_path, server=kernels))
    shown = [data for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"] for data in outputs(cell)]
    assert sum(MIME in data for data in shown) >= 4
    texts = ["".join(data.get("text/markdown", data.get("text/plain", ""))) for data in shown]
    assert not [said for said in texts if "{{" in said or "@" in said]
    captions = [said for said in texts if said.startswith(("**Table", "**Figure"))]
    assert len(captions) == sum(data[MIME]["kind"] in ("table", "figure") for data in shown if MIME in data)


def outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [out["data"] for out in cell.get("outputs", ()) if "data" in out]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a column site $x$ *b* @e <f>, kept", r"a column site \$x\$ \*b\* \@e \<f\>, kept"),
        (
            "by Lumley [@lumley2004] and @hall1992; see @tbl-flow",
            "by Lumley [@lumley2004] and @hall1992; see @tbl-flow",
        ),
        ("[@nobody1900] is none", r"\[\@nobody1900\] is none"),
        ("write to a@lumley2004", r"write to a\@lumley2004"),
        ("--unlogged zero, 3 - 2", r"\-\-unlogged zero, 3 - 2"),
    ],
)
def test_a_text_of_an_analysis_is_no_markup_but_for_its_citations(text: str, markdown: str) -> None:
    assert prose.cited(text) == markdown
