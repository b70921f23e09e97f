"""Report parameters: read from the notebooks, checked in full before anything runs.

A notebook declares its parameters in one cell tagged ``parameters``, a line each::

    ci_level: float = 0.95  # coverage of the intervals
    standard: Literal["who", "esp2013", "none"] = "who"  # standard population

Types: ``str``, ``int``, ``float``, ``bool``, ``Literal[…]``, ``list[…]`` of these, and ``… | None``.
``source`` is given by the report itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crampstudy import suggestions
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.errors import BandError, ParameterError, UsageError
from crampstudy.report.params.declarations import GIVEN, RESULTS, SOURCE, Parameter, declared
from crampstudy.report.params.in_kernel import check_kernel
from crampstudy.report.params.possible import LIST, check_possible, check_reference_band, read_elsewhere, unknown
from crampstudy.report.params.types import fits, parse
from crampstudy.report.params.unread import check_read

__all__ = [
    "GIVEN",
    "RESULTS",
    "SOURCE",
    "Parameter",
    "check",
    "check_kernel",
    "declared",
    "describe",
    "draws_on_others",
    "for_notebook",
    "suit",
]


def describe(notebooks: Sequence[Path], own: Path | None = None) -> list[Parameter]:
    """Return the parameters of the notebooks in order of first appearance, without ``source``.

    ``own`` is that of the notebooks which is the reader's: of a name that it shares with others, theirs is the default.

    Raises:
        ParameterError: a notebook has no or several parameters cells, a line of it is not a declaration, no cell reads
            what it declares, or two notebooks declare one name differently.
    """
    found: dict[str, Parameter] = {}
    for path in notebooks:
        own_parameters = declared(path)
        check_read(path, own_parameters)
        for parameter in own_parameters:
            known = found.get(parameter.name)
            if known and path != own and known.name != SOURCE and not known.same_as(parameter):
                raise ParameterError(
                    f"parameter {parameter.name!r} is {known.allowed} (default {known.default!r}) in "
                    f"{known.notebooks[0]} and {parameter.allowed} (default {parameter.default!r}) in {path.name}; "
                    "declare it the same way in both or rename one"
                )
            names = (*(known.notebooks if known else ()), path.name)
            found[parameter.name] = replace(known or parameter, notebooks=names)
    for name in GIVEN:
        found.pop(name, None)
    return list(found.values())


def check(
    notebooks: Sequence[Path], settings: Sequence[str], own: Path | None = None, *, left_out: Sequence[Path] = ()
) -> dict[str, Any]:
    """Return the values that ``name=value`` settings give to the notebooks' parameters.

    Args:
        notebooks: the notebooks that will run.
        settings: for instance ``["ci_level=0.9", "age_bands=20,40,60"]``.
        own: that of the notebooks which is the reader's own; a name that it shares with the others has their value.
        left_out: notebooks of the same outline that will not run.

    Raises:
        ParameterError: a setting is malformed or given twice, its name unknown (the closest one is
            suggested) or that of a notebook that is left out, or its value impossible (what is allowed is named).
    """
    known = {parameter.name: parameter for parameter in describe(notebooks, own)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            like = known.get(name) or next(iter(known.values()), None)
            raise _with_next(ParameterError(f"setting {setting!r}: write name=value, e.g. ci_level=0.9"), setting, like)
        if name in GIVEN:
            error = ParameterError(f"{name!r} is given by the report itself; it cannot be set as a parameter")
            error.instead = LIST
            raise error
        if name not in known:
            readers = [path.stem for path in left_out if name in {each.name for each in declared(path)}]
            raise read_elsewhere(name, [path.stem for path in notebooks], readers) if readers else unknown(name, known)
        if name in values:
            raise ParameterError(f"parameter {name!r} is set twice; give it once")
        try:
            values[name] = parse(text, known[name].type, name)
            check_possible(name, values[name])
        except ParameterError as problem:
            raise _with_next(problem, setting, known[name]) from problem.__cause__
    check_reference_band({name: parameter.default for name, parameter in known.items()} | values)
    return values | _shared(known, values, own)


def _with_next(problem: ParameterError, setting: str, like: Parameter | None) -> ParameterError:
    """Return the error of a ``setting`` with one that can stand in its place.

    That is the choice which was written otherwise, or else the default of a parameter.
    """
    if like is None:
        return problem
    written = setting.partition("=")[2].strip()
    choices = [*map(str, like.type.choices)]
    near = suggestions.closest(written, choices)
    problem.correction = setting, f"{like.name}={next(iter(near), like.shown)}"
    # Of choices of which none is like it the default is no more what was meant than another.
    others = () if near else suggestions.few(choice for choice in choices if choice != like.shown)
    problem.others = tuple(f"{like.name}={choice}" for choice in others)
    return problem


def _shared(known: Mapping[str, Parameter], values: Mapping[str, Any], own: Path | None) -> dict[str, Any]:
    """Return the values of the parameters that the reader's own notebook shares with others, but declares otherwise."""
    asked = [parameter for parameter in declared(own) if parameter.name != SOURCE] if own else []
    found: dict[str, Any] = {}
    for parameter in asked:
        shared = known[parameter.name]
        if shared.same_as(parameter):
            continue
        value = found[parameter.name] = values.get(parameter.name, shared.default)
        if not fits(value, parameter.type):
            raise ParameterError(
                f"parameter {parameter.name!r} is {value!r} in this report, as {shared.notebooks[0]} has it, and "
                f"{parameter.notebooks[0]} takes {parameter.allowed}; declare it the same way there or rename it"
            )
    return found


