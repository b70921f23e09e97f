"""Cohorts side by side: how common cramps are in each group, who the cohorts are, and how complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import group
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.attrition import cleaning
from crampstudy.tables.characteristics import line_of, table_one, with_a_line
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import as_table, table_of_rows

CLASSES = {"any_cramp": "any", "moderate_severe_vs_rest": "moderate-severe"}
"""The recalled class that an outcome of surveys is of."""
_HEADINGS = {
    "cramps": "Cramps per person-week (95% CI)",
    "any_cramp": "Any cramp, % (95% CI)",
    "moderate_severe_vs_rest": "Moderate-severe, % (95% CI)",
}
_EVENTS = {"cramps": "Cramps", "any_cramp": "With cramps", "moderate_severe_vs_rest": "With cramps"}
STANDARDISED = ", age-standardised"


def ratios(estimates: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the ratios between cohorts by group, and at the ages of the standard; ``group`` is what they are of."""
    own = estimates[(estimates["outcome"] == outcome) & estimates["scale"].str.endswith("_ratio")]
    single, standardised = kinds.BETWEEN_COHORTS.rows(own), kinds.BETWEEN_STANDARDISED.rows(own)
    return pd.concat(
        [
            single.assign(group=single["level"].astype(str)),
            standardised.assign(group=standardised["level"].astype(str) + STANDARDISED),
        ]
    )


