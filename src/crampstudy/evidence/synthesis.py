"""The door to the evidence: what trials say of a treatment, and how that moves with a reader's own trial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crampstudy import estimates, suggestions
from crampstudy.errors import UsageError
from crampstudy.evidence import pools as grouping
from crampstudy.evidence import rows as made
from crampstudy.evidence.package import agents, populations, studies
from crampstudy.evidence.pools import Pool
from crampstudy.evidence.rows import RowMaker, SynthesisOptions
from crampstudy.evidence.sensitivity import PARTS, by_subgroup
from crampstudy.evidence.study import Study
from crampstudy.readable import OneLine

EVERYBODY = "all populations"
"""The population of a synthesis whose subgroups are populations."""


@dataclass(frozen=True, slots=True, repr=False)
class Synthesis(OneLine):
    """What trials say of one treatment: the pools of its populations, and the tidy rows of all."""

    agent: str
    pools: tuple[Pool, ...]
    estimates: pd.DataFrame


def synthesise(
    agent: str, population: str | None = None, *, added: Iterable[Study] = (), options: SynthesisOptions | None = None
) -> Synthesis:
    """Return what trials say of a treatment in each population, or in one.

    Args:
        agent: a treatment of the evidence, such as ``magnesium``.
        population: one of those in whom it was studied; by default each, in a pool of its own.
        added: trials that are not in the evidence, which are pooled with it.
        options: confidence level, threshold, subgroups and moderator; by default those of :class:`SynthesisOptions`.

    Raises:
        UsageError: there is no such agent or population, subgroup or moderator.
        AnalysisError: two rows of one trial have no known covariance.
    """
    check(agent, population, added)
    options = options or SynthesisOptions()
    mine = [each for each in (*studies(), *added) if each.agent == agent]
    found = grouping.group(each for each in mine if population in (None, each.population))
    found = found or (Pool(agent, grouping.NOBODY, grouping.USUAL, ()),)
    shown = [row for pool in found for row in _of_pool(pool, options)]
    if options.by == "population":
        shown += [row for pool in _merged(found) for row in by_subgroup(RowMaker(pool, options))]
    return Synthesis(agent, found, estimates.frame(shown))


def beside(
    agent: str, population: str | None, added: Iterable[Study], options: SynthesisOptions | None = None
) -> tuple[Synthesis, Synthesis]:
    """Return what the trials say before and after a reader's own were added, their rows under two names.

    Raises:
        UsageError: there is no such agent or population, subgroup or moderator.
        AnalysisError: two rows of one trial have no known covariance.
    """
    own, options = tuple(added), options or SynthesisOptions()
    check(agent, population, own)
    names = " and ".join(each.study for each in own)
    after = synthesise(agent, population, added=own, options=replace(options, name=f"{made.TRIALS}, with {names}"))
    there = population is None or population in populations(agent)
    before = synthesise(agent, population if there else None, options=options)
    touched = {pool.name for pool in after.pools if any(row.study in own for row in pool.rows)}
    first, second = (
        replace(each, estimates=each.estimates[each.estimates["population"].isin([*touched, EVERYBODY])])
        for each in (before, after)
    )
    return first, second


def check(agent: str, population: str | None = None, added: Iterable[Study] = ()) -> None:
    """Check that there is such an agent, and somebody in whom it was studied.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    if agent not in agents():
        allowed = f"allowed: {', '.join(agents())}"
        raise suggestions.unknown(UsageError, f"no agent {agent!r} in the evidence", agent, agents(), allowed)
    known = dict.fromkeys((*populations(agent), *(each.population for each in added)))
    if population is not None and population not in known:
        allowed = f"allowed: {', '.join(known)}" if known else "it has no trial with verified figures in anybody"
        said = f"no trial of {agent} in the population {population!r}"
        raise suggestions.unknown(UsageError, said, population, known, allowed)


def _of_pool(pool: Pool, options: SynthesisOptions) -> Iterator[Mapping[str, Any]]:
    rows = RowMaker(pool, options)
    yield from made.of_studies(rows)
    yield from made.of_pool(rows)
    if pool.n_trials > 1:
        for part in PARTS:
            if not (part is by_subgroup and options.by == "population"):
                yield from part(rows)


def _merged(found: tuple[Pool, ...]) -> Iterator[Pool]:
    """Yield the pools of all populations against the same comparator as one."""
    for against in dict.fromkeys(pool.against for pool in found):
        alike = [pool for pool in found if pool.against == against]
        if sum(pool.n_trials for pool in alike) > 1:
            yield Pool(alike[0].agent, EVERYBODY, against, tuple(row for pool in alike for row in pool.rows))
