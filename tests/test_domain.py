"""The expressions that choose a part of a cohort."""

from __future__ import annotations

import operator
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.cohort import subpopulation
from crampstudy.cohort.subpopulation import in_words
from crampstudy.errors import UsageError

FRAME = pl.DataFrame(
    {
        "age_years": [10.0, 20.0, None, 40.0],
        "sex": ["female", "male", "female", None],
        "diabetes": [True, None, False, True],
        "date": [date(2024, 1, 31), date(2024, 2, 1), None, date(2024, 3, 1)],
        "place": ["north", "it's", "south", None],
        "smoking": ["never", None, None, None],
        "order": [1, 2, 3, 4],
        "Order": [9, 9, 9, 9],
    }
)


@pytest.mark.parametrize(
    ("where", "inside", "undecided"),
    [
        ("age_years >= 20", [False, True, False, True], 1),
        ("age_years IS NULL", [False, False, True, False], 0),
        # A woman of unknown age is decided: she is no man.
        ("age_years >= 20 AND sex = 'male'", [False, True, False, False], 1),
        ("age_years >= 20 or sex = 'female'", [True, True, True, True], 0),
        ("NOT (age_years BETWEEN 15 AND 30)", [True, False, False, True], 1),
        ("place IN ('north', 'it''s')", [True, True, False, False], 1),
        ("sex IS NOT NULL", [True, True, True, False], 0),
        ("diabetes", [True, False, False, True], 1),
        ("diabetes = FALSE", [False, False, True, False], 1),
        ("age_years / 10 - 1 > 0.5", [False, True, False, True], 1),
        ("age_years - -5 > 20", [False, True, False, True], 1),
        ("date >= '2024-02-01'", [False, True, False, True], 1),
        ("order < 3", [True, True, False, False], 0),
        ("place = 'it''s'", [False, True, False, False], 1),
        ("sex == 'female'", [True, False, True, False], 1),
        # A level that the codebook has and none of these rows.
        ("smoking = 'former'", [False, False, False, False], 3),
        ("diabetes = 1", [True, False, False, True], 1),
        ("'2024-02-01' <= date", [False, True, False, True], 1),
    ],
)
def test_selects(where: str, inside: list[bool], undecided: int) -> None:
    selected = subpopulation.select(FRAME, where)
    assert selected.inside.to_list() == inside
    assert selected.undecided == undecided


ODD = pl.DataFrame(
    {"cramp no": ["1", None, "'"], "Übelkeit (0-10)": ["3", "4", None], "Größe": ["1", "2", "3"], "empty": [True] * 3}
)


@pytest.mark.parametrize(
    ("where", "inside"),
    [
        ("\"cramp no\" = '1'", [True, False, False]),
        ("`cramp no` = '1'", [True, False, False]),
        ("[cramp no] = '1' OR \"Übelkeit (0-10)\" = '4'", [True, True, False]),
        ("Größe IN ('1', '3')", [True, False, True]),
        ("`cramp no` = ''", [False, True, False]),
        ("`cramp no` <>''", [True, False, True]),
        ("`cramp no` != '' AND Größe = '3'", [False, False, True]),
        ("`cramp no` IS EMPTY", [False, True, False]),
        ("[Übelkeit (0-10)] is not empty", [True, True, False]),
        ("NOT empty OR `cramp no` = ''''", [False, False, True]),
    ],
)
def test_names_with_spaces_and_cells_that_are_empty(where: str, inside: list[bool]) -> None:
    assert subpopulation.evaluate(ODD, where).inside.to_list() == inside


