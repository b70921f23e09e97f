"""Parameters are read strictly and refused before anything runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import papermill as pm
import pytest

from crampstudy.errors import ParameterError
from crampstudy.report import params
from crampstudy.report.params import in_kernel
from crampstudy.report.params.declarations import declarations

ROOT = Path(__file__).parents[1]

DECLARED = """from typing import Literal
source: str = "x"  # the cohort
age_bands: list[int] = [20, 40, 60]  # lower limits, years
ci_level: float = 0.95  # coverage
standard: Literal["who", "esp2013", "none"] = "who"
label: str | None = None
small: bool = False
draws: int = 10
names: list[str] = ["a"]
"""


def notebook(folder: Path, *cells: str, name: str = "one") -> Path:
    content = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell} for cell in cells]
    # A parameter that no cell reads is a mistake.
    read = "\n".join(re.findall(r"^(\w+)\s*[:=]", "\n".join(cells), re.MULTILINE))
    content.append({"cell_type": "code", "metadata": {}, "source": read})
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": content}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("age_bands=20,50", {"age_bands": [20, 50]}),
        ("age_bands=[20, 50]", {"age_bands": [20, 50]}),
        ("age_bands=20", {"age_bands": [20]}),
        ("ci_level=0.9", {"ci_level": 0.9}),
        ("ci_level=.5", {"ci_level": 0.5}),
        ("standard=esp2013", {"standard": "esp2013"}),
        ("standard='none'", {"standard": "none"}),
        ("label=null", {"label": None}),
        ("label=no", {"label": "no"}),
        ("label=a=b", {"label": "a=b"}),
        ("small=true", {"small": True}),
        ("draws=010", {"draws": 10}),
        ("names=no,1:30", {"names": ["no", "1:30"]}),
    ],
)
def test_a_setting_is_read_as_its_type_says(tmp_path: Path, setting: str, expected: dict[str, Any]) -> None:
    assert params.check([notebook(tmp_path, DECLARED)], [setting]) == expected


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("age_band=20,40", "did you mean age_bands"),
        ("zzz=1", "known are: age_bands"),
        ("age_bands=20,x", "a whole number"),
        ("age_bands=", "a list, e.g. 20,40,60"),
        ("age_bands=[20", "a list"),
        ("age_bands=[[20]]", "a list"),
        ("ci_level=high", "a number"),
        ("ci_level=1", "between 0 and 1"),
        ("age_bands=40,20", "must increase"),
        ("ci_level=nan", "a number"),
        ("standard=WHO", "one of who, esp2013, none"),
        ("small=1", "true or false"),
        ("draws=1.5", "a whole number"),
        ("draws", "name=value"),
        ("source=x", "cannot be set"),
    ],
)
def test_an_impossible_setting_names_what_is_allowed(tmp_path: Path, setting: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told) as caught:
        params.check([notebook(tmp_path, DECLARED)], [setting])
    assert caught.value.exit_code == 5


def test_a_name_set_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="set twice"):
        params.check([notebook(tmp_path, DECLARED)], ["draws=1", "draws=2"])


@pytest.mark.parametrize("cells", [(), ("x: int = 1", "y: int = 2")])
def test_a_notebook_has_one_parameters_cell(tmp_path: Path, cells: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError, match=f"has {len(cells)} cells tagged 'parameters'"):
        params.describe([notebook(tmp_path, *cells)])


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("x = 1", "name: type = default"),
        ("x: int", "name: type = default"),
        ("x: complex = 1", "type 'complex' is not known"),
        ("x: int = 1 + y", "plain literal"),
        ("x: int = 'a'", "is not a whole number"),
        ("x: int = True", "is not a whole number"),
        ("x: int =", "not Python"),
    ],
)
def test_a_line_that_declares_nothing_is_refused(tmp_path: Path, cell: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        params.describe([notebook(tmp_path, cell)])


def test_description_joins_notebooks_and_keeps_help(tmp_path: Path) -> None:
    one = notebook(tmp_path, DECLARED)
    two = notebook(tmp_path, "ci_level: float = 0.95\nsource: str = 'x'", name="two")
    known = {parameter.name: parameter for parameter in params.describe([one, two])}
    assert "source" not in known
    assert known["ci_level"].notebooks == ("one.ipynb", "two.ipynb")
    assert known["ci_level"].help == "coverage"
    assert known["label"].allowed == "text, or null"


def test_one_name_means_one_thing(tmp_path: Path) -> None:
    one = notebook(tmp_path, "bins: int = 3")
    two = notebook(tmp_path, "bins: int = 4", name="two")
    with pytest.raises(ParameterError, match=r"default 3\) in one.ipynb"):
        params.describe([one, two])


def test_an_own_notebook_takes_the_values_of_the_others(tmp_path: Path) -> None:
    one = notebook(tmp_path, "source: str = 'x'\nbins: int = 3\nlevel: float = 0.9")
    own = notebook(tmp_path, "source: str = 'y'\nbins: int = 4\nlevel: float | None = None\nmine: int = 1", name="own")
    known = {parameter.name: parameter.default for parameter in params.describe([one, own], own)}
    assert known == {"bins": 3, "level": 0.9, "mine": 1}
    values = params.check([one, own], ["level=0.8"], own)
    assert params.for_notebook(own, values, {"source": "/data"}) == {"source": "/data", "bins": 3, "level": 0.8}
    assert params.check([one, own], ["bins=7", "mine=2"], own) == {"bins": 7, "mine": 2, "level": 0.9}


def test_an_own_notebook_that_cannot_take_the_value_is_refused(tmp_path: Path) -> None:
    one = notebook(tmp_path, "level: float = 0.9")
    own = notebook(tmp_path, "level: int = 1", name="own")
    with pytest.raises(
        ParameterError, match=r"'level' is 0.9 in this report, as one.ipynb has it, and own.ipynb takes a whole"
    ):
        params.check([one, own], [], own)


@pytest.mark.parametrize(
    "line",
    [
        "source: str = 'y'",
        "source = 'y'",
        "source: str | None = None",
        "source: Path = Path.home() / 'study'",
        "source: str = os.environ['STUDY']",
        "source: str",
    ],
)
def test_the_default_of_source_may_be_anything(tmp_path: Path, line: str) -> None:
    one = notebook(tmp_path, "source: str = 'x'\nbins: int = 3")
    own = notebook(tmp_path, f"import os\nfrom pathlib import Path\n{line}  # mine\nbins: int = 4", name="own")
    assert [parameter.name for parameter in params.describe([one, own], own)] == ["bins"]
    values = params.check([one, own], [], own)
    assert params.for_notebook(own, values, {"source": "/data"}) == {"source": "/data", "bins": 3}


PARAMETERS = (
    'source: str = "../data/synthetic"\nage_bands: list[int] = [20, 40]  # years\nci_level: float = 0.95\n'
    'standard: Literal["who", "none"] = "who"'
)
GIVEN = {"source": "x", "age_bands": [20, 40], "ci_level": 0.95, "standard": "who"}


def injected(**values: Any) -> tuple[list[str], dict[str, Any]]:
    """The cells and the variables of a kernel when papermill has set values."""
    lines = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    return ["", "from typing import Literal", PARAMETERS, f"# Parameters\n{lines}\n", "params.check_kernel()"], (
        GIVEN | values
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ci_levl": 0.9}, "unknown parameter 'ci_levl'; did you mean ci_level?"),
        ({"ci_level": 0.9, "agebands": [20]}, "unknown parameter 'agebands'; did you mean age_bands?"),
        ({"zzz": 1}, "unknown parameter 'zzz'; known are: age_bands, ci_level, source, standard"),
        ({"ci_level": "high"}, "'high' is not allowed; it takes a number between 0 and 1, such as 0.95"),
        ({"ci_level": 95}, "parameter 'ci_level': 95 is not allowed; it lies between 0 and 1, such as 0.95"),
        ({"ci_level": True}, "it takes a number between 0 and 1"),
        ({"age_bands": "20,60"}, "it takes a list, e.g. 20,40,60, each a whole number "
         "(papermill … -y 'age_bands: [20, 40]')"),
        ({"age_bands": [60, 20]}, "must increase"),
        ({"standard": "WHO"}, "'WHO' is not allowed; it takes one of who, none"),
    ],
)  # fmt: skip
def test_what_papermill_sets_is_held_against_the_parameters_cell(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        in_kernel.check(*injected(**values))
    assert told in str(caught.value)


def test_a_parameter_of_a_section_that_is_left_out_is_told_from_an_unknown_one(tmp_path: Path) -> None:
    one = notebook(tmp_path, "level: float = 0.9")
    others = [tmp_path / f"{name}.ipynb" for name in ("bins", "more")]
    for other in others:
        other.write_bytes(notebook(tmp_path, "bins: int = 7").read_bytes())
    one = notebook(tmp_path, "level: float = 0.9")
    with pytest.raises(ParameterError) as caught:
        params.check([one], ["bins=8"], left_out=others)
    assert str(caught.value) == (
        "no chosen section reads the parameter 'bins'; it is read by bins and more: leave it out, or take one of them "
        f"as well, such as --sections {one.stem},bins"
    )
    with pytest.raises(ParameterError, match="unknown parameter 'bin'"):
        params.check([one], ["bin=8"], left_out=others)


def test_a_kernel_with_the_right_parameters_is_no_error() -> None:
    in_kernel.check(*injected(ci_level=0.5, age_bands=[20], source="elsewhere"))
    # By hand, with cells before and after, and with a slip of an earlier run that was put right.
    in_kernel.check(["", "x: int = 'no parameter'", "%magic x", PARAMETERS, "a = source"], GIVEN)
    wrong, _ = injected(ci_levl=0.9)
    in_kernel.check([*wrong, *injected(ci_level=0.9)[0]], GIVEN)
    with pytest.raises(ParameterError, match="it lies between"):
        in_kernel.check(["", PARAMETERS], GIVEN | {"ci_level": 2})
    # Outside of a notebook there is nothing to check.
    params.check_kernel()


def test_a_misspelt_parameter_ends_a_notebook_under_papermill(tmp_path: Path) -> None:
    """With one line in the notebook; papermill's own lines are papermill's."""
    path = ROOT / "notebooks" / "second-opinion.ipynb"
    with pytest.raises(pm.PapermillExecutionError, match="unknown parameter 'age_band'; did you mean age_bands"):
        pm.execute_notebook(path, tmp_path / "out.ipynb", {"age_band": [20]}, progress_bar=False, cwd=tmp_path)
    with pytest.raises(pm.PapermillExecutionError, match=r"SourceError: there is no folder \.\./data/synthetic"):
        pm.execute_notebook(path, tmp_path / "out.ipynb", progress_bar=False, cwd=tmp_path)
    executed = json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))["cells"]
    (error,) = (out for cell in executed for out in cell.get("outputs", ()) if out["output_type"] == "error")
    assert len(error["traceback"]) == 1 and "\n" not in error["traceback"][0]
    assert error["traceback"][0].startswith("SourceError: there is no folder ../data/synthetic; give the folder that")


def test_a_notebook_takes_only_what_it_declares(tmp_path: Path) -> None:
    one = notebook(tmp_path, "bins: int = 3")
    two = notebook(tmp_path, "source: str = 'x'\nci_level: float = 0.9", name="two")
    values = params.check([one, two], ["bins=7", "ci_level=0.8"])
    assert params.for_notebook(one, values, {"source": "/data"}) == {"bins": 7}
    assert params.for_notebook(two, values, {"source": "/data"}) == {"ci_level": 0.8, "source": "/data"}


def test_what_is_no_notebook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.ipynb"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"text.ipynb cannot be read"):
        params.describe([path])


def test_the_page_of_own_sections_says_what_happens() -> None:
    page = (ROOT / "docs" / "custom-sections.md").read_text(encoding="utf-8")
    (cell,) = re.findall(r"^```python\n(source: .*?)^```", page, re.MULTILINE | re.DOTALL)
    known = [parameter.name for parameter in declarations(cell, "the page")]
    assert known == ["source", "ci_level", "terms"]
    with pytest.raises(ParameterError) as caught:
        in_kernel.check(["", cell, "# Parameters\nci_levl = 0.9\n"], {})
    assert f"ParameterError: {caught.value}\n" in page


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("print(bins)", True),
        ("f(x=bins)", True),
        ("%time f(bins)", True),
        ("!echo {bins}", True),
        ("bins = 3", False),
        ("text = 'bins'  # bins", False),
        ("def bins(): ...", False),
    ],
)
def test_a_parameter_that_no_cell_reads_is_a_mistake(tmp_path: Path, cell: str, read: bool) -> None:
    path = tmp_path / "own.ipynb"
    declared = {"metadata": {"tags": ["parameters"]}, "source": 'source: str = "x"\nbins: int = 5  # bins'}
    cells = [{"cell_type": "code", **declared}, {"cell_type": "code", "metadata": {}, "source": cell}]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    if read:
        assert [each.name for each in params.describe([path])] == ["bins"]
        return
    with pytest.raises(ParameterError, match=r"own\.ipynb declares the parameter 'bins' and no cell reads it"):
        params.check([path], [])


def test_the_parameters_of_the_report_are_listed(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(ROOT / "notebooks"))
    code, out, _ = run("report", "--list-parameters")
    assert code == 0 and "age_bands=20,40,50,60,70,80: lower limits of the age bands, in years; takes a list" in out
    assert "where=null: a condition on participants" in out and "hemisphere=north" in out
    # What the report gives itself is nobody's to set.
    assert "source" not in out and "results" not in out
    code, out, _ = run("report", "--list-parameters", "cohort")
    assert code == 0 and "ci_level=0.95" in out and "hemisphere" not in out
    code, _, err = run("report", "--list-parameters", "cohrt")
    assert code == 2 and "did you mean cohort" in err
    own = notebook(tmp_path, 'source: str = "x"\nterms: str = "sex"  # terms', name="own")
    code, out, _ = run("report", "--list-parameters", str(own))
    assert (code, out) == (0, "terms=sex: terms; takes text\n")
    code, _, err = run("report")
    assert code == 2 and "name the source of a report" in err


NOTEBOOKS = [Path(__file__).parents[1] / "notebooks" / f"{name}.ipynb" for name in ("age-and-muscle", "season")]


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("hemisphere=South", "hemisphere=south"),
        ("hemisphere=sout", "hemisphere=south"),
        ("hemisphere=equator", "hemisphere=north"),
        ("standard=WHO", "standard=who"),
        ("reference_band=<20", "20-39"),
    ],
)
def test_what_is_proposed_is_what_was_meant(setting: str, meant: str) -> None:
    """A capital letter is no reason for another choice."""
    with pytest.raises(ParameterError) as refused:
        params.check(NOTEBOOKS, [setting])
    assert refused.value.correction is not None and refused.value.correction[1] == meant


@pytest.mark.parametrize(
    ("setting", "proposed"),
    [
        ("hemisphere=1", ["hemisphere=north", "hemisphere=south"]),
        ("standard=x", ["standard=who", "standard=esp2013", "standard=none"]),
        ("hemisphere=Süd", ["hemisphere=north", "hemisphere=south"]),
        ("hemisphere=S", ["hemisphere=north", "hemisphere=south"]),
        ("hemisphere=sout", ["hemisphere=south"]),
    ],
)
def test_of_few_choices_none_is_proposed_before_another(setting: str, proposed: list[str]) -> None:
    with pytest.raises(ParameterError) as refused:
        params.check(NOTEBOOKS, [setting])
    error = refused.value
    assert error.correction is not None and [error.correction[1], *error.others] == proposed


def test_each_of_few_choices_has_its_command(run: Any, tmp_path: Path) -> None:
    code, _, err = run("report", str(tmp_path), "--set", "hemisphere=1")
    report = f"crampstudy report {tmp_path} --set hemisphere="
    assert code == 5 and err.strip().endswith(f"run: {report}north, or: {report}south")
