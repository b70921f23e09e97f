"""Whether there are groups of people, in words, and what each is like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.sentences import value
from crampstudy.phenotypes import groups
from crampstudy.tables.sections.severity import clock

_APART = 1.0
"""Standard deviations from the mean of all from which on a trait of a group is named."""
_NAMES = {
    "frequency": "{} a week",
    "dispersion": "variance over mean of the nights {}",
    "duration": "lasting {}",
    "pain": "pain {}",
    "site": "{} in the calf",
    "timing": "around {}",
}


def answer(rows: pd.DataFrame) -> str:
    """Return how many clear groups there are, or that there are none and why."""
    (number,) = wording.records(kinds.CLEAR_GROUPS.rows(rows))
    tried = kinds.GROUPS_TRIED.rows(rows)
    gains = tried[tried["level"] == "gain in BIC"]
    people, said = wording.count_of(number, "n_participants"), fact(number, "said")
    rest = [said] if said else []
    if number["estimate"] == 1:
        best = wording.records(gains.sort_values("estimate", ascending=False, kind="stable"))[0]
        return wording.sentences(
            [
                f"There are no clear groups among the {people} participants with a cramp: they differ by degrees",
                f"Of the numbers that were tried {best['term']} fitted best, but {_why(fact(best, 'said'))}",
                *rest,
            ]
        )
    again = tried[(tried["level"] == "agreement in resamples") & tried["term"].eq(f"{number['estimate']:.0f} groups")]
    agree = wording.estimate(wording.records(again)[0])
    return wording.sentences(
        [
            f"The {people} participants with a cramp form {number['estimate']:.0f} clear groups",
            f"Groups of resampled participants agree with them by an adjusted Rand index of {agree}",
            *rest,
        ]
    )


def profiles(rows: pd.DataFrame) -> str:
    """Return what each group is like where it stands apart from all, nothing where there are none."""
    standing = kinds.GROUP_STANDING.rows(rows)
    means = {(row["term"], row["level"]): row for row in wording.records(kinds.GROUP_PROFILE.rows(rows))}
    said = []
    for share in wording.records(kinds.GROUP_SHARE.rows(rows)):
        own = standing[standing["term"].eq(share["term"])]
        apart = own.loc[own["estimate"].abs().ge(_APART) | own["level"].eq("frequency"), "level"]
        told = ", ".join(_NAMES[trait].format(_number(means[share["term"], trait])) for trait in apart)
        said.append(f"{share['term']}, {value(share)} of the people: {told}")
    return wording.sentences(said)


def limits() -> str:
    """Return what groups found in one cohort do not show."""
    return (
        "Groups are of how cramps were logged, and no diseases: nothing here says that they have different causes or "
        "need different treatment. That there are no clear groups in a cohort does not show that there are none: small "
        "groups, and such as lie close to others, are not found among few people. Who has no cramp in the diary is in "
        "no group. A group found here is to be looked for in another cohort."
    )


def _why(verdict: str) -> str:
    """Return why a number of groups was not taken, in the words of a sentence."""
    return {
        groups.NO_GAIN: groups.NO_GAIN,
        groups.NOT_AGAIN: "resampled participants form other groups",
        groups.NOT_PARTED: "without a gap between two of them",
        groups.SMALL: f"with fewer than {groups.SMALLEST} people in one of them",
    }[verdict]


def _number(row: Mapping[str, Any]) -> str:
    return clock(row) if row["scale"] == "clock_hour" else value({**row, "unit": _UNITS.get(str(row["level"]))})


_UNITS = {"frequency": "cramps", "pain": "points"}
