"""Which model of statsmodels answers which of ours, and both answers side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from crampstudy.arrays import Array
from crampstudy.estimates import Status
from crampstudy.models.classes.ordinal import ordinal
from crampstudy.models.inference.covariance import Covariance, covariance
from crampstudy.models.inference.exposed_participants import Exposed, exposed
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.engines import Data
from crampstudy.models.nights.solution import Solution, solve_nights
from crampstudy.models.request import Question
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.refit import Found, Refit
from crampstudy.models.terms import design_matrix
from crampstudy.models.times.fit import Events, events


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


def opinion(asked: Question, status: Status) -> Opinion | NoOpinion:
    """Refit a question by statsmodels on the rows of our fit, whose ``status`` is given."""
    find = COUNTERPARTS.get(asked.model)
    if find is None:
        return NoOpinion("no_counterpart", f"no like-defined fit in statsmodels{WITHOUT.get(asked.model, '')}")
    if status != "converged":
        return NoOpinion("not_estimable", f"there is no fit of ours to compare ({status.replace('_', ' ')})")
    return find(asked)


_JOINT = "cluster-joint without its factor"


def _robust(asked: Question) -> Covariance:
    """Return what both implementations define alike: the model's errors where asked for, else the plain sandwich."""
    return "model" if asked.kind == "model" else "cluster-hc0"


def _data(solution: Solution) -> Data:
    """Return the rows with the columns of the design itself, and not the standard ones that our engines see."""
    return replace(solution.data, matrix=solution.design.matrix)


def _of_nights(
    asked: Question, refit: Callable[[Data, int | None], Refit], like: Covariance, remark: str = ""
) -> Opinion | NoOpinion:
    solution = solve_nights(replace(asked, kind=like), night_by_night=True)
    solved = solution.solved
    if solved is None or solved.problem:
        return NoOpinion("not_estimable", solution.reason or str(solved and solved.problem))
    beside = {extra.term: extra.estimate for extra in solved.extras}
    return Opinion(
        columns=solution.design.columns,
        n_rows=len(solution.data.outcome),
        errors=like,
        ours=Found(solved.coefficients, np.sqrt(np.diag(solved.variance)), beside),
        theirs=refit(_data(solution), solution.slope),
        remark=remark,
        exposed=exposed(solution.design, solution.data.groups),
    )


def _poisson(asked: Question) -> Opinion | NoOpinion:
    like = _robust(asked)
    return _of_nights(asked, lambda data, _: refits.generalised_linear(data, "Poisson", like), like)


def _logistic(asked: Question) -> Opinion | NoOpinion:
    like = _robust(asked)
    return _of_nights(asked, lambda data, _: refits.generalised_linear(data, "Binomial", like), like)


def _linear(asked: Question) -> Opinion | NoOpinion:
    like = _robust(asked)
    return _of_nights(asked, lambda data, _: refits.linear(data, like), like)


def _negative_binomial(asked: Question) -> Opinion | NoOpinion:
    like = _robust(asked)
    solution = solve_nights(replace(asked, kind=like), night_by_night=True)
    solved, data = solution.solved, solution.data
    if solved is None or not isinstance(solved.fitted, CountFit) or solved.fitted.joint is None:
        remark = "the counts are no more dispersed than Poisson, so that Poisson regression is what is refitted"
        return _of_nights(asked, lambda data, _: refits.generalised_linear(data, "Poisson", like), like, remark)
    if data.weights is not None:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its NegativeBinomial takes no weights")
    joint, p = solved.fitted.joint, len(solved.coefficients)
    variance = covariance(joint.information, joint.scores, data.groups, like)[:p, :p]
    return Opinion(
        columns=solution.design.columns,
        n_rows=len(data.outcome),
        errors="model, with the dispersion" if like == "model" else _JOINT,
        ours=_ours(solution.design, solved.fitted.coefficients, variance, {"dispersion": solved.fitted.dispersion}),
        theirs=refits.negative_binomial(_data(solution), like),
        remark="the errors compared are those of coefficients and dispersion together, as statsmodels has them",
        exposed=exposed(solution.design, data.groups),
    )


