"""How participants and nights come from the files into the analyses, and who of them logged when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import UNDECIDED
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.nights import (
    asked_from,
    denominator,
    inside_condition,
    left_outside,
    members,
    observed_night,
    outside_condition,
)
from crampstudy.wording import counted, records

IN_FILE, ACCEPTED, MEETING = "in the file", "accepted", "meeting the condition"
LOGGED, ASKED, ANSWERED, ANALYSED = "logged", "asked", "answered", "analysed"
_UNTOLD = {UNDECIDED: f"for which {UNDECIDED}"}
PARTICIPANTS, NIGHTS = "participants", "nights"
_FEW_NIGHTS = 14
"""A diary of no more nights is shown by night, a longer one by week."""
_MOST_LINES = 50
"""More participants are taken together, those who logged as much as each other."""


def flow(cohort: Cohort, *, youngest: int = 20) -> pd.DataFrame:
    """Return how many participants, and nights of a diary, are in the file, accepted, logged, and analysed by age.

    Of those alone who meet a condition it says how many do. Logged is a night with a count, and a
    participant with such a night; of a survey a participant who answered how often. Analysed by age is who was also at
    least ``youngest`` years old; where nobody has an age, everybody. Of a survey that shows from which age on people
    were asked, it says how many that were. A list of events, which has no rate, ends with what is logged.
    """
    frame = members(cohort)
    if cohort.kind == "diary":
        nights = cohort.frame("diary")
        seen = nights.lazy().filter(observed_night(cohort)).select("participant_id").collect()
        logged = frame.join(seen.unique(), on="participant_id", how="semi")
        step, why = LOGGED, "without a night with a count"
    else:
        asked = "recalled_low" in frame.columns
        logged = frame.filter(pl.col("recalled_low").is_not_null()) if asked else frame.clear()
        step, why = ANSWERED, "without a recalled frequency"
    aged = bool(frame["age_years"].count())
    old = logged.filter(pl.col("age_years") >= youngest) if aged else logged
    young = logged["age_years"].lt(youngest).sum()
    below = [f"{young:,} younger than {youngest}"] if young else []
    unaged = logged["age_years"].null_count() if aged else 0
    below += [f"{unaged:,} without an age"] if unaged else []
    unasked = 0
    later: list[tuple[str, int, str]] = []
    if step == ANSWERED and (limit := asked_from(frame)) is not None:
        unasked = int((frame["age_years"] < limit).sum())
        later.append((ASKED, frame.height - unasked, f"{unasked:,} not asked (younger than {limit})"))
    unlogged = f"{frame.height - logged.height - unasked:,} {why}"
    later += [(step, logged.height, unlogged), (ANALYSED, old.height, ", ".join(below))]
    if without_rate := cohort.kind == "diary" and denominator(cohort).why_not is not None:
        later.pop()
    made = [*_steps(cohort, PARTICIPANTS, later)]
    if cohort.kind == "diary":
        kept = seen.join(old, on="participant_id", how="semi").height
        lost = f"{nights.height - seen.height:,} without a count"
        of_nights = [(LOGGED, seen.height, lost), (ANALYSED, kept, f"{seen.height - kept:,} of those participants")]
        made += _steps(cohort, NIGHTS, of_nights[:1] if without_rate else of_nights)
    return estimates.frame(made)


def shares(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the share of those in the file, or of those who were asked, who are still there at each later step.

    Nights that were added are in no file: where there are any, later steps are of all that were accepted, and those are
    no share of the file.

    Args:
        steps: the rows of :func:`flow`.
    """
    at = {(row["outcome"], row["level"]): row for row in records(steps)}
    made = []
    for (what, step), row in at.items():
        # Who was not asked could not answer.
        asked = at.get((what, ASKED)) if step in (ANSWERED, ANALYSED) else None
        filled = at.get((what, ACCEPTED))
        before = asked or (filled if filled and fact(filled, "added") else at[what, IN_FILE])
        if step not in (IN_FILE, before["level"]) and before["estimate"]:
            same = ("status", "cohort", "population", "outcome", "term", "level", "n_participants", "n_nights")
            made.append(
                estimates.row(
                    **{name: row[name] for name in same},
                    analysis=kinds.COHORT_SHARE.name,
                    reference=before["level"],
                    scale="proportion",
                    estimate=row["estimate"] / before["estimate"],
                )
            )
    return estimates.frame(made)


