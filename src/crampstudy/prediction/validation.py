"""Nested cross-validation: participants that a model has not seen, and nights after all that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from crampstudy import compute
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.errors import AnalysisError
from crampstudy.prediction import baselines, leakage
from crampstudy.prediction.features import FeatureTable
from crampstudy.prediction.models import Candidate, candidates, fitted, predicted
from crampstudy.prediction.outcome import Outcome
from crampstudy.prediction.scores import crps, dispersion, log_score
from crampstudy.readable import OneLine
from crampstudy.wording import counted

FOLDS, INNER = 5, 3
FEWEST = 25
"""Participants without whom nothing is learned: five of each fold."""
CHOSEN = "chosen model"
"""The model that did best within the training nights of its fold."""
PAST_ALONE = "own past alone"
"""Of the models that learn from a participant's own past and nothing else the one that did best there."""
GROUPED, FORWARD = "unseen participants", "unseen participants, later nights"
NEWCOMERS = "unseen participants, baseline alone"
SEED = 20240607


@dataclass(frozen=True, slots=True, repr=False)
class Validated(OneLine):
    """What was said of rows by predictors that had not seen them.

    Args:
        scheme: how rows were held back.
        outcome: what was foretold.
        table: the rows that were tested on.
        happened: what happened.
        said: what each predictor said, by its name; of counts as a rate per night.
        log_scores: of counts the log score of each row.
        ranked: of counts the continuous ranked probability score of each row.
        chosen: the model that each fold chose.
    """

    scheme: str
    outcome: Outcome
    table: FeatureTable
    happened: Array
    said: Mapping[str, Array]
    log_scores: Mapping[str, Array]
    ranked: Mapping[str, Array]
    chosen: tuple[str, ...]

    def expected(self, predictor: str) -> Array:
        """Return the count, or the probability, that a predictor expected of each row."""
        return self.said[predictor] * self.table.nights if self.outcome.is_count else self.said[predictor]

    def without(self, predictor: str) -> Validated:
        """Return what the other predictors said."""
        kept = (
            {name: each for name, each in of.items() if name != predictor}
            for of in (self.said, self.log_scores, self.ranked)
        )
        said, log_scores, ranked = kept
        return replace(self, said=said, log_scores=log_scores, ranked=ranked)


def check_enough(table: FeatureTable) -> None:
    """Check that there is something to learn from.

    Raises:
        AnalysisError: there are too few participants, or too few with a cramp.
    """
    n = len(np.unique(table.person))
    cramped = len(np.unique(table.person[table.counts > 0]))
    if n < FEWEST or cramped < FOLDS:
        raise AnalysisError(
            f"{counted(n, 'participants')} with logged nights, {cramped} of them with a cramp; a prediction needs "
            f"at least {FEWEST}, and {FOLDS} with a cramp"
        )


