"""What a formula may hold: everything else is refused before anything is evaluated."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from formulaic.utils import stateful_transforms, variables
from hypothesis import given
from hypothesis import strategies as st
from odd_cohort import ODD, N, cohort

from crampstudy import fit
from crampstudy.checks import check
from crampstudy.errors import UsageError
from crampstudy.models.bootstrap import bootstrap
from crampstudy.models.terms import design_matrix, formula, functions
from crampstudy.models.terms.columns import coded, decoded
from crampstudy.models.terms.design_matrix import Column
from crampstudy.models.terms.functions import FUNCTIONS, Function
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[1]
HOSTILE = [
    "I(__import__('os').system('touch HIT'))",
    "{open('HIT', 'w')}",
    "np.save('HIT', age_years)",
    "np.savetxt(fname='HIT', X=age_years)",
    "C(open('HIT', 'w'))",
    "Q(open('HIT', 'w'))",
    "ns(age_years, df=open('HIT', 'w'))",
    "log(open('HIT', 'w'))",
    "offset(open('HIT', 'w'))",
    "weights(open('HIT', 'w'))",
    "sex + poly(age_years, degree=len([open('HIT', 'w')]))",
    "C(sex, contr.treatment(open('HIT', 'w')))",
    "C(sex, ref=open('HIT', 'w'))",
    "C(sex, contr.custom({'a': open('HIT', 'w')}))",
    "age_years[open('HIT', 'w')]",
    "log(age_years[open('HIT', 'w')])",
    "I(age_years.to_csv('HIT'))",
    "I(().__class__.__base__.__subclasses__())",
    "I((lambda: open('HIT', 'w'))())",
    "I([open(f, 'w') for f in ['HIT']])",
    'I(f\'{open("HIT", "w")}\')',
    "I((x := open('HIT', 'w')))",
    "log(age_years, out=open('HIT', 'w'))",
    "log(*[open('HIT', 'w')])",
    "log(**{'x': open('HIT', 'w')})",
    "(log)(open('HIT', 'w'))",
    "log(age_years)(open('HIT', 'w'))",
    "getattr(np, 'save')('HIT', age_years)",
    'eval(\'open("HIT", "w")\')',
    'sex:exec(\'open("HIT", "w")\')',
    "sex + `age_years`.to_csv('HIT')",
    "age_years if open('HIT', 'w') else sex",
    "I(age_years and open('HIT', 'w'))",
    "ns(age_years, _state=open('HIT', 'w'))",
    "ns(log(age_years), _context={'a': open('HIT', 'w')})",
    'cr(age_years, df=3, constraints=\'"];open("HIT","w");["\')',
    'ns(I(sex == \'"] or open("HIT", "w")\'))',
    "C(sex, levels=[open('HIT', 'w')])",
    "center(age_years) + print(open('HIT', 'w'))",
    "I(age_years)\n__import__('os').system('touch HIT')",
    "hashed(sex, hash_func=open)",
    "sex ~ open('HIT', 'w')",
    "sex | open('HIT', 'w')",
    "I(@open('HIT', 'w'))",
]
ENDLESS = [
    "I(9 ** 9 ** 9 ** 9)",
    "I(9 ** 9 ** 9 * age_years)",
    "I('a' * 10 ** 9)",
    "I('a' * 999999999 == sex)",
    "C(sex, ref='a' * 10 ** 9)",
    "(a + b + c + d + e + f + g + h) ^ 20",
    "(a + b + c + d + e + f + g + h + i) ^ 9",
    "(a + b) ^ 99999999999",
    "*".join(f"x{i}" for i in range(40)),
    "ns(age_years, df=1000000000)",
    "poly(age_years, degree=1000000000)",
    "I(" + "9" * 5000 + ")",
    "(" * 5000 + "sex" + ")" * 5000,
    "log(" * 3000 + "age_years" + ")" * 3000,
    "I(" + "-" * 4000 + "age_years)",
    "I(" + "+".join(["age_years"] * 900) + ")",
    "+".join(["age_years"] * 5000),
    "-" * 100_000 + "age_years",
    "`" * 9_999,
    "\x00",
    "\ud800",
    "I('\x00' == sex)",
]


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any evaluation by formulaic fail the test."""

    def evaluated(*_: Any, **__: Any) -> None:
        raise AssertionError("the formula was evaluated")

    monkeypatch.setattr(stateful_transforms, "eval", evaluated, raising=False)
    monkeypatch.setattr(variables, "eval", evaluated, raising=False)
    monkeypatch.setattr("formulaic.materializers.base.stateful_eval", evaluated)


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize("terms", [*HOSTILE, *ENDLESS], ids=lambda terms: ascii(terms[:40]))
def test_what_is_no_formula_is_refused_before_anything_is_evaluated(
    terms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = cohort()
    hurdle = {"model": "hurdle-negative-binomial", "terms": "sex"}
    for ask in (
        lambda: formula.parse(terms),
        lambda: fit(made, model="poisson", terms=terms),
        lambda: fit(made, **hurdle, zero_terms=terms),
        lambda: fit(made, model="ordinal", outcome="recalled_class", terms="sex", free_terms=terms),
        lambda: check(made, model="poisson", terms=terms, rng=np.random.default_rng(1)),
        lambda: bootstrap(made, model="poisson", terms=terms, rng=np.random.default_rng(1)),
    ):
        with pytest.raises(UsageError) as refused:
            ask()
        assert len(str(refused.value)) < 3000
    assert not list(tmp_path.iterdir())


def test_a_random_slope_takes_the_same_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for slope in HOSTILE[:10]:
        with pytest.raises(UsageError):
            fit(cohort(), model="mixed-poisson", terms="age_years", random_slope=slope)
    assert not list(tmp_path.iterdir())


PARTS = (
    *("sex", "age_years", "`shoe size`", "I", "C", "ns", "log", "open", "'HIT'", "__import__", "f'{open}'", "lambda"),
    *("not", "if", "else", "for", "in", "ref", "df", "df=3", "**", "%in%", "==", *'()()[]{}+-*^:/<,=.019x`@\\"'),
)


@given(st.lists(st.sampled_from(PARTS), max_size=14))
def test_whatever_is_written_is_refused_or_holds_nothing_but_columns_and_listed_functions(parts: list[str]) -> None:
    for glue in ("", " "):
        try:
            read = formula.parse(glue.join(parts))
        except UsageError:
            continue
        for term in read:
            for factor in term.factors:
                if factor.eval_method.value != "python":
                    continue
                tree = ast.parse(factor.expr, mode="eval")
                called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
                assert called <= {*FUNCTIONS, *functions.CODINGS}
                names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called
                assert not names & {"open", "__import__", "np", "I", "C", "ns", "log"}


@given(st.text(max_size=30))
def test_any_text_is_refused_or_read(terms: str) -> None:
    try:
        formula.parse(terms)
    except UsageError:
        return


@given(st.text(min_size=1, max_size=12).filter(lambda name: "`" not in name))
def test_a_column_of_any_name_is_found_in_backticks(name: str) -> None:
    assert formula.names_in(formula.parse(f"`{name}` + log(`{name}` + 1):sex")) == {name, "sex"}
    assert decoded(coded(name)) == name and coded(name).isidentifier()


def test_the_refusal_says_what_is_allowed(run: Run, tmp_path: Path) -> None:
    package.write(cohort(), tmp_path / "c", "csv")
    hit = tmp_path / "hit"
    for option, model in (("--terms", "poisson"), ("--zero-terms", "hurdle-negative-binomial")):
        terms = [] if option == "--terms" else ["--terms", "sex"]
        asked = [option, f"I(open('{hit}', 'w'))"]
        code, _, said = run("fit", str(tmp_path / "c"), "--model", model, *terms, *asked)
        assert code == 2 and not hit.exists()
        assert "the functions C, I, ns, poly" in " ".join(said.split())
    with pytest.raises(UsageError, match=r"nosuch\(\) is none of the functions .* columns \(in backticks"):
        formula.parse("nosuch(sex)")


def test_every_formula_of_the_documentation_and_the_notebooks_is_read() -> None:
    found: set[str] = set()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        found |= set(re.findall(r"--(?:zero-|free-)?terms[ =]\"([^\"…]+)\"", text))
        found |= set(re.findall(r"terms=\"([^\"…]+)\"", text))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            found |= set(re.findall(r"terms ?= ?\"([^\"]+)\"", "".join(cell["source"])))
    assert len(found) > 5
    for terms in sorted(found):
        assert formula.names_in(formula.parse(terms))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("", "1"),
        ("a * b", "1 + a + b + a:b"),
        ("(a + b + c) ^ 2", "1 + a + b + c + a:b + a:c + b:c"),
        ("(a + b) ** 2 - a:b", "1 + a + b"),
        ("a / b", "1 + a + a:b"),
        ("(a + b) / c", "1 + a + b + a:b:c"),
        ("b %in% a", "1 + a + a:b"),
        ("a:b + c", "1 + c + a:b"),
        ("a + b - a", "1 + b"),
        ("a + 1", "1 + a"),
        ("b:a + a:b", "1 + b:a"),
        ("(a + b):(c + d)", "1 + a:c + a:d + b:c + b:d"),
        ("tibia.length", "1 + tibia.length"),
        ("I(a ^ 2 / 10)", "1 + I(a ** 2 / 10)"),
        ("poly(a, degree=2, raw=True)", "1 + poly(a, degree=2, raw=True)"),
    ],
)
def test_terms_multiply_as_in_other_software(terms: str, expected: str) -> None:
    # What formulaic itself makes of it; the first and the last have no other reading.
    assert str(formula.parse(terms)) == expected


