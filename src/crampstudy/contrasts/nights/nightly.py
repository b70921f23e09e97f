"""Nightly exposures within and between participants and over several nights, with what the causal graph asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import codebook, estimates, wording
from crampstudy.causal import Adjustment, CausalGraph, CausalNode, adjustment_set, measured_in, study
from crampstudy.causal.graph import is_within, source
from crampstudy.codebook.exposures import BETWEEN, OF_PERSON, WITHIN, find
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import Sufficiency, covariates_of, differing, single_terms
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.within_between import within_between
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.absent import absent_row
from crampstudy.models.covariates import is_told_of, told_of_alone
from crampstudy.wording import CONTRAST, label, listed, small

MODEL = "negative-binomial"
_OUTCOME = "cramps"
REPLICATES = 200
ENOUGH_TOGETHER = 150
"""From so many participants on a model has room for several exposures and what all of them are adjusted for."""


def adjusted_within_between(
    cohort: Cohort,
    exposures: Sequence[str],
    *,
    rng: np.random.Generator,
    model: str = MODEL,
    graph: CausalGraph | None = None,
    replicates: int = REPLICATES,
    **more: Any,
) -> pd.DataFrame:
    """Return the rate ratios of nightly exposures within and between participants, adjusted as the graph asks.

    All exposures stand in one model with what any of them is adjusted for, within participants or between them. What
    an exposure was on a night before enters as a deviation from the person's mean, so that the ratio between is of the
    mean on all nights.

    Args:
        cohort: a diary.
        exposures: nightly variables that the graph knows, none of which another causes.
        rng: the source of the participant bootstrap.
        model: one whose terms may have ``weights()``.
        graph: by default that of the study.
        replicates: how many times the participants are drawn where a mean is not reliable.
        more: other arguments of :func:`within_between`.

    Returns:
        The rows of :func:`within_between`, each with what it is adjusted for in its note.

    Raises:
        UsageError: the graph does not know an exposure; else as :func:`within_between`.
    """
    known = graph or study()
    sets = {(name, part): _set(cohort, f"{part}({name})", known) for part in OF_PERSON for name in exposures}
    same = columns_of(exposures, known)
    beside = {
        key: [
            _deviation(term, same) for term in covariates_of(cohort, found, known, exposures) if not _mean(term, same)
        ]
        for key, found in sets.items()
    }
    terms = dict.fromkeys(term for each in beside.values() for term in each)
    rows = within_between(
        cohort, exposures, rng=rng, model=model, beside=" + ".join(terms), replicates=replicates, **more
    )
    said = {key: (found, beside[key]) for key, found in sets.items()}
    keys = zip(rows["term"].str.removeprefix(CONTRAST), rows["level"], strict=True)
    own = rows["analysis"].ne(kinds.RELIABILITY.name)
    told = [said[key] if of_ratio else None for key, of_ratio in zip(keys, own, strict=True)]
    return _with_notes(rows, told)


def in_one_model(cohort: Cohort, exposures: Sequence[str]) -> list[list[str]]:
    """Return which of ``exposures`` stand in a model together: all of them, or of few participants each alone."""
    many = cohort.tables["participants"].height >= ENOUGH_TOGETHER
    return [[*exposures]] if many and exposures else [[name] for name in exposures]


def adjusted_lags(cohort: Cohort, exposure: str, *, graph: CausalGraph | None = None, **more: Any) -> pd.DataFrame:
    """Return the rate ratios of a nightly exposure over several nights, adjusted as the graph asks.

    Its lags hold one another; beside them stands what the deviation of the night itself is adjusted for.

    Args:
        cohort: a diary.
        exposure: a nightly variable that the graph knows.
        graph: by default that of the study.
        more: other arguments of :func:`distributed_lag`.

    Raises:
        UsageError: the graph does not know the exposure; else as :func:`distributed_lag`.
    """
    known = graph or study()
    found = _set(cohort, f"{WITHIN}({exposure})", known)
    same = columns_of((exposure,), known)
    terms = [term for term in covariates_of(cohort, found, known, (exposure,)) if source(term) not in same]
    rows = distributed_lag(cohort, exposure, model=MODEL, beside=" + ".join(terms), **more)
    return _with_notes(rows, [(found, terms)] * len(rows))


def adjustments(cohort: Cohort, exposure: str, graph: CausalGraph | None = None) -> str:
    """Return for what an exposure is adjusted within persons, and for what else between them, as a reader is told.

    What does not differ in the cohort, such as sex among women, is named by neither.
    """
    known = graph or study()
    within, between = (_set(cohort, f"{part}({exposure})", known) for part in OF_PERSON)
    own = list(map(_named, within.nodes, within.columns))
    others = [
        _named(node, column)
        for node, column in zip(between.nodes, between.columns, strict=True)
        if node not in within.nodes
    ]
    missing = [_named(node) for node in dict.fromkeys((*within.missing, *between.missing))]
    also = f" (between persons also {listed(others)})" if others else ""
    were = "was" if len(missing) == 1 else "were"
    lacking = f", and not for {listed(missing)}, which it would need and which {were} not measured" if missing else ""
    return f"{small(label(exposure))}: {listed(own) if own else 'nothing'}{also}{lacking}"


def _named(node: CausalNode, column: str | None = None) -> str:
    """Return a node in words, by the ``column`` that shows it where the codebook knows both."""
    if not codebook.find(node.name):
        return node.meaning
    return small(label(column if column and codebook.find(column) else node.name))


def not_measured(cohort: Cohort, exposure: str) -> pd.DataFrame:
    """Return the row of a nightly exposure that a cohort has no value of."""
    cells = {"cohort": cohort.name, "outcome": _OUTCOME, "analysis": kinds.WITHIN_BETWEEN.name, "model": MODEL}
    cells |= {"term": exposure, "level": WITHIN, "scale": "rate_ratio"}
    return estimates.frame([absent_row(cohort, exposure, **cells)])


def adjustment_of(cohort: Cohort, exposure: str, outcome: str, graph: CausalGraph) -> Adjustment:
    """Return what a nightly exposure is adjusted for; within persons by what was measured night by night alone."""
    measured = measured_in(cohort)
    if is_within(exposure):
        measured -= frozenset(cohort.tables["participants"].columns)
    return differing(cohort, adjustment_set(exposure, outcome, measured, graph))


def _set(cohort: Cohort, exposure: str, graph: CausalGraph) -> Adjustment:
    return adjustment_of(cohort, exposure, _OUTCOME, graph)


def columns_of(exposures: Sequence[str], graph: CausalGraph) -> dict[str, str]:
    """Return the columns that show what exposures are to the graph, each with its exposure."""
    nodes = {exposure: graph.node(exposure) for exposure in exposures}
    return {column: exposure for exposure, node in nodes.items() for column in (node.name, *node.measured_by)}


def _deviation(term: str, same: Mapping[str, str]) -> str:
    """Return a term as it is, but of another night of an exposure its deviation from the person's mean."""
    of = source(term)
    return term.replace(of, f"{WITHIN}({same[of]})", 1) if of != term and of in same else term