def folds_of(people: int, number: int, rng: np.random.Generator) -> Codes:
    """Return the fold of each participant, folds of about the same size."""
    return rng.permutation(np.arange(people) % number)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is foretold of participants that nothing was learned from.

    With ``forward`` only nights before the median date are learned from, and only later ones tested on.
    """

    outcome: Outcome
    forward: bool = False


def validate(
    table: FeatureTable, outcome: Outcome, *, forward: bool = False, workers: compute.Workers = 1
) -> Validated:
    """Return what every baseline and model says of participants that it has not seen, by nested cross-validation.

    With ``forward`` only nights before the median date are learned from, and only later ones tested on.

    Raises:
        AnalysisError: there is too little to learn from, or a column is made of the outcome.
    """
    (found,) = validate_each(table, [Scheme(outcome, forward)], workers=workers)
    return found


def validate_each(
    table: FeatureTable, schemes: Sequence[Scheme], *, workers: compute.Workers = 1
) -> tuple[Validated, ...]:
    """Return what :func:`validate` does of several schemes, whose folds are shared by the workers.

    Raises:
        AnalysisError: there is too little to learn from, or a column is made of the outcome.
    """
    check_enough(table)
    check_columns(table)
    turns = [(scheme, number) for scheme in schemes for number in range(FOLDS)]
    parts = list(compute.map(partial(_of_fold, table), turns, workers=workers))
    return tuple(_joined(table, scheme, parts[i * FOLDS : (i + 1) * FOLDS]) for i, scheme in enumerate(schemes))


def _joined(table: FeatureTable, scheme: Scheme, parts: Sequence[Mapping[str, Any]]) -> Validated:
    rows = np.concatenate([part["rows"] for part in parts])
    order = np.argsort(rows, kind="stable")
    tested = table.only(rows[order])

    def gathered(name: str) -> dict[str, Array]:
        return {key: np.concatenate([part[name][key] for part in parts])[order] for key in parts[0][name]}

    chosen = tuple(str(part["chosen"]) for part in parts)
    said, logged, ranked = (gathered(name) for name in ("said", "log", "crps"))
    name = FORWARD if scheme.forward else GROUPED if table.sums is not None else NEWCOMERS
    return Validated(name, scheme.outcome, tested, scheme.outcome.of(tested), said, logged, ranked, chosen)


def check_columns(table: FeatureTable) -> None:
    """Check that no baseline column of a table is made of its outcome.

    Raises:
        AnalysisError: one is.
    """
    first = np.unique(table.person, return_index=True)[1]
    own = [i for i, name in enumerate(table.names) if _is_baseline(table, i)]
    counts, nights = (
        np.bincount(table.person, of)[table.person[first]].astype(np.float64) for of in (table.counts, table.nights)
    )
    names = tuple(table.names[i] for i in own)
    leakage.check_not_of_outcome(names, table.values[first][:, own].astype(float), counts, nights)


def _is_baseline(table: FeatureTable, column: int) -> bool:
    """Say whether a feature is the same on all nights of each participant."""
    of, first = table.values[:, column], np.unique(table.person, return_index=True)[1]
    own = np.zeros(len(table.ids), dtype=of.dtype)
    own[table.person[first]] = of[first]
    same = (of == own[table.person]) | (np.isnan(of) & np.isnan(own[table.person]))
    return bool(same.all())


def _of_fold(table: FeatureTable, turn: tuple[Scheme, int]) -> dict[str, Any]:
    scheme, number = turn
    outcome, forward = scheme.outcome, scheme.forward
    fold = folds_of(len(table.ids), FOLDS, np.random.default_rng([SEED, forward]))
    own = fold[table.person] == number
    early, late = _times(table, forward)
    train, rows = table.only(~own & early), np.flatnonzero(own & late)
    test = table.only(rows)
    leakage.check_people(train.person, test.person)
    if forward and train.day is not None and test.day is not None:
        leakage.check_time(train.day, test.day)
    # What is random in a fold is its own, whichever process does it.
    rng = np.random.default_rng([SEED, forward, number])
    pairs = dict(_of_rules(train, test, outcome, rng))
    found = {family: tried(train, outcome, grid, rng) for family, grid in candidates(train.names).items()}
    named: dict[str, TriedCandidate] = {family: best(every) for family, every in found.items()}
    if alone := [each for every in found.values() for each in every if each.candidate.past_alone]:
        named[PAST_ALONE] = best(alone)
    named[CHOSEN] = best(named.values())
    said_of = {each.candidate: said_by(each.candidate, train, test, outcome) for each in named.values()}
    pairs |= {name: (each.said, said_of[each.candidate]) for name, each in named.items()}
    said = {name: outcome.bounded(of_test) for name, (_, of_test) in pairs.items()}
    part: dict[str, Any] = {"rows": rows, "said": said, "log": {}, "crps": {}, "chosen": named[CHOSEN].candidate}
    if outcome.is_count:
        for name, (of_train, _) in pairs.items():
            alpha = dispersion(train.counts, outcome.bounded(of_train) * train.nights)
            mean = said[name] * test.nights
            part["log"][name] = log_score(test.counts, mean, alpha)
            part["crps"][name] = crps(test.counts, mean, alpha)
    return part


def _times(table: FeatureTable, forward: bool) -> tuple[Flags, Flags]:
    every = np.ones(len(table.counts), dtype=bool)
    if not forward or table.day is None:
        return every, every
    origin = np.median(table.day)
    return table.day < origin, table.day >= origin


def _of_rules(
    train: FeatureTable, test: FeatureTable, outcome: Outcome, rng: np.random.Generator
) -> Mapping[str, tuple[Array, Array]]:
    if train.sums is not None:
        return baselines.of_nights(train, test, outcome, rng)
    return baselines.of_everybody(train, test, outcome)


def learned(candidate: Candidate, table: FeatureTable, outcome: Outcome) -> Any:
    """Return a model that learned from a table, of rows of several nights with these as weights."""
    happened = outcome.of(table) / table.nights if outcome.is_count else outcome.of(table)
    own = candidate.features(table.names)
    names = tuple(table.names[i] for i in own)
    return fitted(candidate, outcome, names, table.values[:, own], happened, table.nights)


def said_by(candidate: Candidate, train: FeatureTable, test: FeatureTable, outcome: Outcome) -> Array:
    """Return what a model that learned from one table says of the rows of another."""
    own = candidate.features(train.names)
    return predicted(learned(candidate, train, outcome), outcome, test.values[:, own])


@dataclass(frozen=True, slots=True)
class TriedCandidate:
    """What a candidate said by cross-validation over the participants that are learned from, and its mean loss."""

    candidate: Candidate
    said: Array
    loss: float


def tried(
    table: FeatureTable, outcome: Outcome, grid: Sequence[Candidate], rng: np.random.Generator
) -> tuple[TriedCandidate, ...]:
    """Return what each of some candidates said by cross-validation over participants."""
    _, person = np.unique(table.person, return_inverse=True)
    fold = folds_of(int(person.max()) + 1, INNER, rng)[person]
    happened = outcome.of(table) / table.nights if outcome.is_count else outcome.of(table)
    made = []
    for candidate in grid:
        said = np.empty(len(happened))
        for number in range(INNER):
            own = fold == number
            said[own] = said_by(candidate, table.only(~own), table.only(own), outcome)
        loss = float(np.average(outcome.loss(happened, said), weights=table.nights))
        made.append(TriedCandidate(candidate, said, loss))
    return tuple(made)


def best(every: Iterable[TriedCandidate]) -> TriedCandidate:
    """Return what had the smallest loss."""
    return min(every, key=lambda each: each.loss)
