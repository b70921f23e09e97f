"""Checks of what a model says of single nights: their variance, their zeros, their order, their distribution.

Each test has a level of 5 %. In a large cohort a test finds what does not matter, so that a check fails only when
what was found is also larger than the constants here.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from crampstudy.arrays import Array
from crampstudy.checks import numbers
from crampstudy.checks.result import ALPHA, Check, made, not_made
from crampstudy.models.inference.covariance import degrees_of_freedom, p_value, quantile
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.predictive import PredictiveDistribution
from crampstudy.wording import count, number, p_text

NEGLIGIBLE_DISPERSION = 1.1
"""A variance 1.1 times the model's makes a standard error 5 % larger."""
NEGLIGIBLE_CORRELATION = 0.05
"""A correlation of 0.05 between neighbouring nights, dying off as in AR(1), makes a standard error 5 % larger."""
NEGLIGIBLE_SHARE = 0.01
"""One night in a hundred with or without a cramp against the model."""
NEGLIGIBLE_DISTANCE = 0.02
"""Two nights in a hundred on the wrong side of any value."""
LAGS = (1, 2, 3, 4, 5, 6, 7, 14)
"""Nights apart: a week, and the same day a week later."""

_MOST_COUNTS = 20
_FEW_EXPECTED = 5.0
"""Counts that fewer nights than this are expected to have are put together, as for any chi-squared table."""
_SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
_ROUNDING = 1e-9
"""A standard error below this share of the degrees of freedom is none: what is left are digits lost."""


def overdispersion(data: Data, law: PredictiveDistribution) -> Check:
    """Say whether the nights vary more than the model says.

    Poisson: the score test against the negative binomial (Dean and Lawless 1989). Others: the Pearson statistic, tested
    with participants as the units. Nights of a mixed model are judged given the participant's total, which frees them
    from the participant's effect; a random slope is taken as it was estimated.
    """
    name = "overdispersion"
    if law.kind == "number":
        return not_made(name, "the variance of a number is estimated, not stated by the model")
    if law.kind == "binary":
        return not_made(name, "nights with or without a cramp have no variance beside their mean")
    if law.variance_factor is not None:
        return not_made(name, f"the model estimates the factor of its variance, {number(law.variance_factor)}")
    plain = not law.factor.any()
    statistic, df, error = _pearson(data, law) if plain else _pearson_within(data, law)
    if not df > 0:
        return not_made(name, "no participant with a cramp has two nights")
    if not error > _ROUNDING * df:
        return not_made(name, "the participants do not differ at all")
    ratio = statistic / df
    p = float(special.stdtr(degrees_of_freedom(len(law.scores)), (df - statistic) / error))
    rows = [
        {"statistic": "Pearson statistic", "value": statistic, "p_value": np.nan},
        {"statistic": "degrees of freedom", "value": df, "p_value": np.nan},
        {"statistic": "ratio", "value": ratio, "p_value": p},
    ]
    test = ""
    if plain and not np.isfinite(law.log_theta):
        score = numbers.dean_lawless(data.outcome, law.mean, numbers.leverages(law.matrix, law.mean))
        p, test = float(special.ndtr(-score)), "score test "
        rows.append({"statistic": "score statistic", "value": score, "p_value": p})
    passed = p >= ALPHA or ratio <= NEGLIGIBLE_DISPERSION
    said = f"the squared Pearson residuals are {number(ratio)} times what the model says ({test}{p_text(p)})"
    if not passed:
        said += ": model-based standard errors are too small, cluster-robust ones allow for it"
    return made(name, passed, rows, said)


def _pearson(data: Data, law: PredictiveDistribution) -> tuple[float, float, float]:
    """Return the Pearson statistic, its degrees of freedom, and its standard error over participants."""
    mu = law.mean
    variance = law.family.variance(mu)
    squares = (data.outcome - mu) ** 2 / variance
    # Every night gives back the part of its variance that the fit took.
    moments = squares - 1 + numbers.leverages(law.matrix, law.family.slope(mu) ** 2 / variance)
    slopes = _pearson_slopes(law, mu, variance, law.family.slope(mu))
    error = numbers.clustered_errors(moments[:, None], slopes, law.scores, law.variance, data.groups)[0]
    return float(squares.sum()), float(len(mu) - law.matrix.shape[1]), float(error)


