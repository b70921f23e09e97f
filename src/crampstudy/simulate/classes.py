"""How many cramps 30 nights hold, by class: what a rate implies, and which rates fit the published classes.

NHANES asked 10,902 adults of 2005-2008 how often leg cramps had kept them from sleeping in the past month.
``nhanes_classes.csv`` holds the answers by age: weighted shares with their design-based standard errors, computed
from the public files by :func:`crampstudy.contrasts.prevalence.prevalence`.

``python -m crampstudy.simulate.classes`` prints the published shares beside those of the fitted models.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from crampstudy.codebook.recalled import LABELS, LOWS, NIGHTS
from crampstudy.errors import AnalysisError, ParameterError

Floats = NDArray[np.float64]

SOURCE = "NHANES 2005-2008, public files, weighted (own computation)"
PUBLISHED_BY = "National Center for Health Statistics; item described by Grandner and Winkelman 2017"
ID_OR_DOI = "10.1371/journal.pone.0178465"

_TAILS = (special.gammainccinv, special.gammaincinv)
_LEFT_OUT = 1e-11  # of the persons at either end of the gamma
_STEP = 0.2  # on the log scale; the trapezium rule is exact to about 1e-9 there


@dataclass(frozen=True, slots=True)
class Mixture:
    """Persons' rates as multiples of the mean: a gamma, but for the few who cramp nearly every night.

    ``near_nightly_share`` of persons have ``near_nightly_factor`` times the mean rate; the others' gamma of shape
    ``person_shape`` is scaled so that the whole has mean one.

    Raises:
        ParameterError: the shape is not positive, or the near-nightly class alone exceeds a mean of one.
    """

    person_shape: float
    near_nightly_share: float = 0.0
    near_nightly_factor: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.person_shape) and self.person_shape > 0):
            raise ParameterError(f"person_shape is {self.person_shape}; allowed: a finite number above 0")
        taken = self.near_nightly_share * self.near_nightly_factor
        if not (0 <= self.near_nightly_share < 1 and self.near_nightly_factor >= 0 and taken < 1):
            raise ParameterError(
                f"near_nightly_share {self.near_nightly_share:g} of persons at near_nightly_factor "
                f"{self.near_nightly_factor:g} is {taken:g} of the mean rate; allowed: a share from 0 to below 1 "
                "whose product with the factor is below 1"
            )

    def variance(self) -> float:
        """Return the variance of the persons' multiples."""
        share, rest = self.near_nightly_share, self._rest()
        second = share * self.near_nightly_factor**2 + (1 - share) * rest**2 * (1 + 1 / self.person_shape)
        return second - 1

    def nodes(self) -> tuple[Floats, Floats]:
        """Return multiples of the mean rate and their weights, which sum to 1: a quadrature over persons."""
        shape = self.person_shape
        top, low = (math.log(max(inverse(shape, _LEFT_OUT), 1e-300)) for inverse in _TAILS)
        t = np.linspace(low, top, math.ceil((top - low) / min(_STEP, 0.5 / math.sqrt(shape))) + 1)
        weight = np.exp(shape * t - np.exp(t) - special.gammaln(shape))
        weight[[0, -1]] /= 2
        below = special.gammainc(shape, math.exp(low))
        weight *= (1 - below) / weight.sum()
        multiples = np.concatenate([[0.0], np.exp(t) / shape * self._rest(), [self.near_nightly_factor]])
        share = self.near_nightly_share
        return multiples, np.concatenate([[below * (1 - share)], weight * (1 - share), [share]])

    def _rest(self) -> float:
        return (1 - self.near_nightly_share * self.near_nightly_factor) / (1 - self.near_nightly_share)


def window_variance(night_dispersion: float, latent: Sequence[tuple[float, float]] = (), nights: int = NIGHTS) -> float:
    """Return the relative variance of a person's mean rate over ``nights`` nights, from night to night alone.

    ``night_dispersion`` is the variance of independent gamma multiples, ``latent`` lists the log-normal ones as
    (SD of the log, correlation of neighbouring nights).
    """
    lag = np.arange(nights)
    product = np.ones(nights)
    for sd, correlation in latent:
        product = product * np.exp(sd**2 * correlation**lag)
    product[0] *= 1 + night_dispersion
    pairs = np.where(lag == 0, nights, 2 * (nights - lag))
    return float(pairs @ product) / nights**2 - 1


