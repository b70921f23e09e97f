"""Cohorts against one another: ratio and difference by group, and whether the groups differ alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import difference, grouped_stubs, in_groups, p_of, unit_of_difference, with_level
from crampstudy.tables.table import as_table, table_of_rows


@table_of_rows
def between_cohorts(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio and the difference of each group of a cohort against the reference, standardised last."""
    ratios = in_groups(estimates[estimates["scale"] != "difference"])
    differences = in_groups(estimates[estimates["scale"] == "difference"])
    reference = str(ratios["reference"].iloc[0])
    kind = str(ratios["scale"].iloc[0]).replace("_", " ")
    made = pd.DataFrame(
        {
            "Participants": wording.counts(ratios, "n_participants").to_numpy(),
            "Events": wording.counts(ratios, "n_events").to_numpy(),
            with_level(f"{kind.capitalize()} against {reference} (95% CI)", ratios): _texts(ratios),
            with_level(f"Difference, {unit_of_difference(differences)} (95% CI)", differences): [
                difference(row) for row in wording.records(differences)
            ],
            "p": [p_of(row) for row in wording.records(ratios)],
            "p (Holm)": [p_of(row, "q_value") for row in wording.records(ratios)],
            "Verdict": ratios["verdict"].fillna(wording.DASH).to_numpy(),
        }
    )
    stubs = [_stub(row) for row in wording.records(ratios)]
    made.index = grouped_stubs(ratios, stubs, wording.grouping(str(ratios["term"].iloc[0])))
    return made


@table_of_rows
def between_bands(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of each age band against the band of reference, a column for each outcome."""
    made = pd.DataFrame(_against_reference(estimates)).fillna(wording.DASH)
    made.index.name = wording.grouping(str(estimates["term"].iloc[0]))
    return made


@as_table
def beside_reference(table: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    """Return a table of age bands with the ratio of each band against that of reference beside it.

    Args:
        table: its rows are age bands, and what sums them up.
        bands: rows of the kind :data:`~crampstudy.estimates.kinds.BETWEEN_BANDS`.
    """
    made = table.copy()
    for name, cells in _against_reference(bands).items():
        made[name] = [cells.get(stub, wording.DASH) for stub in table.index]
    return made


def _against_reference(estimates: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return a heading for each outcome of ratios between age bands, and the text of each band."""
    found = {}
    for outcome, rows in estimates.groupby("outcome", sort=False):
        reference = wording.level(str(rows["reference"].iloc[0]))
        kind = str(rows["scale"].iloc[0]).replace("_", " ").capitalize()
        of = kind if outcome == "cramps" else f"{wording.outcome(str(outcome))}: ratio"
        heading = with_level(f"{of} against {reference} (95% CI)", rows)
        texts = zip(map(wording.level, rows["level"]), _texts(rows), strict=True)
        # What nothing is compared with is no reference.
        compared = rows["estimate"].notna().any()
        found[heading] = {reference: "reference" if compared else wording.DASH, **dict(texts)}
    return found


@table_of_rows
def cohort_interaction(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the joint tests of cohort by group, then the ratio per 10 years of age in each cohort.

    The unit of such a ratio says that it is of a straight line, and whether of age alone.
    """
    tests = kinds.COHORT_INTERACTION.rows(estimates)
    trends = kinds.COHORT_TREND.rows(estimates)
    stubs = [
        "Cohort by group" + (f", adjusted for {wording.small(wording.term(row))}" if isinstance(row, str) else "")
        for row in tests["adjusted_for"].astype(object)
    ]
    stubs += [
        f"{str(scale).replace('_', ' ').capitalize()} per 10 years of age: {name}"
        for scale, name in zip(trends["scale"], trends["level"], strict=True)
    ]
    alone = trends["adjusted_for"].isna()
    trends = trends.assign(
        unit=trends["unit"].astype(str) + alone.map({True: ", linear, unadjusted", False: ", linear"})
    )
    rows = pd.concat([tests, trends])
    order = pd.factorize(rows["outcome"])[0].argsort(kind="stable")
    rows, stubs = rows.iloc[order], [stubs[place] for place in order]
    made = pd.DataFrame(
        {
            with_level("Test or ratio (95% CI)", trends if len(trends) else rows): _texts(rows),
            "Unit": rows["unit"].fillna(wording.DASH).to_numpy(),
            "p": [p_of(row) for row in wording.records(rows)],
        }
    )
    made.index = grouped_stubs(rows.assign(cohort=""), stubs, "Test or trend")
    return made


def _stub(row: Mapping[str, Any]) -> str:
    if row["analysis"] == kinds.BETWEEN_ADJUSTED.name:
        names = [wording.small(wording.term(name)) for name in row["adjusted_for"].split("; ")]
        return f"Adjusted for {wording.listed(names)}"
    standardised = ", age-standardised" if row["analysis"] == kinds.BETWEEN_STANDARDISED.name else ""
    return f"{wording.level(str(row['level']))}{standardised}"


def _texts(rows: pd.DataFrame) -> list[str]:
    return [estimate(row) for row in wording.records(rows)]
