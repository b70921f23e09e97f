"""What a prediction rests on: how much worse it is when a domain's values are dealt out anew among the nights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.estimates import kinds
from crampstudy.prediction.features import domain_of
from crampstudy.prediction.held_out import HeldOut
from crampstudy.prediction.resampled import limits
from crampstudy.prediction.validation import SEED

DEALS = 5
"""Times that the values of a domain are dealt out."""


def importance_rows(held: HeldOut) -> pd.DataFrame:
    """Return by domain how much worse held-out participants are foretold without what it says, in shares of the loss.

    The model is the best of those that know every domain. Values of a domain are dealt out together, so that they fit
    each other and nothing else. It is no effect of the domain: what another domain says as well is not missed.

    Source: Breiman 2001, 10.1023/A:1010933404324; Fisher, Rudin and Dominici 2019 (model reliance).
    """
    return estimates.frame(_rows(held))


def _rows(held: HeldOut) -> Iterator[dict[str, Any]]:
    test, outcome, drawn = held.test, held.outcome, held.resamples
    rng = np.random.default_rng([SEED, 31])
    happened, weight = outcome.of(test) / (test.nights if outcome.is_count else 1), test.nights
    whole = outcome.loss(happened, held.expected(test.values))
    domains = np.array([domain_of(name) for name in test.names])
    cells = {**held.base, "analysis": kinds.DOMAIN_IMPORTANCE.name, "scale": "skill"}
    cells |= {"n_participants": len(np.unique(test.person)), "n_nights": int(test.nights.sum())}
    cells |= {"n_events": int(test.counts.sum())}
    for domain in dict.fromkeys(domains.tolist()):
        inside = domains == domain
        without = np.zeros(len(whole))
        for _ in range(DEALS):
            dealt = test.values.copy()
            dealt[:, inside] = test.values[rng.permutation(len(whole))][:, inside]
            without += outcome.loss(happened, held.expected(dealt)) / DEALS
        estimate = float(weight @ without) / float(weight @ whole) - 1
        low, high = limits(drawn.sums(weight * without) / drawn.sums(weight * whole) - 1, held.base["ci_level"])
        spread = {"estimate": estimate, "ci_low": low, "ci_high": high}
        yield estimates.row(status="converged", term=domain, level=f"{int(inside.sum())} features", **spread, **cells)