def suit(cohort: Cohort, values: Mapping[str, Any]) -> Cohort:
    """Check the values against the cohort that they are meant for, and return that of those who meet their condition.

    Raises:
        ParameterError: the last age band begins above the age at which a survey top-codes ages, the first above all
            ages, nobody is of the band of reference, or nobody in the cohort can meet the condition ``where``.
    """
    # Both load models, which a report that runs notebooks elsewhere does without.
    if (where := values.get("where")) is not None:
        from crampstudy.analyses.within import within

        try:
            cohort = within(cohort, where)
        except UsageError as problem:
            error = ParameterError(f"parameter 'where': {problem}")
            # What a name was meant for is not known by leaving the condition out.
            known = set(_columns(cohort)).issuperset(subpopulation.names(where))
            error.correction = problem.correction or ((f"where={where}", "where=null") if known else None)
            raise error from None
    bands = AgeBands(tuple(values["age_bands"])) if "age_bands" in values else AgeBands()
    if young := subpopulation.too_young(cohort, bands.limits[0]):
        possible = ",".join(map(str, subpopulation.bands_among([cohort]).limits))
        error = ParameterError(f"parameter 'age_bands': {young}; begin lower, such as --set age_bands={possible}")
        error.correction = f"age_bands={','.join(map(str, bands.limits))}", f"age_bands={possible}"
        raise error
    _check_has_people(cohort, bands, values.get("reference_band"))
    if cohort.kind == "survey" and "age_bands" in values:
        from crampstudy.descriptive.prevalence import check_bands

        try:
            check_bands(cohort, bands)
        except BandError as problem:
            raise ParameterError(f"parameter 'age_bands': {problem}") from None
    return cohort


def _check_has_people(cohort: Cohort, bands: AgeBands, reference: str | None) -> None:
    """Check that somebody is of the band that the others are to be compared with.

    Raises:
        ParameterError: nobody is; the message names the bands that have people.
    """
    if reference is None:
        return
    label, known = bands.find(reference), subpopulation.bands_with_people(cohort, bands)
    if label not in known:
        error = ParameterError(
            f"parameter 'reference_band': nobody in {cohort.name} is of the age band {label}, so that no other could "
            f"be compared with it; people are of {', '.join(known)}"
        )
        error.correction = f"reference_band={reference}", f"reference_band={known[0]}"
        raise error


def _columns(cohort: Cohort) -> Iterator[str]:
    from crampstudy.nights import diary_columns, people

    yield from people(cohort).columns
    if cohort.kind == "diary":
        yield from diary_columns(cohort)


def draws_on_others(path: Path) -> bool:
    """Whether a notebook asks for the results of the others, and so runs after them."""
    return any(parameter.name == RESULTS for parameter in declared(path))


def for_notebook(path: Path, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that one notebook takes of those that are set, and of those that the report gives itself."""
    names = {parameter.name for parameter in declared(path)}
    return {name: value for name, value in {**values, **given}.items() if name in names}
