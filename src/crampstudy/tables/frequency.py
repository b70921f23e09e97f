"""How common cramps are: by group, over age, by how often people have them, and over the year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook.recalled import GROUPS
from crampstudy.descriptive.frequency.measures import ENOUGH_NIGHTS, RATED
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate, part_of_one, value
from crampstudy.nights.calendar import around
from crampstudy.tables.headings import WITHOUT_ESTIMATE, by_group, of_group, people_of, with_level
from crampstudy.tables.table import table_of_rows

_TEST = "wald_test"
_RATES = {
    kinds.INCIDENCE_RATE: "Cramps per person-week (95% CI)",
    kinds.MEAN_PERSON_RATE: "Mean of person rates (95% CI)",
}


@table_of_rows
def rates(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return incidence rates by group: person-time, cramps, rate, mean of person rates; standardised last."""
    crude = kinds.INCIDENCE_RATE.rows(estimates)
    made = pd.DataFrame(
        {
            "Participants": wording.counts(crude, "n_participants"),
            "Person-nights": wording.counts(crude, "n_nights"),
            "Cramps": wording.counts(crude, "n_events"),
        }
    )
    for kind, heading in _RATES.items():
        rows = kind.rows(estimates)
        made[with_level(heading, rows)] = [estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(map(wording.level, crude["level"]), name=_stub(crude, "level"))
    for row in wording.records(kinds.STANDARDISED_RATE.rows(estimates)):
        cells = [wording.count_of(row, n) for n in ("n_participants", "n_nights", "n_events")]
        stub = f"{wording.level(row['level'])}, {kinds.STANDARDISED_RATE.label}"
        made.loc[stub] = [*cells, estimate(row), wording.DASH]
    return made


def _stub(rows: pd.DataFrame, column: str) -> str:
    grouping = str(rows["term"].iloc[0])
    return by_group(map(str, rows[column])) if grouping == "age_band" else wording.grouping(grouping)


@table_of_rows
def prevalence(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the prevalence of the recalled classes in per cent, a row per age group, standardised last."""
    shown = estimates[estimates["level"].isin(GROUPS)]
    crude, adjusted = kinds.PREVALENCE.rows(shown), kinds.STANDARDISED_PREVALENCE.rows(shown)
    label = kinds.STANDARDISED_PREVALENCE.label
    shown = pd.concat(
        [
            crude.assign(row=crude["population"].map(of_group)),
            adjusted.assign(row=adjusted["population"].map(of_group) + f", {label}"),
        ]
    )
    columns: dict[str, pd.Series[str]] = {
        "Participants": shown.groupby("row")["n_participants"].first().map(wording.count)
    }
    return _by_class(shown, columns, _stub(crude, "population"))


@table_of_rows
def classes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of people by cramps in 30 nights in per cent: implied by the nights, then in windows."""
    shown = estimates[estimates["level"].isin(GROUPS)]
    how = shown["analysis"].map(lambda name: kinds.named(name).label)
    rows = (shown["population"].map(of_group) + ", " + how).map(wording.capital)
    return _by_class(shown.assign(row=rows), {}, "Cramps in 30 nights")


def _by_class(rows: pd.DataFrame, columns: dict[str, pd.Series[str]], stub: str) -> pd.DataFrame:
    """Return rows as a table, a column of per cents for each class after the ``columns``."""
    for level, of_class in rows.groupby("level", sort=False):
        texts = pd.Series([estimate(row) for row in wording.records(of_class)], index=of_class["row"])
        columns[with_level(f"{wording.recalled(str(level))}, % (95% CI)", of_class)] = texts
    made = pd.DataFrame(columns).loc[list(dict.fromkeys(rows["row"]))]
    made.index.name = stub
    return made


@table_of_rows
def people_by_frequency(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of people who ever had a cramp, or have them so often, in per cent, a row per age group."""
    return _by_level(kinds.OFTEN.rows(estimates), percent=True)


@table_of_rows
def recalled_classes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of people in each recalled class in per cent, a row per age group."""
    return _by_level(kinds.RECALLED.rows(estimates), percent=True)


@table_of_rows
def cramp_nights(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what nights say beyond a rate, a row per age group; shares are in per cent."""
    return _by_level(kinds.CRAMP_NIGHTS.rows(estimates), percent=False)


def _by_level(rows: pd.DataFrame, *, percent: bool) -> pd.DataFrame:
    """Return rows as a table, a column for each level and a row for each group; what was not measured has none.

    Where some columns are of the people with enough nights for a rate of their own, how many these are stands before
    the first of them.
    """
    rows = rows[rows["status"] != "not_measured"].assign(row=rows["population"].map(of_group))
    rated = rows["estimand"].fillna("").str.contains(RATED, regex=False)
    some, enough = (own.groupby("row", sort=False)["n_participants"].max() for own in (rows[~rated], rows[rated]))
    enough = enough.reindex(some.index)
    apart = bool((some != enough)[enough.notna()].any())
    columns = {"Participants": people_of(rows[~rated] if apart else rows)}
    first = rows.loc[rated, "level"].head(1).tolist()
    for level, of_level in rows.groupby("level", sort=False):
        if apart and [level] == first:
            columns[f"With {ENOUGH_NIGHTS} nights"] = people_of(rows[rated])
        shares = percent or of_level["scale"].iloc[0] in ("prevalence", "proportion")
        texts = pd.Series([_share(row) for row in wording.records(of_level)], index=of_level["row"])
        heading = wording.capital(wording.level(str(level))) + (", %" if shares else "")
        columns[with_level(f"{heading} (95% CI)", of_level)] = texts
    made = pd.DataFrame(columns).loc[list(dict.fromkeys(rows["row"]))].fillna(wording.DASH)
    made.index.name = by_group(made.index)
    return made


def _share(row: Mapping[str, Any]) -> str:
    return "less than one person" if part_of_one(row) else estimate(row)


@table_of_rows
def distribution(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many people, and which share of them, have so many cramps a week."""
    rows = kinds.DISTRIBUTION.rows(estimates)
    made = pd.DataFrame(
        {"Participants": wording.counts(rows, "n_events"), "%": [estimate(row) for row in wording.records(rows)]}
    )
    made.index = pd.Index(rows["level"].fillna(wording.DASH).map(wording.level), name="Cramps a week")
    return made


@table_of_rows
def age_curve(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rate, or the prevalence of each class in per cent, at every age of a curve."""
    rows = kinds.AGE_CURVE.rows(estimates)
    # A curve that could not be drawn has no ages.
    rows = rows.assign(age=rows["level"].fillna(wording.DASH))
    columns = {}
    for outcome, of_outcome in rows.groupby("outcome", sort=False):
        unit = "per person-week" if of_outcome["scale"].iloc[0] == "rate" else "%"
        texts = pd.Series([estimate(row) for row in wording.records(of_outcome)], index=of_outcome["age"])
        columns[with_level(f"{wording.outcome(str(outcome))}, {unit} (95% CI)", of_outcome)] = texts
    ages = sorted(rows["age"].unique(), key=lambda age: (age == wording.DASH, len(age), age))
    made = pd.DataFrame(columns).reindex(ages).fillna(wording.DASH)
    made.index.name = "Age (years)"
    return made


@table_of_rows
def season(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what is said of the annual cycle, a row each: its joint test, amplitude, peak and ratios."""
    rows = kinds.SEASON.rows(estimates)
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Of": [wording.DASH if row["scale"] == _TEST else str(row["unit"]) for row in every],
            with_level("Estimate (95% CI)", rows): [_cell(row) for row in every],
            "p": [_p(row) for row in every],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in every],
        }
    )
    made.index = pd.Index([wording.capital(str(row["level"])) for row in every], name="Annual cycle")
    return made


def peak(row: Mapping[str, Any]) -> str:
    """Return the date of a peak with its interval: ``30 June (5 June to 25 July)``."""
    return wording.marked(row, around(row["estimate"], row["ci_low"], row["ci_high"]))


def _cell(row: Mapping[str, Any]) -> str:
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return wording.estimate(row)
    if row["scale"] == "day_of_year":
        return "any day" if pd.isna(row["ci_low"]) else peak(row)
    if row["scale"] == _TEST:
        law = "F" if str(row["unit"]).startswith("F ") else "χ²"
        return f"{law} = {wording.marked(row, wording.number(row['estimate']))}"
    return value(row) if row["scale"] == "proportion" else estimate(row)


def _p(row: Mapping[str, Any]) -> str:
    if pd.isna(row["p_value"]) or row["status"] in WITHOUT_ESTIMATE:
        return wording.DASH
    return wording.marked(row, wording.p_text(row["p_value"]).removeprefix("p ").removeprefix("= ").replace("< ", "<"))


@table_of_rows
def months(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the incidence rate of each calendar month: people, nights, cramps and rate."""
    rows = kinds.MONTHS.rows(estimates)
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Person-nights": wording.counts(rows, "n_nights"),
            "Cramps": wording.counts(rows, "n_events"),
        }
    )
    heading = with_level("Cramps per person-week (95% CI)", rows)
    made[heading] = [estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(rows["level"], name="Month")
    return made
