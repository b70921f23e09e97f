"""What lots gave, in words: a single agent, or a combination of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.treatments.combinations import parts


def given_by_lot(row: Mapping[str, Any]) -> str:
    """Return the treatment of a row in words: ``TENS``, ``the combination magnesium + TENS``."""
    named = wording.agent(str(row["term"]))
    return f"the combination {named}" if len(parts(str(row["term"]))) > 1 else named


def combined(rows: pd.DataFrame) -> str:
    """Return of the combinations among the treatments of rows that they are treatments of their own."""
    names = [wording.agent(name) for name in dict.fromkeys(map(str, rows["term"])) if len(parts(name)) > 1]
    if not names:
        return ""
    are = "is a combination, a treatment" if len(names) == 1 else "are combinations, each a treatment"
    return f"{wording.capital(wording.listed(names))} {are} of its own. "
