"""Requests and their solutions in one line, as the arguments of ``crampstudy.fit`` say them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crampstudy.cohort import Cohort
from crampstudy.models import validation
from crampstudy.models.nights.solution import Solution
from crampstudy.models.request import ModelOptions, ModelRequest
from crampstudy.models.validation import default_outcome
from crampstudy.nights import Diary

_OPTIONS = {field.name for field in fields(ModelOptions)}


def request(cohort: Cohort | Diary, model: str, terms: str, outcome: str | None = None, **more: Any) -> ModelRequest:
    """Return a request; further arguments are its other fields and the options."""
    options = ModelOptions(**{name: more.pop(name) for name in _OPTIONS & more.keys()})
    given = {name: value for name, value in more.items() if value is not None}
    return ModelRequest(cohort, model, terms, default_outcome(model, outcome), options=options, **given)


def asked(cohort: Cohort | Diary, model: str, terms: str, outcome: str | None = None, **more: Any) -> ModelRequest:
    """Return a request that holds together."""
    return validation.validate(request(cohort, model, terms, outcome, **more))


def solve(
    cohort: Cohort | Diary,
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    night_by_night: bool = True,
    **more: Any,
) -> Solution:
    """Return the solution of a request of nights."""
    return validation.solve(request(cohort, model, terms, outcome, **more), night_by_night=night_by_night)
