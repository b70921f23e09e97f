"""What one model of all cohorts says: whether groups differ alike, the trend with age, a ratio at the same people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crampstudy import estimates, wording
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.cohorts.adjusted import adjusted
from crampstudy.contrasts.cohorts.asked import ComparisonRequest
from crampstudy.contrasts.cohorts.interaction import interaction, trend
from crampstudy.contrasts.cohorts.measures import FEWEST, GroupMeasures
from crampstudy.descriptive.rates import ALL
from crampstudy.estimates.groups import part_of

Row = dict[str, Any]


def joint_models(
    cohorts: Sequence[Cohort], found: Sequence[GroupMeasures], outcome: str | None, asked: ComparisonRequest
) -> list[Row]:
    """Return the test of cohort by group, alone and adjusted for sex, what is asked to be adjusted, and the trend.

    The test, and what is adjusted, are of the groups that are large enough in all cohorts; a note names them.
    """
    together, names = pooled(cohorts), [cohort.name for cohort in cohorts]
    aged = together.has("age_years")
    # A diary's groups by sex and the like are of all ages.
    by_age = aged and (asked.by == "age_band" or together.kind == "survey")
    inside = [f"age_years >= {asked.bands.limits[0]}"] if by_age else []
    shared, others = _groups(found)
    own = [f"{asked.by} IN ({', '.join(map(_written, shared))})"] if others and shared else []
    more: dict[str, Any] = {"bands": asked.bands, "ci_level": asked.ci_level, "outcome": outcome}
    shared_more = more | {"where": _all_of(asked.where, *inside, *own)}
    fewest = min((int(each.participants[each.place(name) or 0]) for each in found for name in shared), default=0)
    made = interaction(together, asked.by, fewest=fewest, **shared_more)
    if asked.by != "sex" and _both_sexes(cohorts):
        made += interaction(together, asked.by, beside=("sex",), fewest=fewest, **shared_more)
    if asked.adjust:
        beside: dict[str, Any] = {"beside": asked.adjust, "over": asked.average_over, "margins": asked.margins}
        made += adjusted(together, names, asked.by, **beside, **shared_more)
    if others:
        all_have = wording.listed(map(wording.level, shared)) if shared else "none"
        said = f"of the groups with at least {FEWEST} participants in every cohort: {all_have}"
        made = [row | {"note": estimates.note(row["note"] or "", said)} for row in made]
    if aged and asked.by == "age_band":
        made += trend(together, names, where=_all_of(asked.where, *inside), **more)
    population = part_of(asked.whole if by_age else ALL, asked.where)
    return [estimates.row(**{k: v for k, v in row.items() if k != "key"} | {"population": population}) for row in made]


def _groups(found: Sequence[GroupMeasures]) -> tuple[list[str], bool]:
    """Return the groups in which every cohort has enough participants, and whether there are others."""
    single = dict.fromkeys(label for each in found for label in each.labels[:-1])
    counts = {
        label: [0 if (place := each.place(label)) is None else int(each.participants[place]) for each in found]
        for label in single
    }
    shared = [label for label, numbers in counts.items() if min(numbers) >= FEWEST]
    return shared, any(max(numbers) and min(numbers) < FEWEST for numbers in counts.values())


def _both_sexes(cohorts: Sequence[Cohort]) -> bool:
    return any(
        cohort.has("sex") and cohort.frame("participants")["sex"].drop_nulls().n_unique() > 1 for cohort in cohorts
    )


def _written(label: str) -> str:
    quoted = label.replace("'", "''")
    return label.upper() if label in ("true", "false") else f"'{quoted}'"


def _all_of(*conditions: str | None) -> str | None:
    return " AND ".join(f"({part})" for part in filter(None, conditions)) or None