def _pearson_within(data: Data, law: PredictiveDistribution) -> tuple[float, float, float]:
    """Return the same of the nights around each participant's own level."""
    found = numbers.within(data.outcome, law.link + law.own, law.family, law.log_theta, data.groups)
    slopes = np.zeros((1, law.scores.shape[1]))
    if np.isfinite(law.log_theta):
        slopes[0, law.matrix.shape[1]] = found.slope
    each = np.arange(len(law.scores))
    moments = (found.squares - found.expected)[:, None]
    error = numbers.clustered_errors(moments, slopes, law.scores, law.variance, each)[0]
    return float(found.squares.sum()), float(found.expected.sum()), float(error)


def _pearson_slopes(law: PredictiveDistribution, mu: Array, variance: Array, slope: Array) -> Array:
    """Return the derivatives (1 x k) of the expected sum of squared Pearson residuals in the parameters."""
    alpha = float(np.exp(-law.log_theta))
    in_link = law.matrix.T @ (-(1 + 2 * alpha * mu) * slope / variance)
    return (in_link if alpha == 0 else np.append(in_link, np.sum(alpha * mu**2 / variance)))[None, :]


def zeros(data: Data, law: PredictiveDistribution) -> Check:
    """Say whether nights without a cramp are as many as the model says, and compare the counts above.

    Intervals have participants as the units and allow for the parameters' having been estimated on the same nights.
    """
    name = "zeros"
    if law.kind == "number":
        return not_made(name, "the model is of a number, not of a count of cramps")
    if law.kind == "binary":
        return not_made(name, "a model of nights with a cramp repeats their number by construction")
    if not law.distribution:
        return not_made(name, "the model states mean and variance of a night and no distribution")
    moments, slopes, expected, labels = _counts(data, law)
    observed = (moments.sum(axis=0) + expected).round()
    errors = numbers.clustered_errors(moments, slopes, law.scores, law.variance, data.groups)
    df = degrees_of_freedom(len(law.scores))
    half = quantile(1 - ALPHA, df) * errors
    rows = [
        {
            "cramps": label,
            "observed": int(seen),
            "expected": awaited,
            "ratio": seen / awaited,
            "ci_low": max(seen - wide, 0.0) / awaited,
            "ci_high": (seen + wide) / awaited,
            "p_value": p_value((seen - awaited) / (wide / quantile(1 - ALPHA, df)), df) if wide > 0 else np.nan,
        }
        for label, seen, awaited, wide in zip(labels, observed, expected, half, strict=True)
    ]
    off = abs(observed[0] - expected[0])
    passed = not off > half[0] or off / len(data.outcome) <= NEGLIGIBLE_SHARE
    first = rows[0]
    said = (
        f"{count(first['observed'])} nights without a cramp were observed and {count(round(expected[0]))} expected, "
        f"a ratio of {_interval(first['ratio'], first['ci_low'], first['ci_high'], digits=3)}"
    )
    return made(name, passed, rows, said)


def _counts(data: Data, law: PredictiveDistribution) -> tuple[Array, Array, Array, list[str]]:
    """Return moments (n x m), slopes (m x k), expected numbers (m) and labels of the counts 0, 1, … and the rest."""
    moments, slopes, expected, labels = [], [], [], []
    remaining = np.ones(len(data.outcome))
    for value in range(int(min(data.outcome.max(), _MOST_COUNTS))):
        chance = law.chance(float(value))
        if value > 0 and (remaining - chance).sum() < _FEW_EXPECTED:
            break
        remaining = remaining - chance
        moments.append((data.outcome == value) - chance)
        slopes.append(-law.slopes(float(value)))
        expected.append(float(chance.sum()))
        labels.append(str(value))
    moments.append((data.outcome >= len(labels)) - remaining)
    slopes.append(-np.sum(slopes, axis=0))
    expected.append(float(remaining.sum()))
    labels.append(f"{len(labels)} or more")
    return np.column_stack(moments), np.array(slopes), np.array(expected), labels


