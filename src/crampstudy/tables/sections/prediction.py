"""How well cramps are foretold: scores of models beside simple rules, and for whom they are better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_OUTCOMES = {"cramps": "number of cramps", "cramp_night": "night with a cramp"}
_BASELINE = "baseline alone"
_LASTING, _LAST = "What people are", "The last logged day"
_SKILL = "Skill, % (95% CI)"


@table_of_rows
def prediction_scores(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the scores, a row each predictor of each outcome and a column each score."""
    return _grid(kinds.PREDICTION_SCORE.rows(estimates), "level", lambda level: wording.capital(level), "{} (95% CI)")


@table_of_rows
def prediction_skill(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return skill and the share of people better foretold, a row each predictor and stratum of frequency."""
    skill, better = kinds.PREDICTION_SKILL.rows(estimates), kinds.BETTER_FORETOLD.rows(estimates)
    rows = pd.concat([skill, better])
    index = dict.fromkeys(map(_who, wording.records(rows)))
    made = pd.DataFrame(index=pd.MultiIndex.from_tuples(index, names=["Foretold", "Predictor"]))
    people = {_who(row): wording.count_of(row, "n_participants") for row in wording.records(rows)}
    made["Participants"] = [people[key] for key in index]
    for heading, own in ((_SKILL, skill), ("Better foretold, % (95% CI)", better)):
        cells = {_who(row): estimate(row) for row in wording.records(own)}
        if cells:
            made[with_level(heading, own)] = [cells.get(key, wording.DASH) for key in index]
    return made


@table_of_rows
def prediction_gains(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the skill of the chosen model against predictors that know less, a column each of these."""
    rows = kinds.PREDICTION_GAIN.rows(estimates)
    made = _grid(rows, "reference", lambda reference: reference, "Skill against {}, % (95% CI)")
    return made.droplevel("Predictor")


@table_of_rows
def calibration_points(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what happened where about a probability was said, a row each point of the curve."""
    rows = kinds.CALIBRATION_POINT.rows(estimates)
    made = pd.DataFrame({with_level("Happened, % (95% CI)", rows): [estimate(row) for row in wording.records(rows)]})
    # A table each predictor, whose points would else be told from another's by nothing.
    who = [f"{foretold(row)}: {row['term']}" for row in wording.records(rows)]
    made.index = pd.MultiIndex.from_arrays([who, rows["level"]], names=["Foretold", "Said"])
    return made


@table_of_rows
def domain_importance(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by how much the loss rises without what a domain says, the most first."""
    rows = kinds.DOMAIN_IMPORTANCE.rows(estimates).sort_values("estimate", ascending=False, kind="stable")
    made = pd.DataFrame({"Features": [str(level).removesuffix(" features") for level in rows["level"]]})
    made[with_level("Rise of the loss, % (95% CI)", rows)] = [estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(rows["term"].map(wording.capital), name="Domain")
    return made


@table_of_rows
def partial_dependence(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what models expect at two values of each factor, how many are near these, and what its section found."""
    ratios, beside = kinds.PARTIAL_DEPENDENCE.rows(estimates), kinds.DEPENDENCE_BESIDE.rows(estimates)
    support = kinds.DEPENDENCE_SUPPORT.rows(estimates)
    share = {(row["model"], row["term"], row["level"]): row["estimate"] for row in wording.records(support)}
    every = wording.records(ratios) or wording.records(beside)
    # What people are comes first.
    named = {(row["term"], row["level"]): row for row in every}
    factors = sorted(named.values(), key=lambda row: _is_of_night(str(row["term"])))
    found = {(row["term"], row["level"]): row for row in wording.records(beside)}
    made = pd.DataFrame({"Compared": [_compared(row, found.get((row["term"], row["level"]))) for row in factors]})
    names = [wording.term(str(row["term"])) for row in factors]
    made.index = pd.Index(names, name="Factor")
    groups = [_LAST if _is_of_night(str(row["term"])) else _LASTING for row in factors]
    if len({*groups}) > 1:
        made.index = pd.MultiIndex.from_arrays([groups, names], names=["", "Factor"])
    for model in ratios["model"].unique():
        own = {(row["term"], row["level"]): row for row in wording.records(ratios[ratios["model"] == model])}
        cells = [own.get((row["term"], row["level"])) for row in factors]
        made[asked_of(str(model))] = [wording.DASH if cell is None else _expected(cell) for cell in cells]
    if len(support):
        near = [[share.get((row["model"], row["term"], row[end])) for end in ("level", "reference")] for row in factors]
        made["Near, %"] = [" / ".join(wording.DASH if x is None else f"{100 * x:.0f}" for x in two) for two in near]
    if len(beside):
        cells = [found.get((row["term"], row["level"])) for row in factors]
        made[with_level("In its section (95% CI)", beside)] = [
            wording.DASH if cell is None else estimate(cell) for cell in cells
        ]
        made["Section"] = [wording.DASH if cell is None else str(cell["estimand"]) for cell in cells]
    return made


def have_other_values(estimates: pd.DataFrame) -> bool:
    """Say whether the centiles of any section have other values than those of the model beside it."""
    own = kinds.PARTIAL_DEPENDENCE.rows(estimates).drop_duplicates(["term", "level"])
    beside = {(row["term"], row["level"]): row for row in wording.records(kinds.DEPENDENCE_BESIDE.rows(estimates))}
    return any(_values_beside(row, beside.get((row["term"], row["level"]))) for row in wording.records(own))


def _compared(row: dict[str, Any], beside: dict[str, Any] | None) -> str:
    """Return what a model compares, and what its section does where that has other values of the same centiles."""
    values = _values_beside(row, beside)
    return f"{wording.contrast(row)}{f'; in its section {values}' if values else ''}"


def _values_beside(row: dict[str, Any], beside: dict[str, Any] | None) -> str:
    """Return the values of the centiles that a section compares, nothing where they are those of the model."""
    if beside is None or not wording.is_declared(row["term"]):
        return ""
    (_, _, own), (_, _, others) = (wording.contrast(each).partition(": ") for each in (row, beside))
    return others if own != others else ""


def any_nightly(estimates: pd.DataFrame) -> bool:
    """Say whether any of the rows is of a factor that a night has."""
    return any(map(_is_of_night, estimates["term"].dropna()))


def _is_of_night(term: str) -> bool:
    return codebook.find(term.removeprefix(wording.CONTRAST), "diary") is not None


def _expected(row: dict[str, Any]) -> str:
    """Return a ratio of what is expected, or that hardly anybody is near.

    Its interval is not shown: it is of the people asked alone, and would look as if the model were known as well.
    """
    return (
        "too few near" if row["status"] == "not_estimable" else wording.marked(row, wording.number(row["estimate"], 2))
    )


def asked_of(model: str) -> str:
    """Return what a model is asked for, by how its rows were held back."""
    if _BASELINE in model:
        return "New participant"
    return "Next night" if "participants held out" in model else "Model"


@table_of_rows
def dependence_curves(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what a model expects along the values of numbers, with the participants near each."""
    rows = kinds.DEPENDENCE_CURVE.rows(estimates)
    made = pd.DataFrame({"Expected": [_expected(row) for row in wording.records(rows)]})
    made["Participants near"] = [wording.count_of(row, "n_participants") for row in wording.records(rows)]
    who = [f"{wording.term(str(row['term']))}: {asked_of(str(row['model'])).lower()}" for row in wording.records(rows)]
    made.index = pd.MultiIndex.from_arrays([who, rows["level"]], names=["Factor", "Value"])
    return made


@table_of_rows
def net_benefits(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the net benefit of each predictor, a column each threshold."""
    return _grid(kinds.NET_BENEFIT.rows(estimates), "level", lambda level: f"Threshold {level}", "{} (95% CI)")


@table_of_rows
def weekly_intervals(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how often intervals of a week's cramps held what came, and how wide they were, by stratum of frequency."""
    return _grid(kinds.WEEKLY_INTERVAL.rows(estimates), "level", _of_weeks, "{} (95% CI)")


def _of_weeks(level: str) -> str:
    return "Held what came, %" if level.startswith("coverage") else "Mean width, cramps"


def foretold(row: dict[str, Any]) -> str:
    """Return what a row's predictions were of, and how they were tested."""
    outcome = _OUTCOMES.get(str(row["outcome"]), f"{wording.small(wording.outcome(str(row['outcome'])))} cramps")
    return wording.capital(f"{outcome}, {row['model']}")


def predictor(row: dict[str, Any]) -> str:
    """Return the predictor of a row, below that of all people a part of them."""
    if row["population"] == "all":
        return wording.capital(str(row["term"]))
    return f"of which {wording.level(str(row['population']))}"


def _who(row: dict[str, Any]) -> tuple[str, str]:
    return foretold(row), predictor(row)


def _grid(rows: pd.DataFrame, column: str, named: Callable[[str], str], heading: str) -> pd.DataFrame:
    every = wording.records(rows)
    keys = [_who(row) for row in every]
    index = pd.MultiIndex.from_tuples(dict.fromkeys(keys), names=["Foretold", "Predictor"])
    made = pd.DataFrame(index=index)
    for level in dict.fromkeys(rows[column]):
        own = {key: estimate(row) for key, row in zip(keys, every, strict=True) if row[column] == level}
        made[with_level(heading.format(named(str(level))), rows)] = [own.get(key, wording.DASH) for key in index]
    return made
