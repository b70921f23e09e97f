"""Participant bootstrap: whole participants drawn with replacement, as weights of their rows, never as copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from crampstudy import compute, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds, note
from crampstudy.estimates.verdicts import verdict
from crampstudy.models.common import estimability
from crampstudy.models.fit import answer
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.linear import no_residual
from crampstudy.models.nights.solution import Solution
from crampstudy.models.registry import NIGHT_FAMILIES, find, names_of_weighted
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix
from crampstudy.models.validation import default_outcome, solve
from crampstudy.nights import Diary
from crampstudy.progress import track
from crampstudy.wording import CONTRAST, counted

Statistic = Callable[[Array], Array]

MOST_FAILED = 0.05
"""With more than this share of replicates without an estimate, the others no longer stand for all."""

_BATCH = 25
_DISPERSION = "dispersion"
_NOT_RESAMPLED = ("wald_test", "reliability")


def resample(
    statistic: Statistic,
    participants: int,
    *,
    replicates: int,
    rng: np.random.Generator,
    workers: compute.Workers = 1,
    keep: Path | None = None,
    progress: compute.Progress | None = None,
) -> Array:
    """Return ``statistic`` of resampled participants, a row per replicate.

    Each replicate draws from its own child of ``rng``: one or more workers, or a cluster, give the same numbers.

    Args:
        statistic: takes how often each participant was drawn (length ``participants``, summing to that) and returns an
            array, NaN where it has no value.
        participants: how many there are.
        replicates: how many times they are drawn.
        rng: the source of all draws.
        workers: processes, or the address of a cluster.
        keep: a folder with which a run that was ended goes on where it stood, as in :func:`crampstudy.compute.map`.
        progress: is told how many batches of 25 are done.

    Source: Efron 1979; for clusters Davison and Hinkley 1997, section 3.8.
    """
    children = rng.spawn(replicates)
    batches = [children[start : start + _BATCH] for start in range(0, replicates, _BATCH)]
    task = partial(_drawn, statistic, participants)
    drawn = compute.map(task, batches, workers=workers, keep=keep, progress=progress)
    return np.concatenate(list(track(drawn, f"batches of {_BATCH} replicates", len(batches))))


def _drawn(statistic: Statistic, participants: int, children: Sequence[np.random.Generator]) -> Array:
    even = np.full(participants, 1 / participants)
    return np.array([statistic(child.multinomial(participants, even).astype(np.float64)) for child in children])


def percentile(replicates: Array, ci_level: float) -> tuple[float, float]:
    """Return the percentile interval of ``replicates`` (length R). Source: Efron 1982."""
    low, high = np.quantile(replicates, [(1 - ci_level) / 2, (1 + ci_level) / 2])
    return float(low), float(high)


def expanded_percentile(replicates: Array, participants: int, ci_level: float) -> tuple[float, float]:
    """Return the percentile interval of ``replicates`` (length R) as wide as so few participants need.

    The percentiles are those at which a normal distribution has the limits of t with a degree of freedom less than
    there are participants, times the factor by which a variance of so many replicates is too small.

    Source: Hesterberg 2015.
    """
    free = participants - 1
    widest = special.stdtrit(free, (1 + ci_level) / 2) * np.sqrt(participants / free)
    return percentile(replicates, float(1 - 2 * special.ndtr(-widest)))


def check_replicates(replicates: int, ci_level: float) -> None:
    """Check that there are enough replicates for an interval.

    Raises:
        UsageError: there are not.
    """
    if replicates < (fewest := int(np.ceil(2 / (1 - ci_level)))):
        few = counted(replicates, "replicates", "are")
        error = UsageError(f"{few} too few for level {ci_level:g}; give at least {fewest}")
        error.correction = f"{replicates}", f"{fewest}"
        raise error


def bias_corrected(replicates: Array, estimate: float, ci_level: float) -> tuple[float, float]:
    """Return the bias-corrected percentile interval of ``replicates`` (length R), NaN where all lie on one side.

    The percentiles move by twice the normal quantile of the share of replicates below ``estimate``.

    Source: Efron 1982.
    """
    below = np.mean(replicates < estimate) + np.mean(replicates == estimate) / 2
    if not 0 < below < 1:
        return float("nan"), float("nan")
    shift, z = 2 * special.ndtri(below), special.ndtri((1 + ci_level) / 2)
    low, high = np.quantile(replicates, special.ndtr([shift - z, shift + z]))
    return float(low), float(high)


def bootstrap(
    cohort: Cohort | Diary,
    *,
    model: str,
    terms: str,
    rng: np.random.Generator,
    replicates: int = 1000,
    outcome: str | None = None,
    exposure: str = "nights",
    where: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    workers: compute.Workers = 1,
    keep: Path | None = None,
    progress: compute.Progress | None = None,
) -> pd.DataFrame:
    """Fit ``model`` to resampled participants and return its estimates with bootstrap intervals.

    Participants with a night that is complete on the terms are drawn with replacement; knots, references and
    levels stay those of the cohort.

    Args:
        cohort: a diary.
        model: one whose terms may have ``weights()``.
        terms: as for :func:`crampstudy.fit`, like ``outcome``, ``exposure``, ``where``, ``ci_level`` and ``bands``.
        rng: as for :func:`resample`, like ``replicates``, ``workers``, ``keep`` and ``progress``.
        replicates: how many times the participants are drawn.
        outcome: one of the model's outcomes; the first of them by default.
        exposure: ``nights`` or ``hours_in_bed``.
        where: condition that names a part of the cohort.
        ci_level: confidence level, above 0 and below 1.
        bands: age bands behind ``age_band``.
        workers: processes, or the address of a cluster.
        keep: a folder with which a run that was ended goes on where it stood.
        progress: is told how many batches of 25 are done.

    Returns:
        Tidy estimates, each row twice, with the percentile and the bias-corrected interval (named in
        ``analysis``). ``std_error`` is the standard deviation of the replicates on the link scale. Replicates in
        which a level has no participant or no cramp have no estimate: they are counted in ``note``, and above 5 %
        no interval is given.

    Raises:
        UsageError: the model cannot be weighted, or the replicates are too few for the level; else as
            :func:`crampstudy.fit`.

    Source: Efron 1979, 1982; Davison and Hinkley 1997, section 3.8.
    """
    able = names_of_weighted()
    if model not in able:
        find(model)
        raise UsageError(f"no bootstrap of the model {model!r}; allowed: {', '.join(able)}")
    request = ModelRequest(
        cohort,
        model,
        terms,
        default_outcome(model, outcome),
        exposure=exposure,
        where=where,
        ci_level=ci_level,
        bands=bands or AgeBands(),
        analysis=kinds.BOOTSTRAP.name,
    )
    fitted = answer(request)
    check_replicates(replicates, ci_level)
    if fitted.status != "converged":
        return fitted.estimates
    solution = solve(request, night_by_night=False)
    statistic = Coefficients.of(solution)
    people = len(solution.participants)
    found = resample(statistic, people, replicates=replicates, rng=rng, workers=workers, keep=keep, progress=progress)
    # What is one participant's alone has no interval, and is not in a replicate without that one.
    usable = found[np.isfinite(found).all(axis=1)]
    centre = statistic(np.ones(people))
    targets = _targets(solution, len(centre))
    made = []
    for kind in (kinds.BOOTSTRAP_PERCENTILE, kinds.BOOTSTRAP_CORRECTED):
        for row in fitted.estimates[~fitted.estimates["scale"].isin(_NOT_RESAMPLED)].to_dict("records"):
            cells: dict[str, Any] = {str(name): v for name, v in row.items() if name != "key" and not pd.isna(v)}
            cells["analysis"] = kind.name
            target = targets.get((cells["term"], cells.get("level")))
            if target is not None and cells["status"] == "converged":
                cells = _with_interval(cells, usable @ target, float(centre @ target), replicates, kind)
            made.append(estimates.row(**cells))
            if "verdict" in cells:
                made[-1] |= {"verdict": verdict(made[-1])}
    return estimates.frame(made)


def _targets(solution: Solution, length: int) -> dict[tuple[str, str | None], Array]:
    """Return what each row of the estimates is of the statistic, by term and level."""
    design, each = solution.design, np.eye(length)
    splines = {i for smooth in design.smooths for i in smooth.columns}
    found = {(c.term, c.level): each[i] for i, c in enumerate(design.columns) if i not in splines}
    for smooth in design.smooths:
        for level, contrast in zip(smooth.levels, smooth.contrasts, strict=True):
            found[smooth.term, level] = np.append(contrast, np.zeros(length - len(contrast)))
    for contrast in design.declared.contrasts:
        vector = np.append(contrast.vector, np.zeros(length - len(contrast.vector)))
        found[f"{CONTRAST}{contrast.variable}", contrast.level] = vector
    if length > len(design.columns):
        found[_DISPERSION, None] = each[-1]
    return found


def _with_interval(
    cells: dict[str, Any], drawn: Array, centre: float, replicates: int, kind: kinds.Kind
) -> dict[str, Any]:
    """Return the cells of a row with the interval of the ``drawn`` statistics around that of the cohort, ``centre``."""
    failed = replicates - len(drawn)
    said = counted(replicates, "replicates") + (f", {failed:,} of them without an estimate" if failed else "")
    kept = {name: value for name, value in cells.items() if name not in ("df", "p_value", "std_error")}
    # The dispersion's note speaks of the interval that is replaced.
    kept["note"] = said if cells["term"] == _DISPERSION else note(cells.get("note", ""), said)
    shown = {name: value for name, value in kept.items() if name not in ("estimate", "ci_low", "ci_high")}
    if failed > MOST_FAILED * replicates:
        return shown | {"status": "not_estimable"}
    level = float(cells["ci_level"])
    low, high = percentile(drawn, level) if kind is kinds.BOOTSTRAP_PERCENTILE else bias_corrected(drawn, centre, level)
    if np.isnan(low):
        reason = note("all replicates lie on one side of the estimate", shown["note"])
        return shown | {"status": "not_estimable", "note": reason}
    if cells["term"] == _DISPERSION:
        return kept | {"ci_low": low, "ci_high": high}
    if cells["scale"] in ("difference", "mean"):
        limits = {"ci_low": low, "ci_high": high}
    else:
        # Whatever factor turns the coefficient into what is shown turns the limits too.
        factor = cells["estimate"] / np.exp(centre)
        limits = {"ci_low": factor * np.exp(low), "ci_high": factor * np.exp(high)}
    return kept | limits | {"std_error": float(np.std(drawn, ddof=1))}


def _nothing_else(new: pd.DataFrame) -> Array:
    raise AnalysisError(f"a replicate has the rows of its cohort and no others; {len(new)} were asked for")


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The statistic of a fit: its coefficients and, of a negative binomial, the dispersion.

    The columns that are one participant's ``own`` are as well not in a replicate; they have no estimate and count 0.
    """

    model: str
    outcome: Outcome
    design: design_matrix.Design
    data: Data
    own: tuple[int, ...]

    @classmethod
    def of(cls, solution: Solution) -> Coefficients:
        # What encodes other values is of no use here, and is not the same twice: kept results would not be found.
        design = replace(solution.design.bare(), encode=_nothing_else)
        lone = solution.exposed
        own = tuple(i for i, c in enumerate(solution.design.columns) if c in lone and lone[c].lone)
        return cls(solution.model, solution.outcome, design, solution.data, own)

    def __call__(self, drawn: Array) -> Array:
        times = drawn[self.data.groups]
        kept = times > 0
        if self.data.weights is not None:
            times = times * self.data.weights
        matrix, outcome = self.data.matrix[kept], self.data.outcome[kept]
        family = NIGHT_FAMILIES[self.model]
        # What is resampled of a model with a zero part are its rate ratios.
        dispersed = family.dispersion and family.zero_part is None
        missing = np.full(matrix.shape[1] + dispersed, np.nan)
        gone = estimability.dependent(matrix)
        if not {*gone} <= {*self.own}:
            return missing
        left = [i for i in range(matrix.shape[1]) if i not in gone]
        design = replace(self.design, matrix=matrix).keeping(left)
        matrix = np.ascontiguousarray(design.matrix)
        offset, weights = self.data.offset[kept], times[kept]
        if family.is_number(self.outcome):
            none = no_residual(matrix, outcome, offset, weights)
        else:
            none = None if outcome.any() else "no cramp"
            none = none or estimability.separated(design, outcome)
        if none:
            return missing
        data = Data(matrix, outcome, offset, np.arange(len(outcome)), np.empty(0, dtype=np.int64), weights)
        # No covariance of a replicate is asked for; that of the model costs least.
        solved = family.solve(data, self.outcome, "model", None)
        if solved.problem:
            return missing
        standard = np.zeros(len(self.design.columns))
        standard[left] = solved.coefficients
        coefficients = self.design.standard.back() @ standard
        coefficients[[*self.own]] = 0.0
        return np.append(coefficients, [extra.estimate for extra in solved.extras if dispersed])
