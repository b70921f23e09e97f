"""What the comparison says of factors, and of other ways to standardise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.contrasts.cohorts.factors import CENTILES
from crampstudy.contrasts.distributed_lag import SAME_NIGHT
from crampstudy.estimates import adjustment, kinds, verdicts
from crampstudy.estimates.facts import fact as of_row
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.sentences import in_text
from crampstudy.tables.sections.cohorts import factor_name

NOTE = (
    "Each ratio comes from a separate model in each cohort, adjusted for the same in all: as the causal graph asks "
    "among the columns that all cohorts have (see Methods); cohorts are independent, so that the variances of log "
    "ratios add"
)
_BEFORE = "{} {} that of the night before, beside the two nights before it and the participant's mean: " + SAME_NIGHT
_CLEAR = ("higher", "lower")
_BOTH = (True, False)
_FEW = ("participants", "events", "degrees of freedom")
"""What there may be too few of, in the order in which it is told."""


def of_the_night_before(rows: pd.DataFrame) -> Iterator[str]:
    """Yield which factors are those of the night before, as the cramps of a night can move them."""
    found = [exposures.find(term.removeprefix(wording.CONTRAST)) for term in rows["term"].unique()]
    names = list(dict.fromkeys(wording.label(one.variable) for one in found if one and one.shift))
    if names:
        yield _BEFORE.format(wording.listed(names), "is" if len(names) == 1 else "are")


def of_lines(rows: pd.DataFrame) -> Iterator[str]:
    """Yield that ratios of numbers are of straight lines, and which factors are adjusted for nothing in any cohort."""
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    own = own[own["estimate"].notna()]
    if own["term"].str.startswith(wording.CONTRAST).any():
        yield "The ratio of a number is of a straight line on the log scale, not of a curve"
    of_each = own.groupby("term", sort=False)
    alone = [str(term) for term, rows_of in of_each if rows_of["adjusted_for"].isna().all()]
    if names := [wording.small(factor_name(term)) for term in alone]:
        yield f"{wording.capital(wording.listed(names))} {'is' if len(names) == 1 else 'are'} adjusted for nothing"


def of_fewer(rows: pd.DataFrame) -> Iterator[str]:
    """Yield which factors are adjusted for fewer than all that is asked for, in every cohort, and why."""
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    own = own[own["estimate"].notna() & own["lacks"].notna()]
    found: dict[str, list[str]] = {}
    for term, of_term in own.groupby("term", sort=False):
        few = of_term.loc[adjustment.adjusted_as(of_term, adjustment.TOO_FEW), "cohort"]
        taken = adjustment.adjusted_as(of_term, adjustment.NOT_TAKEN_IN)
        if len(few):
            names = wording.listed(few.unique())
            why = f"since {names} {'has' if few.nunique() == 1 else 'have'} too few participants for the rest"
        elif taken.any():
            why = "since the rest is without a value, or the same for everybody, in one of them"
        else:
            continue
        found.setdefault(why, []).append(_in_list(str(term)))
    for why, factors in found.items():
        be = "is" if len(factors) == 1 else "are"
        yield f"{wording.listed(factors)} {be} adjusted for less than that in every cohort, {why}"


def of_centiles(rows: pd.DataFrame) -> Iterator[str]:
    """Yield whose centiles the factors are compared at that have no other contrast."""
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    whose = of_rows(own, CENTILES)
    names = whose[whose.ne("")].unique()
    for name in names:
        factors = wording.listed(dict.fromkeys(map(_in_list, own.loc[whose.eq(name), "term"])))
        of = f" of {factors}" if len(names) > 1 else ""
        yield f"the centiles{of} are those of {name}, so that all cohorts are compared at the same values"


def without(asked: str, declared: int) -> str:
    """Return why no factor is compared."""
    if asked == "none":
        return "No factor is compared, as it was asked."
    if declared:
        return f"None of the main factors was measured; of {declared} declared contrasts all are compared when asked."
    return "No factor with a declared contrast was measured in these cohorts."


def apart(rows: pd.DataFrame, compared: int, declared: int) -> str:
    """Return which factors' ratios differ between cohorts, how many do not, and of how many nothing can be said."""
    between = kinds.FACTOR_BETWEEN.rows(rows)
    known = between[between["estimate"].notna()]
    of = "" if compared == declared else f", the main ones of {declared}"
    one = compared == 1
    subject = f"{'the ratio' if one else 'the ratios'} of {wording.counted(compared, 'factors', 'are')} compared"
    said = [f"{subject} at {'its' if one else 'their'} declared {'contrast' if one else 'contrasts'}{of}"]
    if known.empty:
        said = [f"no ratio of {wording.counted(compared, 'factors')} could be compared{of}"]
    for name, own in known.groupby("cohort", sort=False):
        reference = own["reference"].iloc[0]
        far = wording.records(own[own["verdict"].isin(_CLEAR)])
        named, alone = (
            [f"{_factor(row)} ({in_text(row)}, {_q(row)})" for row in far if _holds(row) is so] for so in _BOTH
        )
        if named:
            said.append(f"in {name} the ratio differs from that in {reference} for {wording.listed(named)}")
        else:
            said.append(f"no ratio in {name} is shown to differ from that in {reference}")
        if alone:
            listed = wording.listed(alone)
            said.append(f"by the interval alone, without regard to how many are compared, it differs for {listed}")
        if rest := list(_rest(own[~own["verdict"].isin(_CLEAR)], rows)):
            comma = "," if rest[0].startswith("for ") else ""
            said.append(f"of {'the others' if far else 'them'}{comma} {wording.listed(rest)}")
    for name, own in between[between["estimate"].isna()].groupby("cohort", sort=False):
        lost = wording.listed(map(_factor, wording.records(own)))
        said.append(f"of {lost} there is no ratio to compare in {name} and {own['reference'].iloc[0]}")
    return wording.sentences(said)


