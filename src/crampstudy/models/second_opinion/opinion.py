"""Ours and theirs side by side, or why there is nothing to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from crampstudy.arrays import Array
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.inference.exposed_participants import Exposed
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion.refit import Found, Refit
from crampstudy.models.terms import design_matrix


@dataclass(frozen=True, slots=True)
class Opinion:
    """Ours and theirs for the ``columns`` (p) of a design of ``n_rows`` rows; ``errors`` names what both errors are.

    ``exposed`` says which columns rest on one participant alone, so that neither number is shown.
    """

    columns: tuple[design_matrix.Column, ...]
    n_rows: int
    errors: str
    ours: Found
    theirs: Refit
    remark: str = ""
    exposed: Mapping[design_matrix.Column, Exposed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoOpinion:
    """Why there is none: of the model, or of this fit."""

    status: Literal["no_counterpart", "not_estimable"]
    reason: str


def robust(request: ModelRequest) -> Covariance:
    """Return what both implementations define alike: the model's errors where asked for, else the plain sandwich."""
    return "model" if request.covariance == "model" else "cluster-hc0"


def ours(
    design: design_matrix.Design, found: Array, variance: Array, beside: Mapping[str, float] | None = None
) -> Found:
    """Return what an engine found of the standard columns, for those of the design."""
    coefficients, turned = design.standard.coefficients(found, variance)
    return Found(coefficients, np.sqrt(np.diag(turned)), beside or {})
