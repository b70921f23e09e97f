"""Criteria of a nocturnal leg cramp, what looks alike, and the rate by either; recall against log."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows


@table_of_rows
def case_criteria(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the share of cramps that meet each criterion, and of people with what looks alike, in per cent."""
    rows = kinds.CRITERION.rows(estimates)
    rows = rows[rows["status"] != "not_measured"]
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Meet it": wording.counts(rows, "n_events"),
            "Of": [str(unit).removeprefix("share of ") for unit in rows["unit"]],
            with_level("% (95% CI)", rows): [estimate(row) for row in wording.records(rows)],
        }
    )
    made.index = pd.Index(rows["level"].map(lambda level: wording.capital(str(level))), name="Criterion or look-alike")
    return made


@table_of_rows
def case_rates(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the incidence rate of all cramps, of those that meet the criteria, and without what looks alike."""
    rows = kinds.CASE_RATE.rows(estimates)
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Person-nights": wording.counts(rows, "n_nights"),
            "Cramps": wording.counts(rows, "n_events"),
            with_level("Cramps per person-week (95% CI)", rows): [estimate(row) for row in wording.records(rows)],
        }
    )
    made.index = pd.Index(rows["level"].map(lambda level: wording.capital(str(level))), name="What counts")
    return made


@table_of_rows
def recall(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how recalled and logged numbers agree: difference of square roots, same class, weighted kappa."""
    rows = kinds.RECALL.rows(estimates)
    rows = rows[rows["status"] != "not_measured"]
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Scale": rows["scale"].map(
                {"root_difference": "square roots", "proportion": "%", "kappa": "kappa"}, na_action="ignore"
            ),
            with_level("Estimate (95% CI)", rows): [estimate(row) for row in wording.records(rows)],
        }
    ).fillna(wording.DASH)
    made.index = pd.Index(rows["level"].map(lambda level: wording.capital(str(level))), name="Recall against log")
    return made
