"""What is said to a name that is not known: what it may have been meant for, and the command with that name."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from crampstudy import codebook, suggestions
from crampstudy.age_bands import AgeBands
from crampstudy.analyses import ANALYSES
from crampstudy.cli import _corrected
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.descriptive import describe
from crampstudy.errors import BandError, CrampstudyError, ParameterError, SourceError, UsageError
from crampstudy.models import fit
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.registry import FAMILIES
from crampstudy.models.terms.functions import FUNCTIONS
from crampstudy.report.params import suit
from crampstudy.report.params.declarations import declared
from crampstudy.simulate.scenario import presets
from crampstudy.sources import open_cohort
from crampstudy.sources.address import KINDS

ROOT = Path(__file__).resolve().parents[1]
DIARY = str(ROOT / "tests/parity/diary")
Run = Callable[..., tuple[int, str, str]]
VARIABLES = [variable.name for variable in codebook.VARIABLES]
LEVELS = [level for variable in codebook.VARIABLES for level in variable.levels]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        # The same words, otherwise written.
        ("Poisson", FAMILIES, ("poisson",)),
        ("Negative Binomial", FAMILIES, ("negative-binomial",)),
        ("NEGATIVE_BINOMIAL", FAMILIES, ("negative-binomial",)),
        ("AGE_YEARS", VARIABLES, ("age_years",)),
        ("age-years", VARIABLES, ("age_years",)),
        # Everyday words.
        ("negbin", FAMILIES, ("negative-binomial",)),
        ("nb", FAMILIES, ("negative-binomial",)),
        ("glm.nb", FAMILIES, ("negative-binomial",)),
        ("logit", FAMILIES, ("logistic",)),
        ("coxph", FAMILIES, ("cox",)),
        ("glmm", FAMILIES, ("mixed-poisson", "mixed-negative-binomial")),
        ("bmi", VARIABLES, ("bmi_kg_m2",)),
        ("BMI", VARIABLES, ("bmi_kg_m2",)),
        ("gender", VARIABLES, ("sex",)),
        ("Geschlecht", VARIABLES, ("sex",)),
        # Questions of a form.
        ("Wie alt sind Sie? [Jahre]", VARIABLES, ("age_years",)),
        ("How old are you? [years]", VARIABLES, ("age_years",)),
        ("What is your age (in years)?", VARIABLES, ("age_years",)),
        ("What is your gender?", VARIABLES, ("sex",)),
        ("age", VARIABLES, ("age_years",)),
        ("age", ["age_band", "sex"], ("age_band",)),
        ("Women", ["female", "male"], ("female",)),
        ("elderly", presets.names(), ("older-adults",)),
        ("confidence", ["age_bands", "ci_level"], ("ci_level",)),
        ("spss", KINDS, ("stat",)),
        # Names of more words.
        ("grip", VARIABLES, ("grip_strength_kg",)),
        ("vitamin_b1", VARIABLES, ("vitamin_b1_nmol_l",)),
        ("muscle", ANALYSES, ("age-and-muscle",)),
        ("older", presets.names(), ("older-adults",)),
        # Slips, also of an everyday word.
        ("negative-binomail", FAMILIES, ("negative-binomial",)),
        ("possion", FAMILIES, ("poisson",)),
        ("diabets", VARIABLES, ("diabetes",)),
        ("gendr", VARIABLES, ("sex",)),
        ("negbinn", FAMILIES, ("negative-binomial",)),
        ("serum_potasium_mmol_l", VARIABLES, ("serum_potassium_mmol_l",)),
        ("cohrt", ANALYSES, ("cohort",)),
        # Nothing is like it, or it means what is not there.
        ("zzz", FAMILIES, ()),
        ("gender", ["age_band", "smoking"], ()),
        ("", VARIABLES, ()),
        ("***", VARIABLES, ()),
        ("sex", ["sex"], ()),
    ],
)
def test_what_may_have_been_meant(name: str, known: Any, meant: tuple[str, ...]) -> None:
    assert suggestions.closest(name, known) == meant


def test_a_name_of_several_words_is_shown_in_quotes() -> None:
    assert suggestions.hint("somme college", ["some college"]) == "; did you mean 'some college'?"
    assert suggestions.hint("glmm", FAMILIES) == "; did you mean mixed-poisson or mixed-negative-binomial?"
    three = suggestions.hint("magnesium", VARIABLES)
    names = "serum_magnesium_mmol_l, dietary_magnesium_mg or supplement_magnesium_mg"
    assert three == f"; did you mean {names}?"


def test_every_everyday_word_means_a_name_that_there_is() -> None:
    text = files("crampstudy.suggestions").joinpath("synonyms.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    parameters = [each.name for path in (ROOT / "notebooks").glob("*.ipynb") for each in declared(path)]
    there = {*VARIABLES, *LEVELS, *FAMILIES, *ANALYSES, *presets.names(), *KINDS, *parameters, *get_args(Covariance)}
    there |= {"true", "false", *FUNCTIONS}
    assert [row for row in rows if not {*row["meant"].split("|")} <= there] == []
    assert len({(row["written"], row["meant"]) for row in rows}) == len(rows)
    # A word is looked up in small letters, its parts joined by underscores.
    assert [row for row in rows if row["written"] != suggestions._word(row["written"])] == []


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return open_cohort(DIARY)


@pytest.mark.parametrize(
    ("ask", "kind", "correction", "said"),
    [
        (lambda c: fit(c, model="negbin", terms="sex"), UsageError, ("negbin", "negative-binomial"), "no model 'neg"),
        (lambda c: fit(c, model="poisson", terms="gender"), UsageError, ("gender", "sex"), "did you mean sex"),
        (lambda c: fit(c, model="poisson", terms="bmi:sex"), UsageError, ("bmi", "bmi_kg_m2"), "terms name 'bmi'"),
        (
            lambda c: fit(c, model="poisson", terms="sex", exposure="hours"),
            *(UsageError, ("hours", "hours_in_bed"), "no exposure 'hours'; did you mean hours_in_bed? allowed: nights"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="sex", covariance="robust"),
            *(UsageError, ("robust", "cluster"), "no covariance 'robust'; did you mean cluster? allowed: auto"),
        ),
        (
            lambda c: fit(c, model="linear", terms="sex", outcome="hours"),
            *(UsageError, ("hours", "hours_in_bed"), "did you mean hours_in_bed? it has"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="sex", outcome="cramp"),
            *(UsageError, ("cramp", "cramps"), "poisson takes the outcome cramps, got 'cramp'; did you mean cramps?"),
        ),
        # An outcome of other models is no slip.
        (
            lambda c: fit(c, model="poisson", terms="sex", outcome="cramp_night"),
            *(UsageError, None, "poisson takes the outcome cramps, got 'cramp_night'"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="age_decade + sex", per={"age": 2}),
            *(UsageError, ("age", "age_decade"), "per names 'age', which is no term; did you mean age_decade?"),
        ),
        (
            lambda c: fit(c, model="mixed-poisson", terms="age_decade + sex", random_slope="decade"),
            *(UsageError, ("decade", "age_decade"), "got 'decade'; did you mean age_decade? the terms are"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="C(sex, ref='woman')"),
            *(UsageError, None, "ref='woman' is none of the levels male, female; did you mean female?"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="sex").ratio({"gender": "male"}, {"gender": "female"}),
            *(UsageError, ("gender", "sex"), "'gender' is not in the fit; did you mean sex?"),
        ),
        (
            lambda c: fit(c, model="poisson", terms="sex").ratio({"sex": "woman"}, {"sex": "male"}),
            *(UsageError, ("woman", "female"), "sex was never 'woman' on the rows fitted; did you mean female?"),
        ),
        (
            lambda c: describe(c, "gender"),
            UsageError,
            ("gender", "sex"),
            "not 'gender'; did you mean sex? allowed: age_b",
        ),
        (lambda c: describe(c, "age"), UsageError, ("age", "age_band"), "did you mean age_band?"),
        (
            lambda c: describe(c, "age_years"),
            *(UsageError, None, "not 'age_years', which is a number: add a column that says its groups"),
        ),
        (
            lambda c: describe(c, "years"),
            UsageError,
            None,
            "not 'years'; did you mean age_years? That is a number: add",
        ),
        (lambda c: describe(c, "entry"), UsageError, ("entry", "age_band"), "not 'entry'; allowed: age_band"),
        (
            lambda c: describe(c, outcome="cramp"),
            UsageError,
            ("cramp", "cramps"),
            "no outcome 'cramp' to describe; did",
        ),  # type: ignore[arg-type]
        (lambda c: describe(c, where="bmi > 3"), UsageError, None, "^'bmi' names no column, in where 'bmi > 3'; there"),
        (lambda c: describe(c, where="age > 3"), UsageError, ("age", "age_years"), "did you mean age_years?"),
        # What the codebook has is not misspelt: the cohort lacks it.
        (
            lambda c: describe(c, where="serum_sodium_mmol_l > 140"),
            *(
                UsageError,
                None,
                "^'serum_sodium_mmol_l' names no column, in where 'serum_sodium_mmol_l > 140'; there are",
            ),
        ),
        (
            lambda c: describe(c, "smoking"),
            UsageError,
            None,
            "not 'smoking', which this cohort does not have; allowed:",
        ),
        (
            lambda c: describe(c, "hours_in_bed"),
            UsageError,
            None,
            "not 'hours_in_bed', which is a number: add a column",
        ),
        (
            lambda c: fit(c, model="linear", terms="sex", outcome="sleep_hours"),
            *(UsageError, None, "'sleep_hours' is none in diary; it has"),
        ),
        (lambda c: describe(c, where="sex = 'F'"), UsageError, ("F", "female"), "^sex has no level 'F', in where"),
        (
            lambda c: describe(c, where="diabetes = 'yes'"),
            UsageError,
            ("'yes'", "TRUE"),
            "^diabetes is yes or no, and 'yes'",
        ),
        (
            lambda c: describe(c, where="diabetes = 'No'"),
            UsageError,
            ("'No'", "FALSE"),
            "^diabetes is yes or no, and 'No'",
        ),
        (lambda c: describe(c, where="diabetes = 'x'"), UsageError, None, "^diabetes is yes or no, and 'x' is neither"),
        (
            lambda c: describe(c, where="sex == male"),
            UsageError,
            ("male", "'male'"),
            "^'male' is a level of sex, and a text",
        ),
        (lambda c: presets.preset("elderly"), ParameterError, ("elderly", "older-adults"), "preset is 'elderly'; did"),
        (lambda c: open_cohort("spss:x.sav"), SourceError, ("spss", "stat"), "did you mean stat? allowed: FOLDER"),
        (
            lambda c: open_cohort("redcap:x.csv?dictionry=d.csv"),
            *(SourceError, ("dictionry", "dictionary"), "did you mean dictionary? allowed: dictionary, mapping"),
        ),
    ],
)
def test_errors_carry_what_was_meant(
    diary: Cohort,
    ask: Callable[[Cohort], object],
    kind: type[CrampstudyError],
    correction: tuple[str, str] | None,
    said: str,
) -> None:
    with pytest.raises(kind, match=said.replace("?", r"\?").replace("(", r"\(")) as raised:
        ask(diary)
    assert raised.value.correction == correction


@pytest.mark.parametrize(
    ("arguments", "code", "end"),
    [
        (
            ("fit", DIARY, "--model", "negbin", "--terms", "age_decade + sex"),
            *(2, f"run: crampstudy fit {DIARY} --model negative-binomial --terms 'age_decade + sex'"),
        ),
        (
            ("fit", DIARY, "--model", "poisson", "--terms", "age_decade + gender + age_decade:gender"),
            *(2, f"sex? run: crampstudy fit {DIARY} --model poisson --terms 'age_decade + sex + age_decade:sex'"),
        ),
        (("describe", DIARY, "--by", "gender"), 2, f"; run: crampstudy describe {DIARY} --by sex"),
        (
            ("describe", DIARY, "--where", "age > 60 AND sex = 'male'"),
            *(2, f"run: crampstudy describe {DIARY} --where 'age_years > 60 AND sex = '\"'\"'male'\"'\"''"),
        ),
        (
            ("describe", DIARY, "--where", "diabetes='yes'"),
            *(2, f"run: crampstudy describe {DIARY} --where diabetes=TRUE"),
        ),
        (("analyse", "cohrt", DIARY), 2, f"run: crampstudy analyse cohort {DIARY}"),
        (
            ("simulate", "--preset", "elderly", "--out", "x"),
            5,
            "run: crampstudy simulate --preset older-adults --out x",
        ),
        (("describe", "spss:x.sav"), 4, "run: crampstudy describe stat:x.sav"),
        (
            ("report", DIARY, "--set", "confidence=0.9", "--out", "x"),
            *(5, f"run: crampstudy report {DIARY} --set ci_level=0.9 --out x"),
        ),
        (("report", DIARY, "--sections", "cohrt"), 2, f"run: crampstudy report {DIARY} --sections cohort"),
    ],
)
def test_the_command_line_gives_the_command_with_the_name_meant(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], code: int, end: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _, err = run(*arguments)
    assert found == code and err.rstrip().endswith(end), err


def test_the_corrected_command_runs(run: Run) -> None:
    _, _, err = run("describe", DIARY, "--where", "age > 60", "--json")
    _, *command = shlex.split(err.rpartition(" run: ")[2])
    code, out, _ = run(*command)
    assert code == 0 and "age_years > 60" in out


def test_where_it_is_unclear_what_to_correct_no_command_is_given() -> None:
    assert (
        _corrected(["fit", "bmi", "--terms", "sex + bmi"], ("bmi", "bmi_kg_m2"))
        == "crampstudy fit bmi_kg_m2 --terms 'sex + bmi'"
    )
    assert _corrected(["fit", "x", "--terms", "bmi + sex", "--where", "bmi > 3"], ("bmi", "bmi_kg_m2")) is None
    # A part of a longer name is none of it.
    assert _corrected(["describe", "my-age", "--by", "age_band"], ("age", "age_years")) is None


@pytest.mark.parametrize(
    ("option", "value", "meant"),
    [
        ("--covariance", "robust", "cluster"),
        ("--covariance", "cluster_small", "cluster-small"),
        ("--unlogged", "Zero", "zero"),
    ],
)
def test_of_a_few_choices_the_one_meant_is_named(run: Run, option: str, value: str, meant: str) -> None:
    code, _, err = run("fit", DIARY, "--model", "poisson", "--terms", "sex", option, value)
    assert code == 2 and err.startswith(f"crampstudy: {option} is {value!r}; did you mean {meant}? allowed: ")
    assert err.endswith(f"; run: crampstudy fit {DIARY} --model poisson --terms sex {option} {meant}\n")


@pytest.mark.parametrize(
    ("where", "said", "meant"),
    [
        ('sex == "male"', "a text stands in quotes: sex = 'male'", "sex == 'male'"),
        ("sex == `male`", "a text stands in quotes: sex = 'male'", "sex == 'male'"),
        ("sex != [male]", "a text stands in quotes: sex = 'male'", "sex != 'male'"),
        ("age_years > 40 & sex == 'male'", "& is written AND", "age_years > 40 AND sex == 'male'"),
        ("age_years > 40 && sex == 'male'", "&& is written AND", "age_years > 40 AND sex == 'male'"),
        ("(age_years > 70)|(age_years < 40)", "| is written OR", None),
        ("(age_years > 70) || (age_years < 40)", "|| is written OR", "(age_years > 70) OR (age_years < 40)"),
        ("age_years => 40", "=> is written >=", "age_years >= 40"),
    ],
)
def test_a_condition_as_other_languages_write_it_is_answered_with_ours(
    run: Run, where: str, said: str, meant: str | None
) -> None:
    code, _, err = run("fit", DIARY, "--model", "poisson", "--terms", "sex", "--where", where)
    assert code == 2 and said in err
    if meant is None:
        return
    _, *command = shlex.split(err.rpartition(" run: ")[2])
    assert command[-1] == meant
    assert run(*command)[0] in (0, 6)


@pytest.fixture
def oddly_named(tmp_path: Path) -> str:
    """A diary with a yes/no column of its own of the nights, and a text of the participants, each with a space."""
    own = {"diary": ("bad night", "false", "true"), "participants": ("shift worker", "no", "yes")}
    for table, (name, *values) in own.items():
        head, *rows = (Path(DIARY) / f"{table}.csv").read_text(encoding="utf-8").splitlines()
        rows = [f"{row},{values[i % 2]}" for i, row in enumerate(rows)]
        (tmp_path / f"{table}.csv").write_text("\n".join([f"{head},{name}", *rows]) + "\n", encoding="utf-8")
    return str(tmp_path)


CONDITIONS = (
    *("bad night = true", "bad night == true", "bad night", "Bad Night = yes and sex = male", "shift worker = 'yse'"),
    *("shift worker and sex", "not age_years", "age_years and 3", "sex > 3", "age_years = '60'", "sex + 1 > 2", ""),
    *("sex = TRUE", "20 < age_years < 90", "sex = age_years"),
)
OF_PARTICIPANTS = ("shift worker = yes", "shift worker = true", "age_years >= 40 and sex")


@pytest.mark.parametrize(
    ("command", "where"),
    [
        *((("describe",), where) for where in (*CONDITIONS, *OF_PARTICIPANTS)),
        *((("fit", "--model", "poisson", "--terms", "sex"), where) for where in (CONDITIONS[0], *OF_PARTICIPANTS)),
        *((("compare", DIARY), where) for where in OF_PARTICIPANTS[2:]),
        *((("analyse", "frequency"), where) for where in OF_PARTICIPANTS),
    ],
    ids=lambda each: each if isinstance(each, str) else each[0],
)
def test_after_a_condition_that_is_none_the_command_given_runs(
    run: Run, oddly_named: str, command: tuple[str, ...], where: str
) -> None:
    code, _, err = run(*command, oddly_named, "--where", where)
    assert code == 2 and " run: crampstudy " in err, err
    assert not any(word in err for word in ("dtype", "f64", "Float64", "bitand", "sql", "lit(", "dyn int"))
    _, *again = shlex.split(err.rpartition(" run: ")[2])
    code, _, err = run(*again)
    assert code in (0, 6), err


@pytest.mark.parametrize(
    ("youngest", "oldest", "limits"),
    [
        (22, 89, (20, 40, 50, 60, 70, 80)),
        (41, 58.5, (40, 50)),
        (90, 99, (80,)),
        (13, 18, (5, 10, 15)),
        (2, 3, (1,)),
    ],
)
def test_bands_that_are_proposed_have_people_in_them(youngest: float, oldest: float, limits: tuple[int, ...]) -> None:
    assert AgeBands.among(youngest, oldest).limits == limits


@pytest.mark.parametrize(
    ("named", "band"), [("60", "60+"), ("45", "40-59"), ("30-39", "20-39"), ("5", "20-39"), ("x", "60+")]
)
def test_the_band_that_is_proposed_is_the_nearest(named: str, band: str) -> None:
    with pytest.raises(BandError) as told:
        AgeBands((20, 40, 60)).find(named)
    assert told.value.correction == (named, band)


def test_limits_above_all_ages_are_answered_with_some_that_a_report_takes(run: Run) -> None:
    for given in (("--age-bands", "110"), ("--set", "age_bands=110")):
        code, _, err = run("report", DIARY, *given)
        assert code == 5 and "begin lower, such as" in err
        _, *again = shlex.split(err.rpartition(" run: ")[2])
        limits = [int(limit) for limit in again[-1].removeprefix("age_bands=").split(",")]
        ages = open_cohort(DIARY).frame("participants")["age_years"]
        assert max(limits) <= ages.max() and again[:-1] == ["report", DIARY, given[0]]
        suit(open_cohort(DIARY), {"age_bands": limits})


def test_no_report_on_everybody_is_proposed_for_a_name_that_is_not_known(run: Run, oddly_named: str) -> None:
    """Where the name is all that is wrong the condition is given as it works; without it another question is asked."""
    for where in ("shifts = true", "no_such = 3", "night shift work = 'North'"):
        code, _, err = run("report", oddly_named, "--where", where)
        assert code == 5 and not err.rstrip().endswith(f"run: crampstudy report {oddly_named}"), err
    code, _, err = run("report", oddly_named, "--where", "age_years > 500")
    assert f"; without the condition, of everybody, run: crampstudy report {oddly_named}" in err


@pytest.mark.parametrize("sections", ["", " ", ","])
def test_no_section_at_all_is_no_report_of_all(run: Run, sections: str) -> None:
    code, _, err = run("report", DIARY, "--sections", sections)
    assert code == 2 and "--sections names no section; name some, such as --sections frequency" in err


def test_a_column_that_is_meant_stands_in_its_quotes() -> None:
    people = pl.DataFrame({"Centre #1 [main]": ["North", "South"]})
    with pytest.raises(UsageError) as told:
        subpopulation.select(people, "Centre = 'North'")
    _, meant = told.value.correction or ("", "")
    assert subpopulation.select(people, meant.removeprefix("where=")).inside.to_list() == [True, False]


@pytest.mark.parametrize(
    ("terms", "meant"),
    [
        ("spline(age_years)", "ns(age_years)"),
        ("s(age_years) + sex", "ns(age_years) + sex"),
        ("factor(sex)", "C(sex)"),
        ("ln(age_years)", "log(age_years)"),
        ("sqr(age_years)", None),
    ],
)
def test_a_function_of_another_language_is_answered_with_ours(run: Run, terms: str, meant: str | None) -> None:
    code, _, err = run("fit", DIARY, "--model", "poisson", "--terms", terms)
    assert code == 2 and "() is none of the functions of formulas; did you mean " in err
    if meant:
        _, *command = shlex.split(err.rpartition("; run: ")[2])
        assert command[-1] == meant and run(*command)[0] == 0


def test_a_bar_of_random_effects_is_answered_with_the_mixed_models(run: Run) -> None:
    code, _, err = run("fit", DIARY, "--model", "poisson", "--terms", "sex + (1|participant_id)")
    assert code == 2 and "the models named mixed- have a random intercept of the participants" in err


def test_a_sampling_weight_is_not_proposed_as_a_term(diary: Cohort) -> None:
    with pytest.raises(UsageError, match=r"'weight'.*; did you mean body_mass_kg\?$"):
        fit(diary, model="poisson", terms="weight")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("descibe study", "no command 'descibe'; did you mean describe? run: crampstudy describe study"),
        (
            "describe study --outcome cramp",
            "--outcome is 'cramp'; did you mean cramps? allowed: cramps, relief, class_30_days; "
            "run: crampstudy describe study --outcome cramps",
        ),
        (
            "fit study --modle poisson --terms sex",
            "no option '--modle'; did you mean --model? run: crampstudy fit study --model poisson --terms sex",
        ),
        (
            "fit study --model=poisson --term=sex",
            "no option '--term'; did you mean --terms? run: crampstudy fit study --model=poisson --terms=sex",
        ),
        ("describe study --frobnicate", "no option '--frobnicate'; see crampstudy describe --help"),
        ("frobnicate", "no command 'frobnicate'; see crampstudy --help"),
        ("--verson", "no option '--verson'; did you mean --version? run: crampstudy --version"),
        ("fit study --model poisson", "missing option '--terms'; see crampstudy fit --help"),
        ("describe", "missing argument 'source'; see crampstudy describe --help"),
    ],
)
def test_a_call_that_cannot_be_parsed_is_one_line(run: Run, call: str, said: str) -> None:
    assert run(*call.split()) == (2, "", f"crampstudy: {said}\n")


def test_a_call_without_a_command_is_answered_with_help(run: Run) -> None:
    code, out, err = run()
    assert code == 2 and "Usage: crampstudy [OPTIONS] COMMAND [ARGS]..." in out + err