def _ours(
    design: design_matrix.Design, found: Array, variance: Array, beside: Mapping[str, float] | None = None
) -> Found:
    """Return what an engine found of the standard columns, for those of the design."""
    coefficients, turned = design.standard.coefficients(found, variance)
    return Found(coefficients, np.sqrt(np.diag(turned)), beside or {})


_FAMILIES = {"cramps": "Poisson", "cramp_night": "Binomial"}
"""The families of marginal models by outcome; a score is Gaussian."""


def _gee(asked: Question) -> Opinion | NoOpinion:
    family = _FAMILIES.get(asked.outcome, "Gaussian")
    like = _robust(asked)
    return _of_nights(asked, lambda data, _: refits.gee_exchangeable(data, family, like), like)


def _mixed_linear(asked: Question) -> Opinion | NoOpinion:
    remark = "the errors compared are the model's: statsmodels has no robust ones of a mixed model"
    return _of_nights(asked, refits.mixed_linear, "model", remark)


def _cox(asked: Question) -> Opinion | NoOpinion:
    of = events(asked)
    fitted = None if of.reason else of.times().fit(of.matrix)
    if fitted is None or fitted.problem:
        return NoOpinion("not_estimable", str(of.reason or (fitted and fitted.problem)))
    ours = _ours(of.design, fitted.coefficients, covariance(fitted.information, fitted.scores, of.groups, "model"))
    remark = "the errors compared are the model's: robust ones of statsmodels take Breslow's ties"
    return _of_events(of, ours, refits.cox(of.design.matrix, of.times()), "model", remark)


def _ordinal(asked: Question) -> Opinion | NoOpinion:
    if asked.free_terms:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its OrderedModel has no free terms")
    of, like = events(asked), _robust(asked)
    codes, levels = of.classes()
    if of.reason or len(levels) < 2:
        return NoOpinion("not_estimable", of.reason or "there are no classes to tell apart")
    fitted = ordinal(of.matrix, codes, levels=levels, names=of.names)
    if fitted.problem:
        return NoOpinion("not_estimable", fitted.problem)
    if not of.design.columns:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its OrderedModel needs a term")
    p = len(of.design.columns)
    variance = covariance(fitted.information, fitted.scores, of.groups, like)[:p, :p]
    theirs = refits.ordered_logit(of.design.matrix, codes, of.groups, like)
    return _of_events(of, _ours(of.design, fitted.coefficients, variance), theirs, like)


def _of_events(of: Events, ours: Found, theirs: Refit, errors: str, remark: str = "") -> Opinion:
    rests = exposed(of.design, of.groups)
    return Opinion(of.design.columns, of.source.frame.height, errors, ours, theirs, remark, rests)


COUNTERPARTS: Mapping[str, Callable[[Question], Opinion | NoOpinion]] = {
    "poisson": _poisson,
    "negative-binomial": _negative_binomial,
    "logistic": _logistic,
    "linear": _linear,
    "gee-exchangeable": _gee,
    "mixed-linear": _mixed_linear,
    "ordinal": _ordinal,
    "cox": _cox,
}
_POSTERIOR = ", which approximates a posterior of mixed models and no likelihood"
_DESIGN = ", whose errors know neither strata nor sampling units"
WITHOUT = {
    "gee-ar1": ", whose working correlation solves another equation",
    "mixed-poisson": _POSTERIOR,
    "mixed-logistic": _POSTERIOR,
    "mixed-negative-binomial": ", which has no mixed model of such counts",
    "zero-inflated-negative-binomial": ", whose Newton fit ends without numbers and says that it converged",
    "hurdle-negative-binomial": ", whose part for zeros is a count model and not a logistic one",
    "survey-logistic": _DESIGN,
    "survey-poisson": _DESIGN,
    "survey-ordinal": _DESIGN,
    "survey-linear": _DESIGN,
    "interval-count": ", which has no counts known by their limits alone",
}