def _mean(term: str, same: Mapping[str, str]) -> bool:
    """Say whether a term is the mean of an exposure, or of what shows the same."""
    found = find(term)
    return found is not None and found.part == BETWEEN and found.variable in same


def _with_notes(rows: pd.DataFrame, said: Sequence[tuple[Adjustment, Sequence[str]] | None]) -> pd.DataFrame:
    """Return rows with what each is adjusted for before its note, and with what there was no room for."""
    return estimates.frame(
        _held(row, *each).on(_own(row, each[1])) if each else row
        for row, each in zip(wording.with_none(rows), said, strict=True)
    )


def _own(row: dict[str, Any], covariates: Sequence[str]) -> dict[str, Any]:
    """Return a row whose note says of what was left out of its model only what was asked for beside it."""
    return row if row["note"] is None else row | {"note": told_of_alone(row["note"], single_terms(covariates)) or None}


def _held(row: Mapping[str, Any], found: Adjustment, covariates: Sequence[str]) -> Sufficiency:
    """Return how far a row is adjusted for what the graph asks for, of which its model may have left terms out."""
    kept = {*str(row["adjusted_for"]).split("; ")}
    lost = [term for term in single_terms(covariates) if term not in kept]
    lacking = adjustment.lacks(row) if row["adjustment"] == adjustment.LEFT_OUT else []
    crowded = [term for term in lacking if not is_told_of(str(row.get("note")), term)]
    # What was left out though there was room has no value on the nights of the model, does not differ, or sets them
    # apart.
    untold = [term for term in lost if term not in crowded]
    return Sufficiency.of(found, [term for term in lost if term in crowded], untold)
