"""What a prediction rests on: how much worse it is when a domain's values are dealt out anew among the nights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.estimates import kinds
from crampstudy.prediction.features import FeatureTable, domain_of
from crampstudy.prediction.models import candidates, predicted
from crampstudy.prediction.outcome import Outcome
from crampstudy.prediction.resampled import Resamples, limits
from crampstudy.prediction.validation import FOLDS, SEED, best, check_enough, folds_of, learned

DEALS = 5
"""Times that the values of a domain are dealt out."""
HELD_OUT = "a fifth of the participants held out"


def importance_rows(table: FeatureTable, outcome: Outcome, cohort: str, ci_level: float = 0.95) -> pd.DataFrame:
    """Return by domain how much worse held-out participants are foretold without what it says, in shares of the loss.

    The model is the best of those that know every domain, learned from four fifths of the participants. Values of a
    domain are dealt out together, so that they fit each other and nothing else. It is no effect of the domain: what
    another domain says as well is not missed.

    Source: Breiman 2001, 10.1023/A:1010933404324; Fisher, Rudin and Dominici 2019 (model reliance).

    Raises:
        AnalysisError: there is too little to learn from.
    """
    check_enough(table)
    rng = np.random.default_rng([SEED, 29])
    own = folds_of(len(table.ids), FOLDS, rng)[table.person] == 0
    train, test = table.only(~own), table.only(own)
    grids = candidates(table.names).values()
    grid = [each for family in grids for each in family if not each.past_alone]
    model = learned(best(train, outcome, grid, rng)[0], train, outcome)
    return estimates.frame(_of(model, test, outcome, {"cohort": cohort, "ci_level": ci_level}, rng))


def _of(
    model: Any, test: FeatureTable, outcome: Outcome, base: dict[str, Any], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    happened, weight = outcome.of(test) / (test.nights if outcome.is_count else 1), test.nights
    whole = outcome.loss(happened, predicted(model, outcome, test.values))
    drawn = Resamples.of_participants(test.person, rng)
    domains = np.array([domain_of(name) for name in test.names])
    cells = base | {"outcome": outcome.name, "model": HELD_OUT, "population": "all", "scale": "skill"}
    cells |= {"n_participants": len(np.unique(test.person)), "n_nights": int(test.nights.sum())}
    cells |= {"n_events": int(test.counts.sum()), "analysis": kinds.DOMAIN_IMPORTANCE.name}
    for domain in dict.fromkeys(domains.tolist()):
        inside = domains == domain
        without = np.zeros(len(whole))
        for _ in range(DEALS):
            dealt = test.values.copy()
            dealt[:, inside] = test.values[rng.permutation(len(whole))][:, inside]
            without += outcome.loss(happened, predicted(model, outcome, dealt)) / DEALS
        estimate = float(weight @ without) / float(weight @ whole) - 1
        low, high = limits(drawn.sums(weight * without) / drawn.sums(weight * whole) - 1, base["ci_level"])
        spread = {"estimate": estimate, "ci_low": low, "ci_high": high}
        yield estimates.row(status="converged", term=domain, level=f"{int(inside.sum())} features", **spread, **cells)