def class_probabilities(
    rate_per_week: Floats, mixture: Mixture, *, variance: float = 0.0, nights: int = NIGHTS
) -> Floats:
    """Return the chance of each class of :data:`LOWS` at mean rates of any shape (…, 5), by quadrature over persons.

    Given the person, the count is negative binomial with dispersion ``variance`` (see :func:`window_variance`):
    exact for independent gamma nights of a constant rate, and close to it (the first two moments agree) where
    nights are correlated.

    Raises:
        ParameterError: ``variance`` is negative.
    """
    if not variance >= 0:
        raise ParameterError(f"variance is {variance}; allowed: a number of at least 0")
    multiples, weights = mixture.nodes()
    mean = np.asarray(rate_per_week, dtype=np.float64)[..., None, None] * nights / 7 * multiples[:, None]
    upper = np.asarray(LOWS[1:]) - 1.0
    if variance > 1e-9:  # less cannot be told from Poisson, and its size would overflow
        size = 1 / variance
        below = special.betainc(size, upper + 1, size / (size + mean))
    else:
        below = special.gammaincc(upper + 1, mean)
    cumulative = np.einsum("...ku,k->...u", below, weights)
    return np.diff(cumulative, axis=-1, prepend=0.0, append=1.0)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of the classes in one age band: weighted, with standard errors on the proportion scale.

    ``n_effective`` is ``n`` over the mean design effect of the classes (Rao and Scott 1981).
    """

    band: str
    share: tuple[float, ...]
    std_error: tuple[float, ...]
    n: int
    n_effective: float


def published(population: str | None = None) -> tuple[Shares, ...]:
    """Return the NHANES shares of every age band from 20, or of ``population`` alone (``20+``, ``60+``, a band).

    Raises:
        ParameterError: the table has no such population.
    """
    text = files("crampstudy.simulate").joinpath("nhanes_classes.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    names = list(dict.fromkeys(row["population"] for row in rows))
    if population is not None and population not in names:
        raise ParameterError(f"population is {population!r}; allowed: {', '.join(names)}")
    chosen = [population] if population else [name for name in names if not name.startswith("<") and name not in _SUMS]
    return tuple(_shares(name, [row for row in rows if row["population"] == name]) for name in chosen)


_SUMS = ("20+", "50+", "60+")


def _shares(name: str, rows: Sequence[dict[str, str]]) -> Shares:
    return Shares(
        band=name,
        share=tuple(float(row["share"]) for row in rows),
        std_error=tuple(float(row["std_error"]) for row in rows),
        n=int(rows[0]["n"]),
        n_effective=float(rows[0]["n_effective"]),
    )


@dataclass(frozen=True, slots=True)
class ClassFit:
    """A fit to class shares: a rate and a mixture for each band, and how far it misses (``deviance`` on ``df``)."""

    bands: tuple[str, ...]
    rates_per_week: tuple[float, ...]
    mixtures: tuple[Mixture, ...]
    shares: tuple[tuple[float, ...], ...]
    deviance: float
    df: int

    @property
    def p_value(self) -> float:
        """The chance of a deviance as large if the model held."""
        return float(special.chdtrc(self.df, self.deviance)) if self.df > 0 else math.nan


def fit(
    shares: Sequence[Shares],
    *,
    variance: float = 0.0,
    near_nightly: bool = True,
    shape_by_band: bool = False,
    spread: Sequence[Floats] | None = None,
) -> ClassFit:
    """Fit a rate per band and one mixture to the shares by multinomial maximum likelihood.

    Shares count as ``n_effective`` independent answers. Without ``near_nightly`` the persons' rates are a plain
    gamma, the counts negative binomial; with ``shape_by_band`` each band has a shape of its own. ``spread`` lists
    for each band equally weighted multiples of the rate that other causes make (conditions, season), so that the
    mixture holds only what is left.

    Raises:
        AnalysisError: the search did not settle.
    """
    counts = np.asarray([np.multiply(s.share, s.n_effective) for s in shares])
    bands = len(shares)
    around = [np.ones(1)] * bands if spread is None else [np.asarray(s, dtype=np.float64) for s in spread]
    shapes = bands if shape_by_band else 1

    def unpack(theta: Floats) -> tuple[Floats, tuple[Mixture, ...]]:
        rates, shape = np.exp(theta[:bands]), np.exp(theta[bands : bands + shapes])
        if not near_nightly:
            return rates, tuple(Mixture(float(shape[i % shapes])) for i in range(bands))
        # Share and the part of all cramps that the class has: both stay between 0 and 1, whatever the search tries.
        share, part = special.expit(theta[-2:])
        return rates, tuple(Mixture(float(shape[i % shapes]), float(share), float(part / share)) for i in range(bands))

    def expected(theta: Floats) -> Floats:
        rates, mixtures = unpack(theta)
        return np.asarray(
            [
                class_probabilities(rate * own, mixture, variance=variance).mean(axis=0)
                for rate, own, mixture in zip(rates, around, mixtures, strict=True)
            ]
        )

    def loss(theta: Floats) -> float:
        return -float(special.xlogy(counts, np.maximum(expected(theta), 1e-300)).sum())

    # Half the first rate a share implies, spread as widely as the classes are; two starts for the near-nightly class.
    first = np.log([max(0.05, 1 - s.share[0]) for s in shares])
    tails = [[special.logit(a), special.logit(b)] for a, b in ((0.02, 0.4), (0.05, 0.6))] if near_nightly else [[]]
    starts = [np.concatenate([first, np.full(shapes, -1.0), tail]) for tail in tails]
    found = [optimize.minimize(loss, start, method="L-BFGS-B", options={"maxfun": 100_000}) for start in starts]
    best = min(found, key=lambda result: float(result.fun))
    if not best.success:
        raise AnalysisError(f"the fit of the classes did not settle: {best.message}")
    rates, mixtures = unpack(best.x)
    saturated = float(special.xlogy(counts, counts / counts.sum(axis=1, keepdims=True)).sum())
    return ClassFit(
        bands=tuple(s.band for s in shares),
        rates_per_week=tuple(map(float, rates)),
        mixtures=mixtures,
        shares=tuple(tuple(map(float, row)) for row in expected(best.x)),
        deviance=max(0.0, 2 * (float(best.fun) + saturated)),
        df=counts.shape[0] * (counts.shape[1] - 1) - len(best.x),
    )


def as_text(variance: float = 0.0) -> str:
    """Return the published shares and those of three models, in per cent, with rates and deviances."""
    shares = published()
    models = {
        "gamma persons (negative binomial)": fit(shares, variance=variance, near_nightly=False),
        "gamma and near-nightly persons": fit(shares, variance=variance),
        "gamma by age and near-nightly persons": fit(shares, variance=variance, shape_by_band=True),
    }
    lines = [SOURCE, "", f"{'age':<8}{'n':>6}{'n eff.':>8}  " + "".join(f"{label:>7}" for label in LABELS)]
    lines += [f"{s.band:<8}{s.n:>6}{s.n_effective:>8.0f}  {_percent(s.share)}" for s in shares]
    for name, found in models.items():
        mixture = found.mixtures[0]
        lines += [
            "",
            f"{name}: deviance {found.deviance:.1f} on {found.df} degrees of freedom, p = {found.p_value:.2g}",
        ]
        if mixture.near_nightly_share:
            lines.append(
                f"near-nightly {mixture.near_nightly_share:.4f} at {mixture.near_nightly_factor:.1f} x the mean"
            )
        lines += [
            f"{band:<8}{rate:>6.3f}{own.person_shape:>8.3f}  {_percent(row)}"
            for band, rate, own, row in zip(
                found.bands, found.rates_per_week, found.mixtures, found.shares, strict=True
            )
        ]
    lines += ["", "Columns of the models: age, cramps per week, shape of the gamma, shares of the classes in per cent."]
    return "\n".join(lines) + "\n"


def _percent(shares: Sequence[float]) -> str:
    return "".join(f"{100 * share:>7.1f}" for share in shares)


if __name__ == "__main__":
    sys.stdout.write(as_text())
