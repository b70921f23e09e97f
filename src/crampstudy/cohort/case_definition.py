"""The part of a diary's cramps that meet a case definition: the others are set aside, and so counted.

A cramp that was logged with its features is set aside where one of them says that it does not meet a criterion. What
was not noted of a cramp, or of all, is no reason to set it aside; nor is a count of cramps without their features.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from crampstudy.codebook.cases import Criterion, criteria
from crampstudy.cohort import subpopulation
from crampstudy.cohort.frozen import Cohort
from crampstudy.errors import UsageError
from crampstudy.wording import counted, listed

_NIGHT = ["participant_id", "date"]


def meeting(cohort: Cohort, definition: str) -> Cohort:
    """Return a diary with the cramps alone that meet a case definition, each night counted again.

    ``definition`` is the name of a published one, such as ``hallegraeff-2017``, or names of criteria by commas. The
    nights stay observed; where no night of a diary is without a cramp, as in a list of events, those of which all
    cramps are set aside are taken out, since they are no nights without a cramp. What was set aside is one of the
    cohort's remarks.

    Raises:
        UsageError: no definition has this name, the cohort is a survey or has no cramps with features, none of the
            criteria is measured, or no cramp meets them.
    """
    asked = criteria(definition)
    if cohort.kind != "diary" or cohort.frame("episodes").is_empty():
        what = "is a survey" if cohort.kind != "diary" else "has no table episodes"
        raise UsageError(
            f"{cohort.name} {what}, so that nothing is known of single cramps and no case definition can be applied; "
            "leave case_definition out"
        )
    met = judged(cohort, asked)
    if not met.width:
        columns = ", ".join(dict.fromkeys(name for each in asked for name in subpopulation.names(each.condition)))
        raise UsageError(
            f"case_definition {definition}: none of its criteria is measured in {cohort.name}; the table episodes has "
            f"no value of {columns}"
        )
    own = cohort.frame("episodes")
    kept = own.filter(met.select(meets=pl.all_horizontal(pl.all().fill_null(value=True)))["meets"])
    if kept.is_empty():
        raise UsageError(
            f"case_definition {definition}: none of the {counted(own.height, 'cramps')} of {cohort.name} meets it"
        )
    diary = _counted_again(cohort.frame("diary"), own, kept)
    said = f"case definition {definition}: {_said(asked, met, own, kept)}"
    if (bare := int(diary["cramps"].sum()) - kept.height) > 0:
        said += f"; {counted(bare, 'cramps')} logged without features {'stay' if bare > 1 else 'stays'} counted"
    before = cohort.attrition
    attrition = replace(before, notices=(*before.notices, said), remarks=(*before.remarks, said))
    return replace(cohort, tables={**cohort.tables, "episodes": kept, "diary": diary}, attrition=attrition)


def judged(cohort: Cohort, asked: tuple[Criterion, ...]) -> pl.DataFrame:
    """Return a row per cramp: whether it meets each criterion that is measured, missing where that was not noted."""
    own = cohort.frame("episodes")
    found = {}
    for each in asked:
        needed = subpopulation.names(each.condition)
        if any(name not in own.columns or own[name].null_count() == own.height for name in needed):
            continue
        known = pl.all_horizontal(pl.col(name).is_not_null() for name in needed)
        inside = subpopulation.evaluate(own, each.condition).inside
        found[each.name] = own.select(_=pl.when(known).then(inside))["_"]
    return pl.DataFrame(found)


def _counted_again(diary: pl.DataFrame, own: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Return the diary with the cramps of each night that are left."""
    lost = own.join(kept, on=[*_NIGHT, "episode"], how="anti").group_by(_NIGHT).agg(_lost=pl.len().cast(pl.Int64))
    left = kept.group_by(_NIGHT).agg(_left=pl.len().cast(pl.Int64))
    counts = diary.select(*_NIGHT, "cramps").join(lost, on=_NIGHT, how="left").join(left, on=_NIGHT, how="left")
    # A count may be smaller than the cramps that were logged one by one.
    least = pl.min_horizontal("cramps", pl.col("_left").fill_null(0))
    again = pl.max_horizontal(pl.col("cramps") - pl.col("_lost").fill_null(0), least)
    made = counts.with_columns(pl.when(pl.col("cramps").is_not_null()).then(again).alias("cramps"))
    replaced = diary.drop("cramps").join(made.select(*_NIGHT, "cramps"), on=_NIGHT, how="left", maintain_order="left")
    replaced = replaced.select(diary.columns)
    without = (diary["cramps"] == 0).any()
    return replaced if without else replaced.filter((pl.col("cramps") > 0) | pl.col("cramps").is_null())


def _said(asked: tuple[Criterion, ...], met: pl.DataFrame, own: pl.DataFrame, kept: pl.DataFrame) -> str:
    """Return what was kept and set aside, by criterion, and which criteria are not measured."""
    failed = {each.wording: int((~met[each.name]).sum()) for each in asked if each.name in met.columns}
    why = [f"{name} {n:,}" for name, n in failed.items() if n]
    unmeasured = [each.wording for each in asked if each.name not in met.columns]
    text = (
        f"of {counted(own.height, 'cramps')} logged one by one {kept.height:,} kept, of "
        f"{kept['participant_id'].n_unique():,} of {counted(own['participant_id'].n_unique(), 'participants')} on "
        f"{kept.select(_NIGHT).n_unique():,} of {counted(own.select(_NIGHT).n_unique(), 'nights')}, and "
        f"{own.height - kept.height:,} set aside"
    )
    text += f", which do not meet (some several): {listed(why)}" if why else ""
    return f"{text}; not measured here and so not asked for: {listed(unmeasured)}" if unmeasured else text