def _holds(row: Mapping[str, Any]) -> bool:
    """Say whether a difference stands among all that are compared, by the p-value corrected for their number."""
    return bool(pd.isna(row["q_value"]) or row["q_value"] <= 1 - row["ci_level"])


def _rest(rows: pd.DataFrame, every: pd.DataFrame) -> Iterator[str]:
    """Yield of how many factors a difference would not matter or nothing can be told, and which have no verdict."""
    read = rows["verdict"]
    small, open_ = (int(read.isin(each).sum()) for each in (verdicts.INSIDE, ["inconclusive"]))
    if small:
        yield f"{small} {'differs' if small == 1 else 'differ'} by less than would matter"
    if open_:
        yield f"for {open_} the interval is too wide to tell"
    few = Counter(_few_of_what(row, every) for row in wording.with_none(rows[read.eq("too few").fillna(value=False)]))
    for what, where in sorted(few, key=lambda each: (_FEW.index(each[0]), each[1])):
        n = few[what, where]
        if what == _FEW[-1]:
            yield f"for {n} the interval{where} rests on fewer than {verdicts.FEWEST_DF:g} {what}, too few to tell"
        else:
            yield f"for {n} there are too few {what}{where} to tell"
    for row in wording.records(rows[read.isna()]):
        yield f"{_factor(row)} has {of_row(row, 'no verdict') or 'no verdict'}"


def of_few(rows: pd.DataFrame) -> Iterator[str]:
    """Yield on what the factors rest whose ratios of ratios are of too few, and in which cohort."""
    between = kinds.FACTOR_BETWEEN.rows(rows)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in wording.with_none(between[between["verdict"].eq("too few").fillna(value=False)]):
        for each in _of_too_few(row, rows):
            where = "" if each is row else f"in {each['cohort']} "
            for why in verdicts.grounds(each):
                found.setdefault((where, why), {})[_factor(row)] = None
    if found:
        said = (
            f"{where}{wording.listed(names)} {'rests' if len(names) == 1 else 'rest'} {why}"
            for (where, why), names in found.items()
        )
        yield f"too few: {'; '.join(said)}"


def _few_of_what(row: dict[str, Any], rows: pd.DataFrame) -> tuple[str, str]:
    """Return of what a ratio of ratios has too few, and in which cohorts, unless it is in the two together."""
    few = _of_too_few(row, rows)
    what = min(map(verdicts.few_of_what, few), key=_FEW.index)
    names = [each["cohort"] for each in few if each is not row and verdicts.few_of_what(each) == what]
    return what, f" in {wording.listed(names)}" if names else ""


def _of_too_few(row: dict[str, Any], rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the ratios of the two cohorts that rest on too few, or that of the two where neither does."""
    own = kinds.FACTOR_IN_COHORT.rows(rows)
    same = own["term"].eq(row["term"]) & own["unit"].fillna(own["level"]).eq(row["level"])
    of_two = own[same & own["verdict"].eq("too few") & own["cohort"].isin([row["reference"], row["cohort"]])]
    return wording.with_none(of_two) or [row]


def _factor(row: dict[str, object]) -> str:
    return _in_list(str(row["term"]))


def _in_list(term: str) -> str:
    """Return the name of a factor as it stands in a list, where a comma would part what belongs together."""
    name = wording.small(factor_name(term))
    for part in ("within", "between"):
        name = name.replace(f", {part} participants,", f" {part} participants").replace(f", {part}", f" {part}")
    return name


def _q(row: dict[str, object]) -> str:
    value = row["q_value"]
    return "without p" if pd.isna(value) else f"{wording.p_text(float(str(value)))} by Holm"  # type: ignore[call-overload]
