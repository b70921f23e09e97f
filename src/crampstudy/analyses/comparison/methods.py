"""How a comparison was made: computed of its cohorts, its settings and its rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crampstudy.analyses.comparison.sentences import methods as said
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import Findings, together
from crampstudy.analyses.overview.definitions import ADJUSTMENT, DEFINITIONS, adjustment, definitions
from crampstudy.analyses.overview.methods import MODELS, models, versions
from crampstudy.analyses.sentences.methods import cite
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds

PARTS = (MODELS, ADJUSTMENT, DEFINITIONS)
_OF_ESTIMATES = (kinds.E_VALUE.name, kinds.FALSE_DISCOVERY.name)
"""Kinds of rows that are made of other rows, and of no model; the note of their table says what they are."""
_OF_PEOPLE = tuple(kind.name for kind in (kinds.CHARACTERISTICS, kinds.STANDARDISED_DIFFERENCE, kinds.COMPLETENESS))
"""Kinds of rows of who the cohorts are, of which the notes of their tables say the same."""


def describe_comparison(cohorts: Sequence[Cohort], settings: ComparisonSettings, rows: pd.DataFrame) -> Findings:
    """Return how the rows of a comparison were made, what each kind of them is, and what is to be cited."""
    software = versions()
    of_models, used = models(rows[~rows["analysis"].isin(_OF_ESTIMATES)])
    of_kinds, defined = definitions(rows[~rows["analysis"].isin([*_OF_ESTIMATES, *_OF_PEOPLE])])
    shown = {MODELS: used, ADJUSTMENT: adjustment(rows), DEFINITIONS: defined}
    values = {"design": said.design(cohorts, settings, rows, software), "cite": cite(cohorts, software["crampstudy"])}
    return Findings(
        together([of_models, of_kinds]),
        {label: table for label, table in shown.items() if len(table.frame)},
        values=values,
        absent=tuple(label for label, table in shown.items() if table.frame.empty),
    )
