"""What the comparison says of factors, and of other ways to standardise."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text

NOTE = (
    "Each ratio is of a model of its own in each cohort, adjusted as the causal graph asks among the columns that all "
    "cohorts have (what that is stands in the note of its row in estimates.csv); cohorts are independent, so that "
    "variances of log ratios add"
)
_CLEAR = ("higher", "lower")


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
        named = [f"{_factor(row)} ({in_text(row)}, {_q(row)})" for row in far]
        if named:
            said.append(f"in {name} the ratio differs from that in {reference} for {wording.listed(named)}")
        else:
            said.append(f"no ratio in {name} is shown to differ from that in {reference}")
        if rest := list(_rest(own["verdict"])):
            said.append(f"of {'the others' if named else 'them'} {wording.listed(rest)}")
    for name, own in between[between["estimate"].isna()].groupby("cohort", sort=False):
        lost = wording.listed(map(_factor, wording.records(own)))
        said.append(f"of {lost} there is no ratio to compare in {name} and {own['reference'].iloc[0]}")
    return wording.sentences(said)


def _rest(verdicts: pd.Series[str]) -> Iterator[str]:
    """Yield of how many factors a difference would not matter, and of how many nothing can be told."""
    null, open_ = ((verdicts == each).sum() for each in ("near null", "inconclusive"))
    if null:
        yield f"{null} {'differs' if null == 1 else 'differ'} by less than would matter"
    if open_:
        yield f"for {open_} the interval is too wide to tell"


def _factor(row: dict[str, object]) -> str:
    # In a list a comma would part what belongs together.
    return wording.small(wording.term(str(row["term"]).removeprefix(wording.CONTRAST))).replace(", within", " within")


def _q(row: dict[str, object]) -> str:
    value = row["q_value"]
    return "without p" if pd.isna(value) else f"{wording.p_text(float(str(value)))} by Holm"  # type: ignore[call-overload]
