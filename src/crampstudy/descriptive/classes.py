"""The measure that a diary and a survey share: how many people have how many cramps in 30 nights, by class.

Primary are the shares that a random-intercept model of the nights implies for 30 full nights, standardised to a
population; a check are the counts in windows of 30 calendar nights that were nearly all logged. Either way a log is
not recall: people may remember more or fewer cramps than they would have logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
from scipy import special

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.codebook.recalled import LOWS, NIGHTS
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import Account
from crampstudy.descriptive.class_population import ClassPopulation, population
from crampstudy.descriptive.class_windows import NO_RECALL, no_window, windows
from crampstudy.descriptive.prevalence import LEVELS
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, note
from crampstudy.estimates.groups import part_of
from crampstudy.models.inference.covariance import covariance, degrees_of_freedom, quantile
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.solution import Solution
from crampstudy.models.registry import NIGHT_FAMILIES, taking
from crampstudy.models.request import ModelRequest
from crampstudy.models.surveys.interval_distributions import NegativeBinomial
from crampstudy.models.terms import formula
from crampstudy.models.terms.columns import quoted
from crampstudy.models.terms.levels import check_group, groups_of, no_group
from crampstudy.models.validation import solve
from crampstudy.nights import denominator, nights_of_part, no_night, people
from crampstudy.readable import Readable

_LIMITS = tuple(zip(LOWS, [*(low - 1.0 for low in LOWS[1:]), np.inf], strict=True))
EXTRAPOLATED = "extrapolated"
"""The fact of how much of the population lies beyond what the diary has seen, in per cent."""
_STEP, _END = 1 / 16, 8.5
_ROUNDING = 1e-12
_NONE = 1e-6
"""A share of which both limits are this near to 0 or to 1 has no spread to speak of."""
_MODELS = sorted(name for name in taking("random_slope") if "cramps" in NIGHT_FAMILIES[name].outcomes)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class ClassShares(Readable):
    """Tidy ``estimates``: a row per group, level of :data:`~crampstudy.descriptive.prevalence.LEVELS` and analysis.

    ``account`` says what nights were read, left out and used for the model.
    """

    estimates: pd.DataFrame
    account: Account


@dataclass(frozen=True, slots=True)
class RateModel:
    """The random-intercept model of the nights behind the implied shares.

    Args:
        name: ``mixed-negative-binomial`` or ``mixed-poisson``.
        terms: what the participants' rates depend on; variables of the participants only. Where shares are given by a
            variable that is none of these, it is one term more.

    Raises:
        UsageError: the model is none of these.
    """

    name: Literal["mixed-negative-binomial", "mixed-poisson"] = "mixed-negative-binomial"
    terms: str = "age_decade + sex"

    def by(self, group: str | None) -> str:
        """Return the terms with that of a group, which without one would hardly differ from another group.

        Age bands have the term of age that is there.
        """
        if group is None:
            return self.terms
        own, term = ("age_years", "age_decade") if group == "age_band" else (group, quoted(group))
        known = {group, own, term}
        return self.terms if known & formula.columns_in(formula.parse(self.terms)) else f"{self.terms} + {term}"

    def __post_init__(self) -> None:
        if self.name not in _MODELS:
            raise UsageError(f"no class shares from the model {self.name!r}; allowed: {', '.join(_MODELS)}")


def class_shares(
    cohort: Cohort,
    by: str | None = None,
    *,
    standard: Cohort | pd.DataFrame | None = None,
    model: RateModel | None = None,
    where: str | None = None,
    bands: AgeBands | None = None,
    ci_level: float = 0.95,
) -> ClassShares:
    """Return the shares of people in each class of cramps in 30 nights, implied by a model and counted in windows.

    The implied shares are averages over the normal random intercept and over a population: ``standard`` is a survey
    (its weighted adults who gave a class, within ``where``), a table of cells with the variables of its terms
    (``age_years`` for ``age_decade``) and their ``share``, or by default the diary's own participants. Intervals are
    by the delta method from the cluster-robust covariance of all parameters together, coefficients, spread of
    participants and dispersion, on the logit scale; the population's mix is taken as given. Groups differ by their own
    nights: what they are formed by is a term of the model.

    The windows are calendar windows of 30 nights from each participant's first logged night on, with at least 25 of
    them logged, the cramps in them as they are. Each participant counts once, however many windows; they are those of
    the diary, never standardised.

    Args:
        cohort: a diary.
        by: a level or yes/no variable of the participants, or ``age_band``; it must be in the standard too.
        standard: the population to which the shares are standardised.
        model: the random-intercept model of the nights.
        where: condition that names a part of the cohort, and of a standard that is a survey.
        bands: age bands behind ``age_band``.
        ci_level: confidence level.

    Raises:
        UsageError: the cohort is a survey, a variable changes from night to night or is not in the standard, or an
            argument is none of what is allowed.

    Source: Zeger, Liang and Albert 1988 (averages over random effects); Liang and Zeger 1986 (cluster-robust).
    """
    model = model or RateModel()
    bands = bands or AgeBands()
    everybody = people(cohort, bands)
    nightly = set(no_night(cohort, bands).columns) - set(everybody.columns)
    if named := sorted(formula.columns_in(formula.parse(model.terms)) & nightly):
        raise UsageError(f"{named[0]} is of the night, and a class of 30 nights has none; use terms of participants")
    _check_by(by, everybody)
    solution = solve(ModelRequest(cohort, model.name, model.by(by), "cramps", where=where, bands=bands))
    if solution.design.beside:
        raise UsageError("the shares of classes take no offset() or weights()")
    own = everybody.filter(pl.col("participant_id").is_in(list(solution.participants)))
    averaged_over = population(solution, own, standard, by, where, bands)
    base = _base(cohort, by, ci_level)
    rows = _implied(solution, averaged_over, where, base | {"model": model.name}, ci_level)
    rows += _windows(cohort, by, where, bands, ci_level)
    return ClassShares(estimates.frame(rows), solution.account)


def windows_from(cohort: Cohort, age: int, ci_level: float) -> pd.DataFrame:
    """Return the windows alone of the participants from an age on, as :func:`class_shares` counts those of all."""
    rows = _windows(cohort, None, f"age_years >= {age}", AgeBands(), ci_level)
    named = ({name: cell for name, cell in row.items() if name != "key"} | {"population": f"{age}+"} for row in rows)
    return estimates.frame(estimates.row(**cells) for cells in named)


def _windows(cohort: Cohort, by: str | None, where: str | None, bands: AgeBands, ci_level: float) -> list[Row]:
    base = _base(cohort, by, ci_level)
    if why_not := denominator(cohort).why_not:
        return no_window(why_not, where, base)
    nights = nights_of_part(cohort, where, bands, names=() if by is None else (by,))
    return windows(nights, by, where, base, ci_level)


def _base(cohort: Cohort, by: str | None, ci_level: float) -> Row:
    return {
        "cohort": cohort.name,
        "outcome": "class_30_days",
        "term": by,
        "scale": "prevalence",
        "unit": "proportion",
        "ci_level": ci_level,
    }


def class_chances(eta: Array, sd: float, dispersion: float) -> tuple[Array, Array, Array, Array]:
    """Return the chance of each recalled class in 30 nights, and its slopes, at log rates per night ``eta`` (c,).

    Persons' log rates are normal with SD ``sd``, a night's count given the rate negative binomial with ``dispersion``:
    the sum of 30 such nights is negative binomial with a thirtieth of it. Returns the chances and their derivatives in
    ``eta``, ``sd`` and ``dispersion`` (c x classes each). The intercept is integrated by the trapezium rule, which on
    so smooth a function is exact to rounding where a Gauss-Hermite rule's nodes lie too far apart for a large count.
    """
    # Without spread one node stands for all persons.
    z = np.arange(-_END, _END + _STEP / 2, _STEP) if sd > 0 else np.zeros(1)
    density = np.exp(-(z**2) / 2)
    weight = density / density.sum()
    at = (eta[:, None] + sd * z + np.log(NIGHTS)).ravel()
    made: list[list[Array]] = [[], [], [], []]
    for low, high in _LIMITS:
        value, in_eta, in_dispersion = (
            part.reshape(len(eta), len(z)) for part in NegativeBinomial().interval(at, dispersion / NIGHTS, low, high)
        )
        chance = np.exp(value)
        slopes = chance, chance * in_eta, chance * in_eta * z, chance * in_dispersion / NIGHTS
        for columns, slope in zip(made, slopes, strict=True):
            columns.append(slope @ weight)
    chances, in_eta, in_sd, in_dispersion = (np.column_stack(columns) for columns in made)
    return chances, in_eta, in_sd, in_dispersion


def _check_by(by: str | None, own: pl.DataFrame) -> None:
    if by is not None:
        check_group(by, own)
    if by is not None and by not in groups_of(own):
        raise no_group("classes are given by age_band or a level or yes/no variable of the participants", by, own)


def _implied(
    solution: Solution, population: ClassPopulation, where: str | None, base: Row, ci_level: float
) -> list[Row]:
    clusters = len(solution.participants)
    base = base | {
        "analysis": kinds.CLASS_IMPLIED.name,
        "estimand": f"share of people by cramps in {NIGHTS} full nights, {population.about}",
        "n_participants": clusters,
        "n_nights": solution.n_nights,
        "n_events": solution.n_events,
        "n_groups": clusters,
    }
    labels = list(dict.fromkeys(population.group))
    solved = solution.solved
    fitted = solved.fitted if solved else None
    if solved is None or solved.problem or not isinstance(fitted, MixedFit):
        status: estimates.Status = "not_estimable" if solved is None else "not_converged"
        reason = solution.reason or (solved and solved.problem) or None
        return [
            estimates.row(status=status, **base, population=part_of(label, where), level=level, note=reason)
            for label in labels
            for level in LEVELS
        ]
    matrix = solution.design.standard.columns(solution.design.encode(population.values()))
    spread, dispersed = fitted.sd[0] > 0, fitted.dispersion > 0
    chances, in_eta, in_sd, in_dispersion = class_chances(
        matrix @ fitted.coefficients, float(fitted.sd[0]), fitted.dispersion
    )
    joint = covariance(fitted.information, fitted.scores, np.arange(clusters), "cluster")
    df = degrees_of_freedom(clusters)
    beyond = _extrapolated(solution, matrix, population.weight)
    base |= {"facts": {EXTRAPOLATED: beyond}} if beyond else {}
    remark = note(
        NO_RECALL,
        *solution.account.remarks(),
        f"{beyond} % of the population lies beyond the diary's range, extrapolated" if beyond else "",
        "participants do not differ beyond the terms" if not spread else "",
        "given the rate of each person, nights are no more dispersed than Poisson"
        if solution.engine.dispersion and not dispersed
        else "",
    )
    made = []
    for label in labels:
        share = population.weight * (np.array(population.group) == label)
        share = share / share.sum()
        for level, classes in LEVELS.items():
            columns = list(classes)
            slopes = [matrix.T @ (share * in_eta[:, columns].sum(axis=1))]
            # The order of the mixed model: coefficients, log of 1 / dispersion, spread.
            if dispersed:
                slopes.append([-fitted.dispersion * float(share @ in_dispersion[:, columns].sum(axis=1))])
            if spread:
                slopes.append([float(share @ in_sd[:, columns].sum(axis=1))])
            slope = np.concatenate(slopes)
            value, error = float(share @ chances[:, columns].sum(axis=1)), float(np.sqrt(slope @ joint @ slope))
            cells = base | {"population": part_of(label, where), "level": level, "note": remark}
            low, high = _limits(value, error, quantile(ci_level, df))
            # A share and its complement have an interval both, or neither.
            if not (high > _NONE and low < 1 - _NONE):
                reason = f"no spread, so no interval; {remark}"
                made.append(estimates.row(status="boundary", **cells | {"estimate": value, "note": reason}))
                continue
            limits = {"estimate": value, "ci_low": low, "ci_high": high, "std_error": error, "df": df}
            made.append(estimates.row(status="converged", **cells | limits))
    return made


def _limits(share: float, error: float, times: float) -> tuple[float, float]:
    """Return the limits of a share on the logit scale, not numbers where it has none."""
    if not (_ROUNDING < share < 1 - _ROUNDING and np.isfinite(error)):
        return float("nan"), float("nan")
    half = times * error / (share * (1 - share))
    low, high = special.expit(special.logit(share) + np.array([-half, half]))
    return float(low), float(high)


def _extrapolated(solution: Solution, asked: Array, weight: Array) -> str:
    """Return what percentage of the population lies beyond what the diary has seen, empty where nobody does.

    A level never seen is an error already.
    """
    seen = solution.data.matrix
    numbers = [i for i, column in enumerate(solution.design.columns) if column.level is None]
    out = (asked < seen.min(axis=0) - 1e-9) | (asked > seen.max(axis=0) + 1e-9)
    share = float(weight @ out[:, numbers].any(axis=1) / weight.sum())
    return f"{100 * share:.1f}" if share > 0 else ""