def test_every_odd_name_goes_through_the_whole_fit() -> None:
    made = cohort()
    for name in ODD:
        fitted = fit(made, model="poisson", terms=f"sex + log(`{name}`)").estimates
        plain = fit(cohort(z=pl.Series(made.frame("participants")[name])), model="poisson", terms="sex + log(z)")
        row = fitted[fitted["term"].str.startswith("log")].iloc[0]
        assert row["estimate"] == plain.estimates[plain.estimates["term"] == "log(z)"].iloc[0]["estimate"]
        alone = fit(made, model="negative-binomial", terms=f"`{name}` * sex")
        assert alone.estimates["status"].tolist()[:3] == ["converged"] * 3
        with pytest.raises(UsageError, match="acts together with sex"):
            alone.ratio({name: 2.0}, {name: 1.0})
        both = alone.ratio({name: 2.0, "sex": "male"}, {name: 1.0, "sex": "male"}).iloc[0]
        row = alone.estimates[alone.estimates["term"].isin([name, f"`{name}`"])].iloc[0]
        assert both["estimate"] == pytest.approx(row["estimate"])


def test_a_column_with_a_space_goes_through_the_command_line(run: Run, tmp_path: Path) -> None:
    package.write(cohort(), tmp_path / "c", "csv")
    code, out, _ = run("fit", str(tmp_path / "c"), "--model", "poisson", "--terms", "`shoe size` + log(`a:b`)")
    assert code == 0
    shown = [line.partition(" per ") for line in out.splitlines()[2:6] if " per " in line]
    assert [(term.strip(), unit[:14].strip()) for term, _, unit in shown] == [
        ("shoe size", "1"),
        ("a:b (log)", "2.72-fold rise"),
    ]


