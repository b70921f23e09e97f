"""What a comparison of cohorts is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl

from crampstudy import codebook, suggestions, wording
from crampstudy.age_bands import STANDARDS, AgeBands, AnyStandard, standard_named
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.contrasts.cohorts.adjusted import Over
from crampstudy.contrasts.cohorts.few_events import Method
from crampstudy.contrasts.cohorts.parts import age_mix
from crampstudy.errors import UsageError
from crampstudy.estimates.verdicts import Margins
from crampstudy.models.common.outcome_parts import check_condition
from crampstudy.models.terms import formula
from crampstudy.models.terms.columns import in_backticks, quoted
from crampstudy.models.terms.levels import check_group, may_be_named, no_group
from crampstudy.nights import check_part_of_nights, diary_columns, people, person_nights
from crampstudy.nights.derived import derived

_WORDS = re.compile(r"[^\W\d_][\w’'-]*(?: [\w’'-]+)+")


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """The arguments of :func:`crampstudy.compare` that all of its parts share, by their names there."""

    by: str
    bands: AgeBands
    standard: AnyStandard
    where: str | None
    adjust: str
    ci_level: float
    margins: Margins
    average_over: Over = "all"
    few_events: Method | None = None
    bootstrap: int = 0
    rng: np.random.Generator | None = None

    @property
    def whole(self) -> str:
        """The label of all groups together."""
        return f"{self.bands.limits[0]}+"


def reference_of(cohorts: Sequence[Cohort], name: str | None) -> str:
    """Return the name of the cohort that the others are compared with: the first, unless another is named.

    Raises:
        UsageError: there is no cohort of this name.
    """
    known = [cohort.name for cohort in cohorts]
    if name is None or name in known:
        return name or known[0]
    said, allowed = f"no cohort {name!r} to compare with", f"allowed: {', '.join(known)}"
    raise suggestions.unknown(UsageError, said, name, known, allowed, closed=True)


def check_by(cohort: Cohort, by: str, bands: AgeBands) -> None:
    """Check that a cohort can be grouped by a variable.

    Raises:
        UsageError: it is none of its level or yes/no variables.
    """
    frame = people(cohort, bands)
    check_group(by, frame)
    if by not in frame.columns or frame[by].dtype not in (pl.Boolean, pl.String, pl.Enum):
        raise no_group(
            f"{cohort.name} is compared by age_band or a level or yes/no variable of participants", by, frame
        )


def check_where(cohort: Cohort, bands: AgeBands, where: str | None) -> None:
    """Check that a cohort has what a condition names.

    Raises:
        UsageError: it does not, or the condition is none; it says of which cohort.
    """
    if where is None:
        return
    try:
        if cohort.kind == "diary":
            check_part_of_nights(cohort, where, bands)
        else:
            subpopulation.evaluate(people(cohort, bands), where)
    except UsageError as problem:
        error = UsageError(f"{cohort.name}: {problem}")
        error.correction = problem.correction
        raise error from None


def check_part(cohort: Cohort, bands: AgeBands, where: str | None) -> None:
    """Check that a part of a cohort can be told, before anything is estimated.

    Raises:
        UsageError: the condition cannot be decided.
    """
    if cohort.kind == "diary":
        check_condition(where, "cramps")
    subpopulation.select(person_nights(cohort, bands) if cohort.kind == "diary" else people(cohort, bands), where)


def check_ages(cohorts: Sequence[Cohort], by: str, bands: AgeBands) -> None:
    """Check that two cohorts at least have somebody from the first age band on; one without ages is taken whole.

    Of cohorts that are grouped ``by`` something else one is enough: their groups are of any age.

    Raises:
        UsageError: fewer have; the message names bands that people of each are in.
    """
    young = [subpopulation.too_young(cohort, bands.limits[0]) for cohort in cohorts]
    if young.count(None) >= (2 if by == "age_band" else 1):
        return
    sides = ([c for c, said in zip(cohorts, young, strict=True) if bool(said) is below] for below in (True, False))
    aged = ([cohort for cohort in side if cohort.has("age_years")] for side in sides)
    limits = sorted({limit for side in aged if side for limit in subpopulation.bands_among(side).limits})
    possible = ",".join(map(str, limits))
    raise UsageError(f"{'; '.join(filter(None, young))}; begin lower, such as --age-bands {possible}")


def numbers_of_nights(
    cohort: Cohort, by: str, bands: AgeBands | None = None, where: str | None = None, adjust: str = ""
) -> frozenset[str] | None:
    """Return the numbers of a diary's nights that a comparison of its parts needs beside the count of cramps.

    ``None`` stands for all: of a survey, of what is made of other columns, and of a question that is wrong, since what
    could be asked instead is any of them.

    Args:
        cohort: the one that is split.
        by: the variable that its parts are grouped by.
        bands: age bands behind ``age_band``.
        where: condition that names a part of the nights.
        adjust: the terms to adjust for.
    """
    if cohort.kind == "survey":
        return None
    bands = bands or AgeBands()
    try:
        check_by(cohort, by, bands)
        check_where(cohort, bands, where)
        adjusted_terms((cohort,), adjust, bands)
    except UsageError:
        return None
    named = frozenset(subpopulation.names(where) if where else ())
    return None if named & derived(cohort.frame("diary").schema).keys() else named


def adjusted_terms(cohorts: Sequence[Cohort], adjust: str, bands: AgeBands) -> str:
    """Return the terms to adjust for, in which a column may stand as it is called, whatever its signs.

    Raises:
        UsageError: they are no terms, a name is of no cohort and not of the codebook, or it is of nights, of which no
            participant has one.
    """
    if not adjust.strip():
        return ""
    who = pl.concat([people(each, bands).head(0) for each in cohorts], how="diagonal_relaxed")
    able = sorted(name for name in {*who.columns} - {"age_band"} if may_be_named(name))
    logged = {name for each in cohorts if each.kind == "diary" for name in diary_columns(each)}
    nightly = (logged | {variable.name for variable in codebook.variables("diary")}) - {*who.columns}
    written = _written(adjust, able, nightly)
    names = formula.columns_in(formula.parse(written))
    if of_nights := sorted(names & nightly):
        error = UsageError(
            f"cohorts are compared at the same participants, and {of_nights[0]} differs from night to night; "
            f"adjust for what a participant is, one or more of {', '.join(map(quoted, able))}"
        )
        error.correction = adjust, _without(written, nightly) or _first(able)
        raise error
    for name in sorted(names - {*who.columns}):
        if wording.variable(name) is None:
            raise in_backticks(adjust, {*able, *nightly}) or _unknown(name, able)
    formula.check_names(names, who)
    return written


def check_adjusted(cohorts: Sequence[Cohort], adjust: str, bands: AgeBands) -> dict[str, tuple[str, ...]]:
    """Return of each column to adjust for in which cohorts no participant has a value of it, if in any.

    Raises:
        UsageError: one has a value in no cohort, so that nothing can be adjusted for it, or as :func:`adjusted_terms`.
    """
    written = adjusted_terms(cohorts, adjust, bands)
    if not written:
        return {}
    has = {cohort.name: _with_values(people(cohort, bands)) for cohort in cohorts}
    lacking = {
        name: tuple(cohort for cohort, columns in has.items() if name not in columns)
        for name in sorted(formula.columns_in(formula.parse(written)))
    }
    nowhere = [name for name, which in lacking.items() if len(which) == len(cohorts)]
    if not nowhere:
        return {name: which for name, which in lacking.items() if which}
    able = sorted(name for name in set.intersection(*has.values()) - {"age_band"} if may_be_named(name))
    whose = "any cohort" if len(cohorts) > 2 else f"{cohorts[0].name} and none of {cohorts[1].name}"
    error = UsageError(
        f"adjust (--adjust): no participant of {whose} has a value of {', '.join(nowhere)}; "
        f"{'all of them' if len(cohorts) > 2 else 'both'} have {', '.join(map(quoted, able)) or 'no column in common'}"
    )
    if meant := _without(written, set(nowhere)) or (_first(able) if able else ""):
        error.correction = adjust, meant
    raise error


def _with_values(frame: pl.DataFrame) -> set[str]:
    return {name for name in frame.columns if frame[name].null_count() < frame.height}


def _without(terms: str, columns: Collection[str]) -> str:
    """Return the terms that name none of some columns."""
    parts = [part.strip() for part in terms.split("+")]
    kept = (part for part in parts if _is_formula(part) and not formula.columns_in(formula.parse(part)) & {*columns})
    return " + ".join(kept)


def _written(adjust: str, columns: Sequence[str], nightly: Collection[str]) -> str:
    """Return terms in which a column that is named as it is stands in backticks, where its signs need that.

    Columns of nights, which no participant has, are read so that it can be said of them.

    Raises:
        UsageError: they are no terms; it says which column may have been meant.
    """
    known = {*columns, *nightly}
    names, reason = None, None
    try:
        names = formula.names_in(formula.parse(adjust))
    except UsageError as problem:
        reason = problem
    if names is not None and names <= known:
        return adjust
    parts = [adjust.strip()] if adjust.strip() in known else [part.strip() for part in adjust.split("+")]
    made = [quoted(part) if part in known else part for part in parts]
    if made != parts:
        return " + ".join(made)
    if reason is None:
        return adjust
    if bare := in_backticks(adjust, known):
        raise bare
    for part in parts:
        # Words with nothing between them are a name, and no formula that went wrong.
        if not _is_formula(part) and (_WORDS.fullmatch(part) or suggestions.closest(part, columns)):
            raise _unknown(part, columns)
    raise reason


def _is_formula(text: str) -> bool:
    try:
        formula.parse(text)
    except UsageError:
        return False
    return True


def _unknown(name: str, able: Sequence[str]) -> UsageError:
    """Return an error that says of a ``name`` that no participant has such a column, and which can be adjusted for."""
    said = f"adjust (--adjust): terms name {name!r}, which neither the codebook nor the cohort has"
    allowed = f"allowed: {', '.join(map(quoted, able))}"
    error = suggestions.unknown(UsageError, said, name, able, allowed)
    error.correction = name, quoted(error.correction[1]) if error.correction else _first(able)
    return error


def _first(able: Sequence[str]) -> str:
    """Return what a command may name in the place of a wrong term."""
    return "sex" if "sex" in able else quoted(able[0])


def standard_of(
    standard: AnyStandard | str, cohorts: Sequence[Cohort], bands: AgeBands, where: str | None
) -> AnyStandard:
    """Return the standard population that a name means: a published one, the ages of a cohort, or a CSV file's.

    Raises:
        BandError: there is none of this name.
        SourceError: the file cannot be read.
    """
    if not isinstance(standard, str):
        return standard
    own = {cohort.name: cohort for cohort in cohorts if cohort.name not in (*STANDARDS, "none")}
    return age_mix(own[standard], bands, where) if standard in own else standard_named(standard, tuple(own))


def check_average(average_over: str, adjust: str) -> None:
    """Check whose participants the adjusted numbers are averaged over.

    Raises:
        UsageError: they are those of nobody, or nothing is adjusted.
    """
    if average_over not in (known := get_args(Over)):
        said, allowed = f"no participants {average_over!r} to average over", f"allowed: {', '.join(known)}"
        raise suggestions.unknown(UsageError, said, average_over, known, allowed, closed=True)
    if average_over != "all" and not adjust:
        raise UsageError(
            "average_over (--average-over) is of the model that is adjusted: name its terms, "
            "such as adjust='sex' (--adjust sex)"
        )
