"""Results that hold estimates, wherever rows are wanted: tables and figures take either."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar, runtime_checkable

import pandas as pd

from crampstudy.errors import UsageError

T = TypeVar("T")


@runtime_checkable
class HasEstimates(Protocol):
    """What holds tidy estimates, such as a fit or a description."""

    @property
    def estimates(self) -> pd.DataFrame: ...


Rows = pd.DataFrame | HasEstimates


def rows_of(result: Rows) -> pd.DataFrame:
    """Return the tidy rows of a result, or the rows themselves.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(result, pd.DataFrame):
        return result
    if isinstance(result, HasEstimates) and isinstance(result.estimates, pd.DataFrame):
        return result.estimates
    raise UsageError(
        f"a {type(result).__name__} has no estimates; give a fit, a description, what an analysis found, or their "
        "estimates"
    )


def of_result(made: Callable[[pd.DataFrame], T]) -> Callable[[Rows], T]:
    """Return a function of rows that takes a result as well."""

    @wraps(made)
    def of(estimates: Rows) -> T:
        return made(rows_of(estimates))

    return of
