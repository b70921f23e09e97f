"""How a comparison was made, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from crampstudy import wording
from crampstudy.analyses.comparison.sentences import bands
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.sentences.methods import KINDS, UNANSWERED, UNCOUNTED, UNOBSERVED, WHOLE
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.further.common_measure import LIMIT
from crampstudy.estimates import kinds, verdicts

_LACKING = {"diary": UNOBSERVED, "survey": UNANSWERED}


def design(
    cohorts: Sequence[Cohort], settings: ComparisonSettings, rows: pd.DataFrame, software: Mapping[str, str]
) -> str:
    """Return what the cohorts are, what is compared and how, and with which software."""
    return wording.sentences(
        [*_said(cohorts, settings, rows), _computed(software)], [cohort.name for cohort in cohorts]
    )


def _said(cohorts: Sequence[Cohort], settings: ComparisonSettings, rows: pd.DataFrame) -> Iterator[str]:
    found = dict.fromkeys(cohort.kind for cohort in cohorts)
    for kind in found:
        names = [cohort.name for cohort in cohorts if cohort.kind == kind]
        yield f"{wording.listed(names)} {'is' if len(names) == 1 else 'are each'} {KINDS[kind]}"
    zeros = [cohort.name for cohort in cohorts if cohort.attrition.unlogged is not None]
    if zeros:
        yield f"in {wording.listed(zeros)} nights without a row were taken as nights without a cramp"
    for kind in found:
        yield UNCOUNTED if zeros and kind == "diary" else _LACKING[kind]
    yield WHOLE.removesuffix(".")
    aged = f"age bands begin at {wording.listed(map(str, settings.age_bands))} years; "
    yield f"{aged if settings.by == 'age_band' else ''}intervals are at {100 * settings.ci_level:g}%"
    between = rows[rows["analysis"].isin([kinds.BETWEEN_COHORTS.name, kinds.BETWEEN_STANDARDISED.name])]
    if len(between):
        yield bands.estimators(between)
    if len(standardised := kinds.BETWEEN_STANDARDISED.rows(rows)):
        yield f"standardised numbers are those {standardised['estimand'].iloc[0]}"
    if len(kinds.BETWEEN_KINDS.rows(rows)):
        yield LIMIT.removesuffix(".")
    if read := verdicts.remark(rows[rows["scale"] != verdicts.DIFFERENCE]):
        yield read.removesuffix(".")


def _computed(software: Mapping[str, str]) -> str:
    return f"the numbers were computed with {wording.listed(f'{name} {version}' for name, version in software.items())}"