def serial_dependence(data: Data, law: PredictiveDistribution) -> Check:
    """Say whether a participant's nights still depend on each other after the level of that participant."""
    name = "serial dependence"
    found = numbers.serial(data.outcome, law.link + law.own, law.family, data.groups, data.nights, LAGS)
    if not np.isfinite(found.error[0]):
        events = "" if law.kind == "number" else "a cramp and "
        return not_made(name, f"fewer than two participants have {events}two neighbouring nights")
    rows = []
    for i, lag in enumerate(LAGS):
        half = quantile(1 - ALPHA, degrees_of_freedom(int(found.participants[i]))) * found.error[i]
        rows.append(
            {
                "lag": lag,
                "pairs": int(found.pairs[i]),
                "participants": int(found.participants[i]),
                "correlation": found.correlation[i],
                "expected": found.expected[i],
                "ci_low": found.correlation[i] - half,
                "ci_high": found.correlation[i] + half,
            }
        )
    first = rows[0]
    excess = first["correlation"] - first["expected"]
    passed = first["ci_low"] <= first["expected"] <= first["ci_high"] or abs(excess) <= NEGLIGIBLE_CORRELATION
    interval = _interval(first["correlation"], first["ci_low"], first["ci_high"], digits=3)
    said = (
        f"residuals of neighbouring nights correlate by {interval}, where independent nights would by "
        f"{number(first['expected'], 3)}"
    )
    return made(name, passed, rows, said)


def residuals(data: Data, law: PredictiveDistribution, rng: np.random.Generator) -> Check:
    """Say whether the outcomes are distributed as the model says, by randomised quantile residuals.

    The nights of a participant depend on each other, which the test must not take for a flaw of the distribution: it
    reads one night of each participant, drawn at random; those are independent. The table's shares are of all nights.
    """
    name = "quantile residuals"
    if not law.distribution:
        return not_made(name, "the model states mean and variance of a night and no distribution")
    chance_rng, night_rng = rng.spawn(2)
    values = numbers.quantile_residuals(law.chance_below(data.outcome), law.chance(data.outcome), chance_rng)
    distance, p = numbers.uniformity(values[numbers.one_of_each(data.groups, night_rng)])
    rows = [
        {
            "statistic": "distance",
            "at": np.nan,
            "value": distance,
            "ci_low": np.nan,
            "ci_high": np.nan,
            "p_value": p,
        }
    ]
    clusters, n = len(law.scores), len(values)
    below = np.column_stack([values < share for share in _SHARES]).astype(np.float64)
    none = np.zeros((len(_SHARES), law.scores.shape[1]))
    shares = below.mean(axis=0)
    errors = numbers.clustered_errors(below - shares, none, law.scores, law.variance, data.groups)
    half = quantile(1 - ALPHA, degrees_of_freedom(clusters)) * errors / n
    rows += [
        {
            "statistic": "share below",
            "at": at,
            "value": value,
            "ci_low": value - h,
            "ci_high": value + h,
            "p_value": np.nan,
        }
        for at, value, h in zip(_SHARES, shares, half, strict=True)
    ]
    said = (
        f"one night of each of {count(clusters)} participants lies at most {number(distance)} from the model's "
        f"distribution (Kolmogorov-Smirnov {p_text(p)})"
    )
    return made(name, p >= ALPHA or distance <= NEGLIGIBLE_DISTANCE, rows, said)


def _interval(value: float, low: float, high: float, digits: int = 2) -> str:
    return f"{number(value, digits)} (95 % CI {number(low, digits)} to {number(high, digits)})"
