"""What a parameter may be beyond its type, for the names that mean the same everywhere, and what is said of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from crampstudy import suggestions, wording
from crampstudy.age_bands import AgeBands
from crampstudy.errors import BandError, ParameterError
from crampstudy.report.params.types import Type

_BETWEEN = {"ci_level": "between 0 and 1, such as 0.95"}

LIST = ("report", "--list-parameters")
"""The command that tells of all parameters."""
_LEAST_NIGHTS = {"run_in": 1, "build_up": 0, "washout": 0}


def allowed(name: str, kind: Type) -> str:
    """Return what a parameter takes, in words."""
    return f"{kind} {_BETWEEN[name]}" if name in _BETWEEN else str(kind)


def check_possible(name: str, value: Any) -> None:
    """Check that a value of the right type is one that an analysis can use.

    Raises:
        ParameterError: it is not; the message names what is allowed.
    """
    if name == "age_bands":
        try:
            AgeBands(tuple(value))
        except BandError as problem:
            raise ParameterError(f"parameter 'age_bands': {problem}") from None
    if (least := _LEAST_NIGHTS.get(name)) is not None and value is not None and value < least:
        raise ParameterError(f"parameter {name!r}: {value} is not allowed; it is a number of nights from {least} on")
    if name == "ci_level" and not 0 < value < 1:
        raise ParameterError(f"parameter 'ci_level': {value:g} is not allowed; it lies {_BETWEEN[name]}")


def check_reference_band(values: Mapping[str, Any]) -> None:
    """Check that the reference among the age bands, if one is named, is one of those that there will be.

    Raises:
        ParameterError: it is none of them; the message names them.
    """
    if values.get("reference_band") is not None and "age_bands" in values:
        try:
            AgeBands(tuple(values["age_bands"])).find(values["reference_band"])
        except BandError as problem:
            error = ParameterError(f"parameter 'reference_band': {problem}")
            error.correction = problem.correction
            raise error from None


def read_elsewhere(name: str, sections: Sequence[str], readers: Sequence[str]) -> ParameterError:
    """Return the error of a parameter that none of the ``sections`` that run reads, but ``readers``, which do not."""
    more = ",".join((*sections, readers[0]))
    return ParameterError(
        f"no chosen section reads the parameter {name!r}; it is read by {wording.listed(readers)}: leave it out, or "
        f"take one of them as well, such as --sections {more}"
    )


def unknown(name: str, known: Collection[str]) -> ParameterError:
    """Return the error of a name that no parameter has, with the closest one."""
    names = f"known are: {', '.join(sorted(known)) or 'none'}"
    error = suggestions.unknown(ParameterError, f"unknown parameter {name!r}", name, known, names)
    error.instead = LIST
    return error