def test_no_expression_selects_all() -> None:
    assert subpopulation.select(FRAME, None).inside.to_list() == [True] * 4


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("age >= 20", "^'age' names no column, in where 'age >= 20'; did you mean age_years?"),
        ("AGE_YEARS >= 20", "^'AGE_YEARS' names no column, .*; did you mean age_years?"),
        ("upper(sex) = 'MALE'", "functions are not allowed, got upper"),
        ("sex in ['male']", "what a column is IN stands in parentheses, such as sex IN"),
        ("sex is male", "'male' is a level of sex, and a text stands in quotes: sex = 'male'"),
        ("sex LIKE 'm%'", "'LIKE' names no column"),
        ("age_years", "not a condition"),
        ("1 = 1", "names no column"),
        ("", "names no column"),
        ("age_years >=", "is not a condition; write a comparison such as age_years >= 20"),
        ("age_years >= 20, sex = 'male'", "is not a condition; write a comparison such as age_years >= 20"),
        # What follows a whole condition must not be dropped in silence.
        ("age_years >= 20 sex", "is not a condition; write a comparison such as age_years >= 20"),
        ("age_years >= 20 -- AND sex = 'male'", "is not a condition; write a comparison such as age_years >= 20"),
        ("age_years >= 20 /* AND sex = 'male' */", "is not a condition; write a comparison such as age_years >= 20"),
        ("age_years >= 20 (", "is not a condition; write a comparison such as age_years >= 20"),
        ("sex > 5", "^sex is a text, and 5 is a number; write such as sex = 'female', in where 'sex > 5'$"),
        ("age_years = '20'", "^age_years is a number, and '20' is a text; write a number such as age_years > 1"),
        ("diabetes = 'yes'", "^diabetes is yes or no, and 'yes' is neither; write diabetes = TRUE or = FALSE"),
        ("2 = diabetes", "^diabetes is yes or no, and 2 is neither"),
        ("date > 'monday'", "^date is a date, and 'monday' is none; write it as '2024-01-31'"),
        ("sex = 'woman'", "^sex has no level 'woman', in where .*; did you mean female? sex has female, male"),
        ("'M' != sex", "^sex has no level 'M', in where .*; did you mean male?"),
        ("sex NOT IN ('femal', 'male')", "^sex has no level 'femal', .*; did you mean female?"),
        (
            "smoking = 'nevr'",
            "^smoking has no level 'nevr', .*; did you mean never? smoking has never, former",
        ),
        ("place = 'nort'", "^place has no level 'nort', .*; did you mean north? place has it's, north, south"),
        ("age_years > 3 AND sex = female", "^'female' is a level of sex, and a text stands in quotes: sex = 'female'"),
        ("age_years >= 20; DROP", "'; DROP' is not understood"),
        ('sex = "male"', "'male'"),
        ('sex = "male', "is not understood"),
        ("age years > 3", 'age years is no name of a column; one with spaces stands in double quotes: "age years"'),
        ("sex IN ('', 'male')", "an empty cell is written IS NULL"),
        ("'' = sex", "an empty cell is written IS NULL"),
        ('"age years" > 3', "'age years'"),
        ("sex = 'male", "is not understood"),
        ("date > '2024-02-31'", "cannot be evaluated"),
    ],
)
def test_refuses(where: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(").replace("?", r"\?")):
        subpopulation.select(FRAME, where)


@pytest.mark.parametrize(
    ("where", "said", "then"),
    [
        ("sex", "sex is a text, which is not a condition by itself; .* (sex has female, male)", "sex = 'female'"),
        (
            "age_years >= 40 and sex",
            "write what it is to be, such as sex = 'female' (sex has female, male)",
            "age_years >= 40 and sex = 'female'",
        ),
        ("not age_years", "age_years is a number, .* age_years >= 20 (age_years is 10 to 40)", "not age_years >= 20"),
        ("age_years and 3", "age_years is a number, which is not a condition by itself", "age_years >= 20"),
        ("age_years > 3 and 3", "3 is a number, which is not a condition by itself; compare a column", "age_years > 3"),
        ("sex = 'female' or 'male'", "'male' is a text, .* such as sex = 'male'", "sex = 'female' or sex = 'male'"),
        ("date or diabetes", "date is a date, which is not a condition", "date >= '2024-01-31' or diabetes"),
        ("age_years + 3", "age_years + 3 is a number, which is not a condition by itself", "age_years + 3 > 0"),
        ("sex > 3", "^sex is a text, and 3 is a number; write such as sex = 'female'", "sex = 'female'"),
        ("age_years = '20'", "^age_years is a number, and '20' is a text", "age_years = 20"),
        ("date > 3", "^date is a date, and 3 is a number; write it as '2024-01-31'", "date >= '2024-01-31'"),
        ("date = sex", "^date is a date and sex is a text, and the two cannot be compared", "date >= '2024-01-31'"),
        ("sex = age_years", "^sex is a text and age_years is a number, and the two cannot", "sex = 'female'"),
        ("diabetes = order", "^diabetes is yes or no and order is a number, and the two cannot", "diabetes"),
        ("sex + 1 > 2", "^sex is a text, and + takes numbers, .* compare it by itself (sex has female, male)", None),
        ("date - date > 3", "^date is a date, and - takes numbers", None),
        ("diabetes - 1 = 0", "^diabetes is yes or no, and - takes numbers", None),
        ("(age_years > 3) = 'yes'", "^(age_years > 3) is yes or no and 'yes' is a text, and the two cannot", None),
        ("sex = TRUE", "^sex is a text, and TRUE is yes or no; write such as sex = 'female'", "sex = 'female'"),
        ("shifts = true", "^shifts is a text, and true is yes or no; write such as", "shifts = 'yes'"),
        ("smoker = FALSE", "^smoker is a number, and FALSE is yes or no", "smoker = 0"),
        ("age_years IN ('20', 40)", "^age_years is a number, and '20' is a text", "age_years IN (20, 40)"),
        ("age_years BETWEEN 'a' AND 'b'", "^age_years is a number, and 'a' is a text", "age_years >= 20"),
        # Else it would be said of everybody: 20 < 10 is no, and no is less than 30.
        ("20 < age_years < 30", "a comparison is compared again; write 20 < age_years AND age_years < 30", "…"),
        ("", "names no column", None),
        ("  ", "names no column", None),
    ],
)
def test_what_is_no_condition_is_refused_with_one_that_is(where: str, said: str, then: str | None) -> None:
    more = FRAME.with_columns(shifts=pl.Series(["no", "yes", None, "no"]), smoker=pl.Series([0, 1, 1, None]))
    for mark in "()+?":
        said = said.replace(mark, f"\\{mark}")
    with pytest.raises(UsageError, match=said) as refused:
        subpopulation.select(more, where)
    then = "20 < age_years AND age_years < 30" if then == "…" else then
    assert refused.value.correction == (f"where={where}", f"where={then or 'null'}")
    if then:
        subpopulation.select(more, then)


@pytest.mark.parametrize(
    ("where", "then"),
    [("age years > 3", "did you mean age_years?$"), ("bad night = true", "there are age_years, sex, diabetes, ")],
)
def test_a_name_with_spaces_that_no_column_has_is_not_to_be_quoted(where: str, then: str) -> None:
    with pytest.raises(UsageError, match=f", and no column is called so; {then}".replace("?", r"\?")):
        subpopulation.select(FRAME, where)


def test_a_text_that_looks_like_a_date_is_one_of_a_text() -> None:
    frame = pl.DataFrame({"entered": ["2024-01-31", "2024-02-31", None]})
    assert subpopulation.select(frame, "entered = '2024-02-31'").inside.to_list() == [False, True, False]


NAMED = pl.DataFrame(
    {
        "bad night": [True, False, None],
        "shift worker": ["yes", "no", None],
        "foot-pain": [1, 2, 3],
        "cramp no.": [1, 2, 3],
        "Übelkeit (0-10)": [1, 2, 3],
        "night and day": [True, True, False],
        "sex": ["female", "male", None],
    }
)


@pytest.mark.parametrize(
    ("where", "then"),
    [
        ("bad night = true", '"bad night" = true'),
        ("Bad Night == true", '"bad night" == true'),
        ("bad  night", '"bad night"'),
        ("badnight = true", '"bad night" = true'),
        ("bad night = yes", '"bad night" = TRUE'),
        ("bad night = 'yes' and sex", "\"bad night\" = TRUE and sex = 'female'"),
        ("shift worker = yes", "\"shift worker\" = 'yes'"),
        ("shift worker == true & foot-pain > 1", '"shift worker" == \'yes\' AND "foot-pain" > 1'),
        ("foot-pain > 1", '"foot-pain" > 1'),
        ("cramp no. = 2", '"cramp no." = 2'),
        ("Übelkeit (0-10) >= 2", '"Übelkeit (0-10)" >= 2'),
        ("night and day", '"night and day"'),
    ],
)
def test_the_first_refusal_of_a_name_without_its_quotes_gives_a_condition_that_works(where: str, then: str) -> None:
    with pytest.raises(UsageError, match=r"double quotes|did you mean|and a text stands|is written AND") as refused:
        subpopulation.select(NAMED, where)
    assert refused.value.correction == (f"where={where}", f"where={then}")
    subpopulation.select(NAMED, then)


def test_names_are_given_once_and_in_order() -> None:
    assert subpopulation.names("sex = 'age' AND age_years > 3 OR sex IS NULL") == ("sex", "age_years")


PIECES = [
    "age_years",
    "sex",
    "diabetes",
    "AND",
    "OR",
    "NOT",
    "IN",
    "(",
    ")",
    ",",
    "20",
    "'male'",
    "=",
    ">",
    "-",
    "/",
    "*",
    "`age_years`",
    '"sex"',
    "''",
    "EMPTY",
    "date",
    "'2024-02-01'",
    "BETWEEN",
    "IS",
    "TRUE",
    "0",
]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join) | st.text(max_size=20))
def test_any_text_is_a_condition_or_a_usage_error(where: str) -> None:
    try:
        selected = subpopulation.select(FRAME, where)
    except UsageError as error:
        # Whatever is joined with whatever, what is wrong with it is said.
        assert "cannot be evaluated" not in str(error)
        return
    assert len(selected.inside) == FRAME.height
    assert selected.inside.null_count() == 0


