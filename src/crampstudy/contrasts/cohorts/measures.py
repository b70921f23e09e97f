"""How often cramps are in each group of a cohort, with the joint covariance that contrasts of groups need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.remembered import remembered
from crampstudy.descriptive.frequency.people_by_level import people_by_level
from crampstudy.descriptive.prevalence import LEVELS, check_bands
from crampstudy.descriptive.rates import ALL, UNIT, nobody_of, rates
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import CARRIED_BY, fact
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.surveys.domain_means import domain_means
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.nights import people

OUTCOMES: dict[str, str] = {"any": "any_cramp", "moderate-severe": "moderate_severe_vs_rest"}
"""Groups of recalled classes that are compared, and what models call them."""
FEWEST = 5
"""A group of fewer participants than this is compared with nothing."""
EDGES = ("no cramp", "nobody with cramps", "everybody with cramps")
"""Why a group is compared with nothing that has enough people: no ratio to others is finite, or all are 0."""
NOBODY_HAS = "no participant has a"
"""How the reason begins why there are no groups of a variable in a cohort, in which nobody was asked for it."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GroupMeasures:
    """The incidence rate or the prevalence in k groups of a cohort.

    ``estimate`` (k) is in cramps per person-week, or a share; ``covariance`` (k x k) of these on their own scale,
    ``df`` (k) the degrees of freedom of t of each. ``participants``, ``nights`` (of a diary) and ``events`` (k) are
    counts. ``why_not`` says of a group why it can be compared with nothing, empty where it can. ``standard`` are the
    places of the groups that a standard population weights: the age bands from the first limit on. ``alone`` (k) says
    in which groups of several one participant alone has cramps: a ratio would rest on that one.
    """

    cohort: str
    labels: tuple[str, ...]
    estimate: Array
    covariance: Array
    df: Array
    participants: NDArray[np.int64]
    nights: NDArray[np.int64] | None
    events: NDArray[np.int64]
    why_not: tuple[str, ...]
    standard: tuple[int, ...]
    outcome: str
    scale: str
    unit: str
    alone: tuple[bool, ...] = ()

    def place(self, label: str) -> int | None:
        """Return the place of a group, ``None`` where the cohort has none of this label."""
        return self.labels.index(label) if label in self.labels else None


@remembered
def measures(
    cohort: Cohort, by: str, bands: AgeBands, *, outcome: str = "any", where: str | None = None
) -> GroupMeasures:
    """Return how often cramps are by the levels of ``by``, over all of them in the last group.

    Args:
        cohort: a diary, whose incidence rates are taken, or a survey.
        by: ``age_band``, ``sex`` or any level or yes-or-no variable of the participants.
        bands: age bands; those younger than the first limit are left out.
        outcome: of a survey, a group of recalled classes, such as ``any`` or ``moderate-severe``.
        where: a condition that names a part of the cohort.

    Raises:
        UsageError: ``by`` is no such variable, or the outcome none of a survey.
    """
    if cohort.kind == "diary":
        return _of_diary(cohort, by, bands, where)
    return _of_survey(cohort, by, bands, outcome, where)


def _of_diary(cohort: Cohort, by: str, bands: AgeBands, where: str | None) -> GroupMeasures:
    made, _ = rates(cohort, by, bands, standard="none", where=where, ci_level=0.95)
    crude = [row for row in made if _is_crude(row)]
    first = f"{bands.limits[0]}+"
    own = [*bands.labels[1:], first] if by == "age_band" else None
    kept = [row for row in crude if own is None or row["level"] in own]
    younger = [row for row in crude if row["level"] == bands.labels[0] and row["n_participants"]]
    if own is not None and younger and not kept[-1]["n_participants"]:
        kept[-1] = kept[-1] | {"note": f"nobody is {bands.limits[0]} years or older"}
    # A single band is the whole itself, and has all the weight.
    banded = [i for i, row in enumerate(kept) if row["level"] != first] or [0]
    standard = banded if by == "age_band" else ()
    return _of_rates(cohort, kept, standard)


def _is_crude(row: Row) -> bool:
    return bool(row["analysis"] == kinds.INCIDENCE_RATE.name)