def test_a_random_slope_is_named_as_it_is_written() -> None:
    for slope in ("`shoe size`", "shoe size"):
        fitted = fit(cohort(), model="mixed-poisson", terms="`shoe size`", random_slope=slope).estimates
        assert "random slope" in set(fitted["term"])


def test_ref_is_the_reference_level() -> None:
    frame = cohort().frame("participants")
    every = np.ones(frame.height, dtype=bool)

    def columns(terms: str) -> list[tuple[str | None, str | None]]:
        return [(c.level, c.reference) for c in design_matrix.build(frame, terms, candidate=every).columns[1:]]

    assert columns("C(smoking, ref='former')") == [("never", "former"), ("current", "former")]
    assert columns("C(smoking, ref='former')") == columns("C(smoking, contr.treatment('former'))")
    assert columns('C(clinic, ref="don\'t know")') == [("a:b", "don't know"), ("north [1]", "don't know")]
    # A number's level is told as a number, whichever way it is written.
    for written in ("ref=1", "ref=1.0", "contr.treatment(1)", "Treatment(reference=1)"):
        assert columns(f"C(code, {written})") == [("0.0", "1.0"), ("2.0", "1.0")]
    assert columns("C(I(age_years > 50), ref=True)") == [("false", "true")]
    design = design_matrix.build(frame, "C(smoking, ref='former')", candidate=every)
    by_hand = np.column_stack([np.ones(N), frame["smoking"] == "never", frame["smoking"] == "current"])
    assert (design.matrix == by_hand).all()
    again = design.encode(frame.select("smoking").head(2).to_pandas())
    assert (again == by_hand[:2]).all()
    with pytest.raises(UsageError, match="ref='always' is none of the levels never, former, current"):
        columns("C(smoking, ref='always')")
    with pytest.raises(UsageError, match="levels lacks current, former"):
        columns("C(smoking, levels=['never'])")


def test_levels_with_brackets_and_colons_are_shown_whole() -> None:
    frame = cohort().frame("participants")
    columns = design_matrix.build(frame, "clinic + `x[T.1]|y~z`", candidate=np.ones(frame.height, dtype=bool)).columns
    assert columns[1:] == (
        Column("clinic", "don't know", "a:b"),
        Column("clinic", "north [1]", "a:b"),
        Column("x[T.1]|y~z"),
    )


def test_a_further_function_is_one_row_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "past", Function("past(x, nights=1)", {"nights": "count up to 50"}))  # type: ignore[arg-type]
    formula._parsed.cache_clear()
    assert str(formula.parse("past(steps, nights=2)")) == "1 + past(steps, nights=2)"
    with pytest.raises(UsageError, match=r"nights=99 is no count up to 50; write past\(x, nights=1\)"):
        formula.parse("past(steps, nights=99)")
    formula._parsed.cache_clear()