def _steps(cohort: Cohort, what: str, later: list[tuple[str, int, str]]) -> Iterator[dict[str, Any]]:
    table = "participants" if what == PARTICIPANTS else "diary"
    counts = [count for count in cohort.attrition.tables if count.table == table]
    rejected = sum(count.rejected for count in counts)
    blanked = sum(count.blanked for count in counts)
    lost = [f"{rejected:,} rejected"] if rejected else []
    outside, accepted = outside_condition(cohort, table), inside_condition(cohort, table)
    apart = left_outside(cohort, table)
    kept = [f"{counted(blanked, 'cells')} blanked, their rows kept"] if blanked else []
    added = sum(count.added for count in counts)
    zeros = [f"{added:,} without a row, taken as without a cramp"] if added else []
    why_not = ", ".join([*lost, *kept, *zeros])
    read = sum(count.read for count in counts) if counts else accepted + outside
    first = [(IN_FILE, read, ""), (ACCEPTED, accepted + outside, why_not)]
    if outside:
        first.append((MEETING, accepted, ", ".join(f"{n:,} {_UNTOLD.get(why, why)}" for why, n in apart)))
    before = None
    for step, n, why in [*first, *later]:
        told = why if why and (n != before or step == ACCEPTED) else None
        yield estimates.row(
            status="converged",
            cohort=cohort.name,
            population="all",
            analysis=kinds.COHORT_FLOW.name,
            outcome=what,
            term="step",
            level=step,
            scale="count",
            unit=what,
            estimate=n,
            n_participants=n if what == PARTICIPANTS else None,
            n_nights=n if what == NIGHTS else None,
            facts={"said": told, "added": f"{added}" if added and step in (ACCEPTED, LOGGED) else None},
            note=told,
        )
        before = n


def logging_over_time(cohort: Cohort) -> pd.DataFrame:
    """Return the share of nights that participants of a diary logged in each week since their first, up to their last.

    Of a diary of at most two weeks it is that of each night.

    They are in the order of the share that they logged in all, and named by their place in it, the least first; of many
    those next to each other are taken together.
    """
    nights = cohort.frame("diary").with_columns(logged=observed_night(cohort))
    spans = nights.group_by("participant_id").agg(
        first=pl.col("date").min(), last=pl.col("date").max(), logged=pl.col("logged").sum()
    )
    length = (pl.col("last") - pl.col("first")).dt.total_days() + 1
    ranked = spans.with_columns(length=length).sort(pl.col("logged") / pl.col("length"), "length", "participant_id")
    size = -(-ranked.height // _MOST_LINES) if ranked.height else 1
    ranked = ranked.with_columns(line=pl.int_range(pl.len()) // size)
    by_week = (ranked["length"].max() or 0) > _FEW_NIGHTS  # type: ignore[operator]
    part = (pl.col("night") // (7 if by_week else 1) + 1).alias("part")
    expected = (
        ranked.select("participant_id", "line", night=pl.int_ranges(0, pl.col("length")))
        .explode("night")
        .group_by("line", part)
        .agg(expected=pl.len(), people=pl.col("participant_id").n_unique())
    )
    seen = (
        nights.filter("logged")
        .join(ranked.select("participant_id", "line", "first"), on="participant_id")
        .select("line", night=(pl.col("date") - pl.col("first")).dt.total_days())
        .group_by("line", part)
        .agg(seen=pl.len())
    )
    cells = expected.join(seen, on=["line", "part"], how="left").sort("line", "part").fill_null(0)
    return estimates.frame(
        estimates.row(
            status="converged",
            cohort=cohort.name,
            population=_line(cell["line"], size, ranked.height),
            analysis=kinds.LOGGED.name,
            outcome="cramps",
            term="study_week" if by_week else "study_night",
            level=str(cell["part"]),
            scale="proportion",
            estimate=cell["seen"] / cell["expected"],
            n_participants=cell["people"],
            n_nights=cell["expected"],
            n_events=cell["seen"],
        )
        for cell in cells.iter_rows(named=True)
    )


def _line(at: int, size: int, of: int) -> str:
    first, last = at * size + 1, min((at + 1) * size, of)
    return f"participant {first}" if first == last else f"participants {first}-{last}"