def frequencies(estimates: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return how common cramps are in each group of each cohort; ``group`` as of :func:`ratios`."""
    if outcome == "cramps":
        crude, standardised = kinds.INCIDENCE_RATE.rows(estimates), kinds.STANDARDISED_RATE.rows(estimates)
    else:
        own = estimates[estimates["level"] == CLASSES[outcome]]
        crude, standardised = kinds.PREVALENCE.rows(own), kinds.STANDARDISED_PREVALENCE.rows(own)
    return pd.concat(
        [
            crude.assign(group=crude["population"].map(group)),
            standardised.assign(group=standardised["population"].map(group) + STANDARDISED),
        ]
    )


def present(compared: pd.DataFrame) -> list[str]:
    """Return the groups of :func:`ratios` in which any cohort has participants, in order."""
    people = compared.groupby("group", sort=False)["n_participants"].max()
    return [str(name) for name in people[people > 0].index]


@as_table
def compared_groups(estimates: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return each group of each cohort: whom and what it rests on, how common cramps are, ratio and verdict."""
    compared, known = ratios(estimates, outcome), frequencies(estimates, outcome)
    reference = str(compared["reference"].iloc[0])
    by_place = {(row["group"], row["cohort"]): row for row in wording.records(known)}
    against = {(row["group"], row["cohort"]): row for row in wording.records(compared)}
    names = [reference, *dict.fromkeys(compared["cohort"])]
    lines: list[dict[str, str]] = []
    stubs: list[str] = []
    kind = str(compared["scale"].iloc[0]).replace("_", " ").capitalize()
    for each in present(compared):
        for name in names:
            row, ratio = by_place.get((each, name)), against.get((each, name))
            # Over all ages a cohort stands again only beside one in which somebody has none.
            if row is None and ratio is None and name != reference:
                continue
            cells = {"Cohort": name, "Participants": wording.count_of(row, "n_participants") if row else "0"}
            if outcome == "cramps":
                cells["Nights"] = wording.count_of(row, "n_nights") if row else "0"
            cells[_EVENTS[outcome]] = wording.count_of(row, "n_events") if row else "0"
            cells[with_level(_HEADINGS[outcome], known)] = estimate(row) if row else "could not estimate"
            cells[with_level(f"{kind} (95% CI)", compared)] = estimate(ratio) if ratio else "reference"
            cells["Verdict"] = wording.DASH if ratio is None or pd.isna(ratio["verdict"]) else str(ratio["verdict"])
            lines.append(cells)
            stubs.append(wording.level(each))
    return pd.DataFrame(lines, index=pd.Index(stubs, name=wording.grouping(str(compared["term"].iloc[0]))))


@table_of_rows
def standardised_differences(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by how much cohorts differ in each characteristic, in standard deviations, a column for each cohort."""
    rows = kinds.STANDARDISED_DIFFERENCE.rows(estimates)
    columns = {name: pd.Series(_differences(own), dtype=object) for name, own in rows.groupby("cohort", sort=False)}
    made = pd.DataFrame(columns).fillna(wording.DASH)
    made.index.name = "Characteristic"
    return made.rename(columns=lambda name: f"{name} against {rows['reference'].iloc[0]}")


@as_table
def who_they_are(described: pd.DataFrame, differences: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the characteristics of cohorts side by side as :func:`table_one` shows them, and how far apart."""
    everybody = described[described["population"].eq("all") & described["n_participants"].gt(0)]
    lines = {line_of(row): _place(row) for row in wording.records(with_a_line(everybody))}
    columns: dict[str, dict[tuple[str, str], str]] = {}
    for name in names:
        own = everybody[everybody["cohort"] == name]
        if len(own):
            shown = pd.DataFrame(table_one(own))
            known = {line_of(row): wording.count(row["n_participants"]) for row in wording.records(with_a_line(own))}
            columns[f"{name}: with a value"] = known
            columns[name] = dict(zip(shown.index, shown["All"], strict=True))
    domains = list(dict.fromkeys(domain for column in columns.values() for domain, _ in column))
    places = [place for domain in domains for place in _in_order(columns.values(), domain)]
    for other, own in differences.groupby("cohort", sort=False):
        found = {_place(row): _apart(row) for row in wording.records(own)}
        heading = "Difference (SD)" if len(names) == 2 else f"{other}: difference (SD)"
        columns[heading] = {place: found.get(lines[place], wording.DASH) for place in places}
    cells = {name: [column.get(place, wording.DASH) for place in places] for name, column in columns.items()}
    return pd.DataFrame(cells, index=pd.MultiIndex.from_tuples(places, names=["", "Characteristic"]))


@as_table
def completeness_of_cohorts(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what was observed of what was expected in each cohort, over all ages."""
    rows = kinds.COMPLETENESS.rows(estimates)
    rows = rows[rows["level"] == "all"]
    shares = rows[rows["scale"] == "proportion"]
    gaps = {row["cohort"]: row for row in wording.records(rows[rows["scale"] == "median_longest_gap"])}
    lines = {}
    for row in wording.records(shares):
        diary = row["outcome"] == "cramps"
        lines[row["cohort"]] = {
            "Participants": wording.count_of(row, "n_participants"),
            "Nights expected": wording.count_of(row, "n_nights"),
            "Nights observed": wording.count_of(row, "n_events") if diary else wording.DASH,
            "Answered": wording.DASH if diary else wording.count_of(row, "n_events"),
            "Share (%)": "could not estimate"
            if pd.isna(row["estimate"])
            else wording.marked(row, wording.number(100 * row["estimate"], 1)),
            "Median longest gap (nights)": wording.marked(
                gaps[row["cohort"]], wording.number(gaps[row["cohort"]]["estimate"], 0)
            )
            if row["cohort"] in gaps
            else wording.DASH,
        }
    made = pd.DataFrame.from_dict(lines, orient="index")
    made.index.name = "Cohort"
    return made.loc[:, (made != wording.DASH).any()]


@as_table
def set_aside(cohorts: Sequence[Cohort]) -> pd.DataFrame:
    """Return rows read, accepted and rejected, and cells blanked, per table of each cohort's source.

    What parts of one cohort have in common, which was read before it was split, stands once.
    """
    alike: dict[object, list[Cohort]] = {}
    for cohort in cohorts:
        if cohort.attrition.tables:
            alike.setdefault(cohort.attrition if cohort.attrition.part else cohort.name, []).append(cohort)
    made = {wording.listed(each.name for each in own): pd.DataFrame(cleaning(own[0])) for own in alike.values()}
    if not made:
        return pd.DataFrame()
    return pd.concat(made, names=["Cohort", "Table"]).astype(int)


def _in_order(columns: Iterable[Mapping[tuple[str, str], str]], domain: str) -> list[tuple[str, str]]:
    """Return the places of a domain, each once, in the order of the columns."""
    return list(dict.fromkeys(place for column in columns for place in column if place[0] == domain))


def _differences(rows: pd.DataFrame) -> dict[str, str]:
    return dict(_texts(rows))


def _texts(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for row in wording.records(rows):
        name = wording.term(str(row["term"]), heading=True)
        level = "" if pd.isna(row["level"]) or row["level"] == "true" else f": {wording.level(str(row['level']))}"
        yield f"{name}{level}", _apart(row)


def _apart(row: Mapping[str, Any]) -> str:
    return wording.marked(row, wording.number(row["estimate"])) if row["status"] == "converged" else wording.DASH


def _place(row: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the variable of a row, and of a share its level."""
    return str(row["term"]), None if pd.isna(row["level"]) else str(row["level"])
