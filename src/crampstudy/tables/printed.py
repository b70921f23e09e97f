"""The tables that rows of any cohorts and kinds are printed in, each with its title and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from crampstudy.cohort.account import Account
from crampstudy.tables.of_kinds import shown
from crampstudy.tables.remarks import notes
from crampstudy.tables.remarks.model_parameters import parameters
from crampstudy.tables.table import PrintedTable


def printed(estimates: pd.DataFrame, accounts: Iterable[Account] = ()) -> Iterator[PrintedTable]:
    """Yield the tables of estimates, those of a cohort together.

    What the ``accounts`` say is left to them, and is in no note.
    """
    told = {remark for account in accounts for remark in account.remarks()}
    for cohort, rows in estimates.groupby("cohort", sort=False):
        made = list(shown(rows))
        for each in made:
            caption = f"{cohort}: {each.heading}" if len(made) > 1 else str(cohort)
            beside = parameters(each.rows) if each.of_fit else ()
            below = each.table.notes if each.noted else (*beside, notes(each.rows, besides=told))
            yield PrintedTable.of(each.table, caption, below)
