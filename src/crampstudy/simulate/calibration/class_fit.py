"""Which rates and which mixture of persons fit the published 30-day classes.

``python -m crampstudy.simulate.calibration.class_fit`` prints the published shares beside those of the fitted models.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from crampstudy.codebook.recalled import LABELS
from crampstudy.errors import AnalysisError
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.calibration.class_mixture import Mixture, class_probabilities
from crampstudy.simulate.calibration.published_classes import SOURCE, Shares, published_shares


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

    Args:
        shares: The published shares, one band each; they count as ``n_effective`` independent answers.
        variance: Relative variance of a person's mean rate from night to night, as ``window_variance`` has it.
        near_nightly: Whether there is a class of near-nightly persons; without it counts are negative binomial.
        shape_by_band: Whether each band has a shape of its own.
        spread: For each band equally weighted multiples of the rate that other causes make (conditions, season), so
            that the mixture holds only what is left.

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
    shares = published_shares()
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