SIGNS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt, "<>": operator.ne}


@given(st.integers(0, 60), st.sampled_from(list(SIGNS)))
def test_comparisons_are_those_of_python(limit: int, sign: str) -> None:
    expected = [age is not None and SIGNS[sign](age, limit) for age in FRAME["age_years"]]
    assert subpopulation.select(FRAME, f"age_years {sign} {limit}").inside.to_list() == expected


@pytest.mark.parametrize(
    "where",
    [
        "(" * 20_000 + "order = 1" + ")" * 20_000,
        " OR ".join(["order = 1"] * 2_000),
        "NOT " * 20_000 + "diabetes",
        "order = " + "- " * 20_000 + "1",
        "order = " + "+".join(["1"] * 5_000),
        "order = 1 " + " " * 200_000 + "OR TRUE",
    ],
    ids=lambda where: where[:20],
)
def test_what_would_take_for_ever_is_refused(where: str) -> None:
    with pytest.raises(UsageError, match=r"at most 100,000 are read|more than 300 signs and words") as refused:
        subpopulation.select(FRAME, where)
    assert len(str(refused.value)) < 300


def test_a_list_may_be_long() -> None:
    numbers = ", ".join(map(str, range(2, 4_000)))
    assert subpopulation.select(FRAME, f"order IN ({numbers})").inside.to_list() == [False, True, True, True]


