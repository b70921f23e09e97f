"""What a regression with random effects of the participants gives."""

from __future__ import annotations

from dataclasses import dataclass

from crampstudy.arrays import Array
from crampstudy.models.nights.random_effects.spreads import Effects, WithEffects
from crampstudy.models.optimise.profile_likelihood import Profile


@dataclass(frozen=True, slots=True)
class MixedFit(WithEffects):
    """A fitted mixed model of p coefficients, G participants and D random effects (intercept, then slope).

    ``scores`` (G x k) and ``information`` (k x k, observed) are those of all parameters that are not at a boundary, the
    coefficients first; ``curvatures`` (G x k x k) the participants' parts of it, where they are few.
    ``log_likelihood`` includes all constants. ``effects`` are those of the columns on the link scale; ``dispersion`` is
    alpha in Var(y | effects) = mu + alpha mu^2, 0 where there is none, ``dispersion_error`` that of log alpha.
    ``modes`` (G x D) are the participants' effects. At a boundary an sd is 0, its error NaN, or ``correlation`` is
    1 or -1; where no sd is above 0 the fit is that of the model without random effects. ``profile`` is that of the
    dispersion.
    """

    coefficients: Array
    scores: Array
    information: Array
    log_likelihood: float
    iterations: int
    nodes: int
    effects: Effects
    modes: Array
    dispersion: float = 0.0
    dispersion_error: float = float("nan")
    at_boundary: bool = False
    dispersion_at_boundary: bool = False
    problem: str | None = None
    curvatures: Array | None = None
    profile: Profile | None = None
