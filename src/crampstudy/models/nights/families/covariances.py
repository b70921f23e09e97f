"""The covariances of the families of nights, and what both implementations define alike."""

from __future__ import annotations

from crampstudy.models.inference.covariance import Covariance

ROBUST: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "model")
REGRESSION: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "cluster-small", "model")
