"""How fast relief comes."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows


@table_of_rows
def relief(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the median time to relief by group, in minutes, and the restricted mean where there is one."""
    shown, means = kinds.MEDIAN_RELIEF.rows(estimates), kinds.MEAN_RELIEF.rows(estimates)
    made = pd.DataFrame(
        {
            "Participants": wording.counts(shown, "n_participants"),
            "Cramps relieved": wording.counts(shown, "n_events"),
            with_level("Median time to relief, min (95% CI)", shown): [estimate(row) for row in wording.records(shown)],
        }
    )
    if len(means):
        heading = with_level("Restricted mean time to relief, min (95% CI)", means)
        made[heading] = [estimate(row) for row in wording.records(means)]
    made.index = pd.Index(map(wording.level, shown["level"]), name=wording.grouping(str(shown["term"].iloc[0])))
    return made
