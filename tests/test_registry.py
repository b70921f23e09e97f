"""A family of models is one record, and what goes with it: a comparison with R, an example, recovery, known checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
import recovery_keys
from asking import request
from recovery_asked import ASKED

from crampstudy import fit, models
from crampstudy.checks import check_model
from crampstudy.errors import UsageError
from crampstudy.models import validation
from crampstudy.models.family import NIGHT_CHECKS, PROPORTIONALITY, Family
from crampstudy.models.registry import FAMILIES, NIGHT_FAMILIES, listing
from crampstudy.models.request import ModelOptions
from crampstudy.simulate import simulate

DOCS = Path(__file__).resolve().parents[1] / "docs"
PARITY, MODELS = ((DOCS / name).read_text(encoding="utf-8") for name in ("parity.md", "models.md"))
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
NUMBERS = {"linear", "mixed-linear", "survey-linear"}
"""Whose outcomes the simulation states no truth of: `tests/test_linear.py` draws some and counts what is covered."""
Run = Callable[..., tuple[int, str, str]]


def missing(family: Family) -> list[str]:
    """Return what a family lacks that every other has."""
    name = family.name
    # test_parity holds the page to the scripts and their numbers.
    lacking = [] if f"\n| {name} |" in PARITY else ["a comparison with R: tests/parity and `make parity`"]
    if not re.search(rf"--model {name}[ \n]|[\"']{name}[\"']", MODELS):
        lacking.append("an example in docs/models.md")
    if name not in {asked.model for asked in ASKED} | NUMBERS:
        lacking.append("recovery: tests/recovery/recovery_asked.py")
    if name not in NUMBERS and not any(name.startswith(start) for start in recovery_keys.OWN):
        lacking.append("the modules it rests on: tests/recovery/recovery_keys.py")
    unknown = {*family.checks} - {*NIGHT_CHECKS, PROPORTIONALITY}
    lacking += [f"a check named {check!r}: crampstudy/checks" for check in sorted(unknown)]
    if (PROPORTIONALITY in family.checks) != (family.proportionality is not None):
        lacking.append("its test of proportionality, or the name of that check")
    if (family.counterpart is None) != bool(family.no_counterpart):
        lacking.append("a counterpart in statsmodels, or why there is none")
    unknown = family.options - {field.name for field in fields(ModelOptions)}
    return lacking + [f"the option {option!r} in ModelOptions" for option in sorted(unknown)]


def test_nothing_is_missing_of_any_family() -> None:
    assert {name: lacking for name, family in FAMILIES.items() if (lacking := missing(family))} == {}


def test_what_is_missing_of_a_new_family_is_named() -> None:
    new = replace(
        NIGHT_FAMILIES["poisson"],
        name="brand-new",
        checks=("kurtosis",),
        counterpart=None,
        options=frozenset({"knots"}),
    )
    said = missing(new)
    assert [line.split(":")[0].split(" in ")[0] for line in said] == [
        "a comparison with R",
        "an example",
        "recovery",
        "the modules it rests on",
        "a check named 'kurtosis'",
        "a counterpart",
        "the option 'knots'",
    ]


def test_no_module_but_its_own_and_the_registry_knows_a_family() -> None:
    package = Path(models.__file__).parent
    # Three are names of distributions and links as well.
    of_families = FAMILIES.keys() - {"poisson", "negative-binomial", "logistic"}
    names = re.compile(rf"[\"']({'|'.join(of_families)})[\"']")
    known = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if names.search(re.sub(r'"""(.|\n)*?"""', "", path.read_text(encoding="utf-8")))
    }
    allowed = re.compile(r"(nights|surveys)/families/\w+\.py|(times|classes)/family\.py")
    assert {path for path in known if not allowed.fullmatch(path)} == set()


def test_the_page_lists_what_the_registry_has() -> None:
    rows = listing().itertuples(index=False)
    made = ["| model | fitted to | outcomes | covariances | options |", "|---|---|---|---|---|"]
    made += ["| " + " | ".join([f"`{name}`", *cells]) + " |" for name, *cells in rows]
    assert MODELS.split(BEGIN)[1].split(END)[0].strip().splitlines() == [line.replace("|  |", "| |") for line in made]
    questions = MODELS.split("## ")[0]
    assert [name for name in FAMILIES if f"`{name}`" not in questions] == []


def test_the_command_lists_name_outcomes_and_covariances(run: Run) -> None:
    code, out, err = run("models")
    assert (code, err) == (0, "")
    for name, family in FAMILIES.items():
        (line,) = (line for line in out.splitlines() if line.split()[:1] == [name])
        assert all(outcome in line for outcome in family.outcomes[:1]) and "auto" in line
    code, out, _ = run("models", "--json")
    rows = {row["model"]: row for row in json.loads(out)}
    assert code == 0 and list(rows) == list(FAMILIES) == list(models.MODELS)
    assert rows["negative-binomial"]["covariances"].split(", ")[-1] == "cluster-joint"
    assert rows["gee-ar1"]["outcomes"] == "cramps, cramp_night, any number of the diary"
    assert rows["interval-count"]["options"] == "at_most, near_nightly"
    code, out, _ = run("models", "--csv")
    assert code == 0
    assert 'cox,cramps or gaps,"relief, gap","auto, cluster, cluster-hc0, model",' in out.splitlines()
    code, _, err = run("models", "--json", "--csv")
    assert code == 2 and "choose one of --json and --csv" in err


@pytest.mark.parametrize("name", FAMILIES)
def test_an_option_that_a_family_does_not_take_is_refused_with_those_that_do(name: str) -> None:
    given = {"random_slope": "sex", "zero_terms": "sex", "free_terms": "sex", "at_most": 30, "near_nightly": True}
    cohort, family = simulate(3, 2, seed=1), FAMILIES[name]
    outcome = family.outcomes[0] if family.outcomes else "sleep_hours"
    assert {*given} == {field.name for field in fields(ModelOptions)}
    for option, value in given.items():
        asked = request(cohort, name, "sex", outcome, **{option: value})
        if option in family.options:
            assert validation.validate(asked) == asked
            continue
        with pytest.raises(UsageError, match=name) as refused:
            validation.validate(asked)
        able = [other for other in FAMILIES if option in FAMILIES[other].options]
        assert able and all(other in str(refused.value) for other in able)


def test_a_survey_refuses_a_random_slope_and_does_not_forget_it() -> None:
    with pytest.raises(UsageError, match="survey-logistic has no random slope; models that do: mixed-poisson"):
        fit(simulate(3, 2, seed=1), model="survey-logistic", terms="sex", random_slope="sex")


def test_a_family_under_another_name_is_asked_and_said() -> None:
    asked = validation.validate(request(simulate(3, 2, seed=1), "mixed-poisson", "sex", "cramp_night"))
    assert (asked.model, asked.remarks) == ("mixed-logistic", ("mixed-poisson of cramp_night is mixed-logistic",))
    assert validation.validate(asked) == asked


def test_what_is_checked_is_what_says_so() -> None:
    for name, family in FAMILIES.items():
        if family.checks:
            check_model(name)
        else:
            with pytest.raises(UsageError, match=f"no checks of {name}; of these there are: poisson"):
                check_model(name)
