"""What is said of red flags, of the criteria of a case, and of recall against log, computed from the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import tables, wording
from crampstudy.codebook.cases import HALLEGRAEFF, criteria
from crampstudy.descriptive.frequency.recall import BIAS, LOWER, QUADRATIC, SAME, UPPER
from crampstudy.descriptive.single_cramps.case_definition import ALL_CRITERIA, LOOK_ALIKES
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import whole
from crampstudy.estimates.sentences import in_text, value
from crampstudy.tables.sections.triage import flags_of_fewer
from crampstudy.triage.flags import DISCLAIMER, LONG, WEEKLY
from crampstudy.triage.shares import AFTER_ABOVE, AFTER_OTHER, ALWAYS, ANY, EVALUABLE, PEOPLE, SOMETIMES, WEEKS_ABOVE

_FLAG_LIMITS = (
    "A red flag says whom the article would send to a physician, and not who is ill: no study has tested its "
    "thresholds. A week with fewer than 5 logged nights is told only where it has more than 2 cramps, which makes the "
    "share of such weeks too high, and nights that are missing from other weeks make it too low. Who is followed for "
    "longer has more chances of a flag."
)
_OF_TESTS = (
    "Tests were given to some, not by chance, so that their results are of those alone; where several blood values are "
    "looked at, at least one is out of its range in many who are well."
)
READ_AS = (
    "Weeks are 7 calendar nights from each person's first logged one. A week with more than 2 logged cramps has the "
    "flag; one with at most 2 on fewer than 5 logged nights cannot be told."
)
_LOGGED = 4
"""Logged cramps in 30 nights, of which is said what people with so many recall."""


def flags(rows: pd.DataFrame) -> str:
    """Return how common the red flags are, of weeks and of people, and how steady."""
    found = _of_whole(kinds.RED_FLAG.rows(rows))
    told, above = found.get(EVALUABLE), found.get(WEEKS_ABOVE)
    texts = []
    if told and above:
        texts.append(
            f"more than 2 cramps came in {value(above)} of the weeks that can be told, which are {value(told)} of all"
        )
    names = {WEEKLY: "had such a week", LONG: "had a cramp above 10 min"}
    each = [f"{value(found[w])} {names.get(n, f'had {w}')}" for n, w in PEOPLE.items() if w in found]
    if each:
        several = len(each) > 1 and ANY in found
        any_ = f"; {value(found[ANY])} had at least one of these red flags" if several else ""
        texts.append(f"of the people {wording.listed(each)}{any_}")
    return wording.sentences(texts)


def of_fewer(rows: pd.DataFrame) -> str:
    """Return which columns are of fewer participants than the table's lines say, as a flag is not known of all."""
    return wording.sentences(flags_of_fewer(rows))


def flag_limits(rows: pd.DataFrame) -> str:
    """Return what red flags cannot tell, and the results of tests where there are any."""
    tested = kinds.TEST_RESULT.rows(rows)["estimate"].notna().any()
    return f"{_FLAG_LIMITS} {_OF_TESTS}" if tested else _FLAG_LIMITS


def stability(rows: pd.DataFrame) -> str:
    """Return how steady more than 2 cramps a week are."""
    found = _of_whole(kinds.FLAG_STABILITY.rows(rows))
    texts = []
    if AFTER_ABOVE in found and AFTER_OTHER in found:
        texts.append(
            f"after a week with more than 2 cramps the next one had more than 2 in {value(found[AFTER_ABOVE])} of such "
            f"weeks, after another week in {value(found[AFTER_OTHER])}"
        )
    if ALWAYS in found and SOMETIMES in found:
        texts.append(
            f"of the {_people(found[ALWAYS])} with several weeks that can be "
            f"told {value(found[ALWAYS])} had more than 2 in all of them, {value(found[SOMETIMES])} in some"
        )
    return wording.sentences(texts)


def _people(row: Mapping[str, Any]) -> str:
    return wording.marked(row, wording.counted(int(row["n_participants"]), "people"))


def cases(rows: pd.DataFrame) -> str:
    """Return how many cramps meet the criteria of a nocturnal leg cramp, and who has what looks alike."""
    found = _of_whole(kinds.CRITERION.rows(rows))
    each = [f"{each.wording} {value(found[each.wording])}" for each in criteria(HALLEGRAEFF) if each.wording in found]
    texts = []
    if each:
        every = found.get(ALL_CRITERIA)
        met = f"of the cramps noted with all of the criteria that are measured {value(every)} meet all" if every else ""
        texts += [met] if every else []
        texts.append(f"of the cramps noted with it each criterion is met by: {wording.listed(each)}")
    alike = [f"{value(found[level])} report {level}" for level in LOOK_ALIKES.values() if level in found]
    if alike:
        texts.append(f"of the people {wording.listed(alike)}")
    return wording.sentences(texts)


def recall(rows: pd.DataFrame) -> str:
    """Return how far recall agrees with the log, in cramps of somebody who logged a few."""
    found = _of_whole(kinds.RECALL.rows(rows))
    if BIAS not in found:
        return f"Recall against log could not be estimated: {_why(kinds.RECALL.rows(rows))}."
    logged = _logged(kinds.RECALL_CELLS.rows(rows))
    middle, low, high = (
        wording.number(max(logged**0.5 + found[level]["estimate"], 0.0) ** 2, 1) for level in (BIAS, LOWER, UPPER)
    )
    bias = found[BIAS]
    side = "as many cramps as they logged, give or take chance"
    if bias["ci_low"] > 0 or bias["ci_high"] < 0:
        side = f"{'more' if bias['estimate'] > 0 else 'fewer'} cramps than they logged"
    texts = [
        f"on average people recalled {side}: of {logged} logged in 30 nights {middle} are recalled, and between {low} "
        f"and {high} by 95% of the people"
    ]
    if SAME in found:
        kappa = f", weighted kappa {in_text(found[QUADRATIC])}" if QUADRATIC in found else ""
        texts.append(f"the class that they logged is recalled by {value(found[SAME])}{kappa}")
    return wording.sentences(texts)


def _logged(cells: pd.DataFrame) -> int:
    """Return a number of logged cramps to tell recall at: a few, or as many as the middle person where all had more."""
    roots = cells["level"].astype(str).str.split(", ", expand=True).astype(float) if len(cells) else pd.DataFrame()
    if roots.empty:
        return _LOGGED
    each = (roots[0] - roots[1] / 2).clip(lower=0) ** 2
    people = np.repeat(each.to_numpy(), cells["n_events"].to_numpy(dtype=int))
    return _LOGGED if people.min() <= _LOGGED else round(float(np.median(people)))


def disclaimed(text: str) -> str:
    """Return a text with what stands wherever red flags do."""
    return f"{DISCLAIMER}. {text}".strip()


def _why(rows: pd.DataFrame) -> str:
    return tables.reasons(rows) or "; ".join(dict.fromkeys(rows["note"].dropna()))


def _of_whole(rows: pd.DataFrame) -> Mapping[str, dict[str, Any]]:
    """Return the rows of everybody that have an estimate, by level: of age groups that with the lowest limit."""
    own = rows[rows["estimate"].notna()]
    return {str(row["level"]): row for row in wording.records(own[own["population"] == whole(own["population"])])}
