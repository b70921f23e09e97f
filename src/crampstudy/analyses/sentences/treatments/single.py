"""What is told of single participants whose periods alternated, where nothing is told of all of them together."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.analyses.sentences.treatments.given import given_by_lot
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text
from crampstudy.estimates.verdicts import FEWEST_EXPOSED
from crampstudy.treatments.question import arm


def told_of_single(rows: pd.DataFrame) -> list[str]:
    """Return the treatments with a ratio in single participants and none of all of them."""
    return list(dict.fromkeys(map(str, _alone(rows)["term"])))


def of_single(rows: pd.DataFrame) -> list[str]:
    """Return the ratio of each single participant, as of that one alone, a sentence for each treatment.

    Of more participants than may be pooled the figure has them.
    """
    return [_of_treatment(own) for _, own in _alone(rows).groupby("term", sort=False)]


def _alone(rows: pd.DataFrame) -> pd.DataFrame:
    main = kinds.TREATMENT_EFFECT.rows(rows)
    own = kinds.TREATMENT_EFFECT_OF_ONE.rows(rows)
    return own[own["estimate"].notna() & ~own["term"].isin(main.loc[main["estimate"].notna(), "term"])]


def _of_treatment(rows: pd.DataFrame) -> str:
    every = wording.records(rows)
    what = f"{given_by_lot(every[0])} against {arm(every[0]['reference'])}"
    if len(every) >= FEWEST_EXPOSED:
        return f"By lot, {what}: a rate ratio in each of {len(every)} single participants, of that one alone."
    told = [
        f"{in_text(row)} in {row['level']}, of {wording.counted(int(row['n_groups']), 'pairs')} of periods"
        for row in every
    ]
    whom = "this participant alone, and tells" if len(told) == 1 else "one participant alone, and they tell"
    ratios, are = ("rate ratio", "is of") if len(told) == 1 else ("rate ratios", "are each of")
    return f"By lot, {what}: {ratios} {wording.listed(told)}, which {are} {whom} nothing of others."