def _of_rates(cohort: Cohort, kept: Sequence[Row], standard: Sequence[int]) -> GroupMeasures:
    """Return the rates of rows, of which those at the places ``standard`` have a weight."""
    estimate = np.array([_number(row["estimate"]) for row in kept])
    # A rate of few has no interval, and shows no standard error: it is compared with nothing.
    error = np.array([_number(row["std_error"]) for row in kept]) * estimate
    covariance = np.diag(error**2)
    people = _counts(kept, "n_participants")
    # However many they are, of a sum of rates each has as many degrees of freedom as its participants leave.
    df = np.where(np.isnan([_number(row["df"]) for row in kept]), np.nan, people - 1.0)
    return GroupMeasures(
        cohort.name,
        tuple(str(row["level"]) for row in kept),
        estimate,
        covariance,
        df,
        participants=people,
        nights=_counts(kept, "n_nights"),
        events=_counts(kept, "n_events"),
        why_not=tuple(_why_not(row) for row in kept),
        alone=tuple(bool(fact(row, CARRIED_BY)) for row in kept),
        standard=tuple(standard),
        outcome="cramps",
        scale="rate",
        unit=UNIT,
    )


@remembered
def everybody(cohort: Cohort, bands: AgeBands, where: str | None = None) -> GroupMeasures:
    """Return the rate of a diary over all of its participants, also those without an age, its one group."""
    made, _ = rates(cohort, "age_band", bands, standard="none", where=where, ci_level=0.95, everybody=True)
    return _of_rates(cohort, [row for row in made if _is_crude(row) and row["level"] == ALL], ())


def _why_not(row: Row) -> str:
    if row["status"] == "not_estimable":
        return str(row["note"] or "no observed night")
    if row["n_participants"] < FEWEST:
        return f"fewer than {FEWEST} participants"
    if not row["n_events"]:
        return EDGES[0]
    return "" if row["std_error"] else "no spread between participants"


def _counts(rows: Sequence[Row], name: str) -> NDArray[np.int64]:
    return np.array([row[name] or 0 for row in rows], dtype=np.int64)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _of_survey(cohort: Cohort, by: str, bands: AgeBands, outcome: str, where: str | None) -> GroupMeasures:
    if cohort.design is None:
        raise UsageError(f"{cohort.name} is a survey without a sampling design; its groups cannot be compared")
    if outcome not in LEVELS:
        raise UsageError(f"no group of recalled classes {outcome!r}; allowed: {', '.join(LEVELS)}")
    check_bands(cohort, bands)
    frame = people(cohort, bands)
    answer, ages = recalled_outcomes.classes(frame), frame["age_years"].to_numpy()
    inside = np.isfinite(answer) & subpopulation.select(frame, where).inside.to_numpy()
    if not inside.any():
        raise AnalysisError(f"{cohort.name}: nobody of these has a recalled class")
    inside &= np.nan_to_num(ages, nan=-1.0) >= bands.limits[0]
    labels, members = _members(frame, by, bands, inside)
    weight = frame[recalled_outcomes.weight_for(cohort.design, ("age_years", "recalled_class"))]
    design = SamplingDesign.of(frame[cohort.design.stratum], frame[cohort.design.psu], weight)
    hits = np.isin(answer, LEVELS[outcome])
    found = domain_means(hits, members, design)
    events = (members & hits[:, None] & (design.weight > 0)[:, None]).sum(axis=0)
    gone = nobody_of(cohort, bands) if by == "age_band" else {}
    nobody = [gone.get(label, "nobody answered") for label in labels]
    why_not = [
        none if not n else f"fewer than {FEWEST} participants" if n < FEWEST else _edge(k, n)
        for none, n, k in zip(nobody, found.n, events, strict=True)
    ]
    return GroupMeasures(
        cohort.name,
        labels,
        found.estimate,
        found.covariance,
        found.df.astype(float),
        found.n,
        None,
        events,
        why_not=tuple(why_not),
        alone=tuple((events == 1).tolist()),
        standard=tuple(range(len(labels) - 1)) if by == "age_band" else (),
        outcome=OUTCOMES.get(outcome, outcome),
        scale="prevalence",
        unit="proportion",
    )


def _edge(events: int, n: int) -> str:
    return EDGES[1] if not events else EDGES[2] if events == n else ""


def _members(
    frame: pl.DataFrame, by: str, bands: AgeBands, inside: NDArray[np.bool_]
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return the labels of the groups (k) and who is in each (n x k), everybody from the first limit on last."""
    if by == "age_band":
        labels = bands.labels[1:]
        values = frame[by].cast(pl.String)
        members = np.column_stack([inside & (values == label).fill_null(value=False).to_numpy() for label in labels])
    else:
        labels, members = people_by_level(by, frame, inside)
    return (*labels, f"{bands.limits[0]}+"), np.column_stack([members, inside])
