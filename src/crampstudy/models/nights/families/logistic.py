"""Logistic regression of nights with a cramp."""

from __future__ import annotations

from functools import partial

from crampstudy.models.nights import logistic
from crampstudy.models.nights.families import counts
from crampstudy.models.nights.families.covariances import REGRESSION
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.second_opinion import of_nights
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, robust


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    like = robust(request)
    return of_nights(LOGISTIC, request, lambda data, *_: refits.generalised_linear(data, "Binomial", like), like)


LOGISTIC = NightFamily(
    name="logistic",
    outcomes=("cramp_night",),
    covariances=REGRESSION,
    functions=frozenset({"offset", "weights"}),
    solve=partial(counts.solve, logistic.logistic),
    predict=counts.predict,
    alike="count",
    counterpart=_again,
)
