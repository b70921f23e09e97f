"""What the sections of a report estimate of the factors that a prediction's model was asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook, estimates, wording
from crampstudy.analyses.others import Others
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import WITHIN
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import recalled

SECTIONS = ("age-and-muscle", "sleep", "nutrition", "hydration", "activity", "conditions")
"""The sections that estimate ratios of factors; of a factor in two of them the first is taken."""
_ANALYSES = tuple(
    kind.name
    for kind in (
        *(kinds.AGE_ALONE, kinds.MUSCLE, kinds.SLEEP_AND_MOOD, kinds.GRAPH_ADJUSTED, kinds.CONDITION),
        *(kinds.LAG_ADJUSTED, kinds.DISTRIBUTED_LAG, kinds.WITHIN_BETWEEN),
    )
)
_UNADJUSTED = (kinds.DISTRIBUTED_LAG.name, kinds.WITHIN_BETWEEN.name)
_RATIOS = ("rate_ratio", "odds_ratio", "prevalence_ratio")
_ALIKE = 0.1
"""Centiles of other participants are the same contrast where they differ by no more than this share of it."""
_DAY_BEFORE = "lag 1"
_KEPT = (
    *(
        "cohort",
        "population",
        "outcome",
        "model",
        "adjusted_for",
        "adjustment",
        "lacks",
        "scale",
        "estimate",
        "ci_low",
        "ci_high",
        "ci_level",
    ),
    *("std_error", "df", "n_participants", "n_nights", "n_events", "n_groups", "n_exposed", "note"),
)
Row = Mapping[str, Any]


def beside(rows: pd.DataFrame, others: Others) -> pd.DataFrame:
    """Return the ratio that a section estimates of each factor with a partial dependence, where one does.

    Of what a night has it is the ratio within participants: of the day before, as the model knows that of the last
    logged day, else of the night's own. A section's first ratio of a factor is taken.

    Args:
        rows: of prediction.
        others: what the sections found.
    """
    asked = kinds.PARTIAL_DEPENDENCE.rows(rows).drop_duplicates(["term", "level"])
    return estimates.frame(made for row in wording.with_none(asked) if (made := _of_factor(row, others)) is not None)


def _of_factor(factor: Row, others: Others) -> dict[str, Any] | None:
    found = [(name, row) for name in SECTIONS if name in others for row in _same(factor, others[name].estimates)]
    if not found:
        return None
    # What is of the same cramps comes first, the day before, and what is adjusted; else the order of the sections.
    section, row = min(found, key=lambda each: _far(each[1], factor))
    day = "the day before" if row["level"] == _DAY_BEFORE else "the same day" if _is_of_night(factor) else ""
    outcome = (
        "" if row["outcome"] == factor["outcome"] else recalled(row) or wording.small(wording.outcome(row["outcome"]))
    )
    scale = "" if row["scale"] == "rate_ratio" else str(row["scale"]).replace("_", " ")
    cells = {name: row[name] for name in _KEPT} | {name: factor[name] for name in ("term", "level", "reference")}
    cells |= {"estimand": ", ".join(filter(None, (section, day, scale, outcome)))}
    return estimates.row(status=row["status"], unit=row["unit"], analysis=kinds.DEPENDENCE_BESIDE.name, **cells)


def _far(row: Row, factor: Row) -> tuple[bool, ...]:
    other_cramps = recalled(row) != recalled(factor)
    return other_cramps, row["level"] != _DAY_BEFORE, row["analysis"] in _UNADJUSTED


def _same(factor: Row, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the ratios of a factor at its contrast: those of other levels, and of parts of the people, are none."""
    for row in wording.with_none(rows[rows["analysis"].isin(_ANALYSES) & rows["scale"].isin(_RATIOS)]):
        if wording.is_declared(row["term"]) != wording.is_declared(factor["term"]):
            continue  # a ratio for each unit of a number is none of its contrast
        if _is_of_night(factor):
            exposure = exposures.find(str(row["term"]).removeprefix(wording.CONTRAST))
            own = exposure is not None and exposure.part == WITHIN
            term = row["term"].replace(str(exposure), exposure.variable) if own and exposure else row["term"]
            if term == factor["term"] and (own or row["level"] in (_DAY_BEFORE, WITHIN)):
                yield row
        elif row["term"] == factor["term"] and _is_alike(factor, row):
            yield row


def _is_of_night(factor: Row) -> bool:
    return codebook.find(str(factor["term"]).removeprefix(wording.CONTRAST), "diary") is not None


def _is_alike(factor: Row, row: Row) -> bool:
    """Say whether both compare the same two levels, or two values that differ by what other participants do."""
    if not wording.is_declared(factor["term"]):
        return (row["level"], row["reference"]) == (factor["level"], factor["reference"])
    try:
        low, high, own_low, own_high = (
            float(str(each[name])) for each in (row, factor) for name in ("level", "reference")
        )
    except ValueError:  # the level of a curve or of several nights is a text
        return False
    gap = _ALIKE * abs(own_low - own_high)
    return abs(low - own_low) <= gap and abs(high - own_high) <= gap