_OF_THREE = ("aged 50 years and older, of female sex and without diabetes", "of female sex and without diabetes")


@pytest.mark.parametrize(
    ("where", "said", "of_the_old"),
    [
        ("age_years >= 50 and diabetes = false", "aged 50 years and older and without diabetes", "without diabetes"),
        ("age_years >= 40", "aged 40 years and older", ""),
        ("50 <= age_years AND sex = 'female' AND NOT diabetes", *_OF_THREE),
        ("age_years < 60 AND bmi_kg_m2 > 30", *2 * ("younger than 60 years and with body-mass index > 30 kg/m²",)),
        ("`foot pain` AND smoking = 'never'", *2 * ("with foot pain and with smoking never",)),
        ("neuropathy != true", *2 * ("without neuropathy",)),
        ("hypertension OR age_years < 60", *2 * ("who meet the condition (hypertension or age < 60)",)),
        ("ever_cramp = true", *2 * ("who meet the condition (ever had a nocturnal leg cramp = yes)",)),
        ("sex IN ('female')", *2 * ("who meet the condition (sex IN (female))",)),
        ("diabetes = null", *2 * ("who meet the condition (diabetes = null)",)),
        ("age_years > = 3", *2 * ("who meet the condition (age > = 3)",)),
    ],
)
def test_whom_a_condition_selects_is_said_in_words(where: str, said: str, of_the_old: str) -> None:
    assert (in_words.whom(where), in_words.whom(where, youngest=50)) == (said, of_the_old)


def test_from_which_age_on_a_condition_selects() -> None:
    assert [
        in_words.least_age(f"diabetes AND {age}") for age in ("age_years >= 40", "60.5 <= age_years", "sex = 'x'")
    ] == [*(40, 60.5, 0)]
    assert in_words.least_age("age_years >= 40 OR diabetes") == in_words.least_age("age_years >") == 0
