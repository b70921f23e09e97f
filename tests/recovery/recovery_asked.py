"""The models that recovery is tried with, as they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from crampstudy.models.registry import NIGHT_FAMILIES


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, its outcome, further arguments of ``fit``, and the cohorts that a whole run gives each of its cells."""

    model: str
    outcome: str
    cohorts: int = 1000
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return ",".join([f"{self.model}/{self.outcome}", *self.said])

    @property
    def said(self) -> list[str]:
        """The further arguments in words."""
        return [f"{name}={value}" for name, value in self.options]

    @property
    def by(self) -> str | None:
        """The door of exposures of person-time that is asked."""
        return next((str(value) for name, value in self.options if name == "by"), None)

    @property
    def zero_part(self) -> bool:
        return self.model in NIGHT_FAMILIES and NIGHT_FAMILIES[self.model].zero_part is not None

    @property
    def answers(self) -> str:
        """What is asked: a ratio of rates, of odds or prevalences over all persons or given the person, of hazards."""
        match self.outcome:
            case "cramps" | "recalled_count" | "gap":
                # Where nights are Poisson the hazard of a night with a cramp goes up as its rate does.
                return "rate"
            case "any_cramp":
                return "odds of a month" if self.model == "survey-logistic" else "prevalence of a month"
            case "cramp_night":
                return "odds given the person" if self.model.startswith("mixed") else "odds"
            case outcome:
                return outcome


def _with(asked: tuple[Asked, ...], **options: Any) -> tuple[Asked, ...]:
    return tuple(Asked(a.model, a.outcome, a.cohorts, (*a.options, *options.items())) for a in asked)


_POISSON, _NB, _GEE, _AR1 = (
    Asked(model, "cramps") for model in ("poisson", "negative-binomial", "gee-exchangeable", "gee-ar1")
)
_MIXED, _MIXED_NB = Asked("mixed-poisson", "cramps"), Asked("mixed-negative-binomial", "cramps", 400)
_INFLATED, _HURDLE = (
    Asked("zero-inflated-negative-binomial", "cramps", 400),
    Asked("hurdle-negative-binomial", "cramps", 400),
)
_PAIN, _RELIEF, _GAP = Asked("ordinal", "pain"), Asked("cox", "relief"), Asked("cox", "gap")
_ODDS = tuple(Asked(model, "cramp_night") for model in ("logistic", "gee-exchangeable", "gee-ar1", "mixed-logistic"))

# By default a covariance is chosen by the data; here it is the one that large cohorts have.
RATES = _with((_POISSON, _NB, _GEE, _AR1, _MIXED, _MIXED_NB), covariance="cluster")
ODDS = _with(_ODDS, covariance="cluster")
SURVEYS = (Asked("survey-logistic", "any_cramp"), Asked("survey-poisson", "any_cramp"))
INFLATED, HURDLE, PAIN, RELIEF, GAP = _with((_INFLATED, _HURDLE, _PAIN, _RELIEF, _GAP), covariance="cluster")
CLASSES, COUNTS = Asked("survey-ordinal", "recalled_class"), Asked("interval-count", "recalled_count")
NIGHTLY = Asked("interval-count", "recalled_count", 400, (("near_nightly", True),))
AT_MOST = Asked("interval-count", "recalled_count", 400, (("at_most", 30),))

HOURS = _with((_POISSON, _NB, _MIXED), exposure="hours_in_bed", covariance="cluster")
SLOPES = _with((replace(_MIXED, cohorts=400),), random_slope="dose", covariance="cluster")
SLOPES_NB = _with((_MIXED_NB,), random_slope="dose", covariance="cluster")
SMALL = _with((_POISSON, _NB, _ODDS[0]), covariance="cluster-small")
SLOPES_MODEL = _with((replace(_MIXED, cohorts=400),), random_slope="dose", covariance="model")
SLOPES_NB_MODEL = _with((_MIXED_NB,), random_slope="dose", covariance="model")
ALONE = _with((_POISSON, _NB, _MIXED, _INFLATED, _HURDLE, _PAIN, _RELIEF), covariance="model")

AUTO, AUTO_ODDS = tuple(replace(a, cohorts=140) for a in (_POISSON, _NB)), (replace(_ODDS[0], cohorts=140),)
AUTO_PERSONS, AUTO_CRAMPS = (tuple(replace(a, cohorts=140) for a in two) for two in ((_GEE, _MIXED), (_PAIN, _RELIEF)))
"""The default covariance, which is chosen by the data: what few participants need, and few exposed."""

LAGGED = Asked("negative-binomial", "cramps", 400, (("by", "distributed_lag"),))
SPLIT = Asked("poisson", "cramps", 400, (("by", "within_between"),))
CURVED = Asked("negative-binomial", "cramps", 400, (("by", "fit"),))
"""Exposures of person-time by the door that has their ratios, with the default covariance."""

ASKED = (
    *(*RATES, *ODDS, *SURVEYS, INFLATED, HURDLE, PAIN, RELIEF, GAP, CLASSES, COUNTS, NIGHTLY, AT_MOST),
    *(*HOURS, *SLOPES, *SLOPES_NB, *SMALL, *ALONE, *SLOPES_MODEL, *SLOPES_NB_MODEL),
    *(*AUTO, *AUTO_ODDS, *AUTO_PERSONS, *AUTO_CRAMPS),
    *(LAGGED, SPLIT, CURVED),
)
