"""How much can be foretold in simulated cohorts; ``python tests/prediction_page.py --write docs/prediction.md``.

The best that anybody could say of a night is the chance that it was drawn with, which the simulator knows.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import polars as pl
from page_table import main
from scipy.stats import beta

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.prediction.baselines import ONE_RATE
from crampstudy.prediction.features import FeatureTable, nights_of
from crampstudy.prediction.outcome import ANY
from crampstudy.prediction.rows import PredictionSummary, skills_of
from crampstudy.prediction.validation import CHOSEN, PAST_ALONE, Validated, validate
from crampstudy.simulate import Mess, Truth
from crampstudy.simulate.chunks import Job, draw_chunk
from crampstudy.simulate.draw.cohort import as_cohort
from crampstudy.simulate.scenario import presets

MARKS = "<!-- skill -->", "<!-- end of skill -->"
NULL = "<!-- null -->", "<!-- end of null -->"
PARTICIPANTS, NIGHTS, SEED = 120, 45, 20240607
NULL_COHORTS, NULL_PARTICIPANTS, NULL_NIGHTS = 400, 40, 21
BEST = "best achievable"


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated cohort as a table to learn from, and the chance of a cramp that each of its nights was drawn with."""

    cohort: Cohort
    table: FeatureTable
    chance: np.ndarray[tuple[int], np.dtype[np.float64]]


def simulated(truth: Truth, mess: Mess, size: tuple[int, int], seed: int, *, covariates: bool = True) -> Simulated:
    """Draw a cohort with what its nights were drawn from.

    Args:
        truth: what is drawn.
        mess: what goes wrong.
        size: participants and nights.
        seed: seed of everything.
        covariates: whether more than the own past is known.
    """
    job = Job.of(*size, seed, truth, mess)
    chunk = draw_chunk(job, range(job.plan.blocks))
    cohort = as_cohort(chunk.tables)
    table = nights_of(cohort, covariates=covariates)
    assert table.day is not None
    nights = pl.DataFrame(
        {
            "participant_id": [table.ids[number] for number in table.person],
            "date": pl.Series(table.day).cast(pl.Int32).cast(pl.Date),
        }
    )
    rate = nights.join(chunk.rates, on=["participant_id", "date"], how="left", maintain_order="left")["rate"].to_numpy()
    alpha = truth.cramps.night_dispersion
    chance = 1 - (1 + alpha * rate) ** (-1 / alpha) if alpha else 1 - np.exp(-rate)
    return Simulated(cohort, table, ANY.bounded(chance))


def with_best(found: Validated, chance: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Validated:
    """Return what was validated with the best that could be said beside it."""
    return replace(found, said={**found.said, BEST: chance})


def line(name: str, truth: Truth, mess: Mess) -> str:
    """Return the skill of the chosen model and of the best achievable in one cohort, as a row of Markdown."""
    made = simulated(truth, mess, (PARTICIPANTS, NIGHTS), SEED)
    found = with_best(validate(made.table, ANY), made.chance)
    rows = skills_of(PredictionSummary.of(found, name, 0.95))
    of = rows[(rows["population"] == "all") & (rows["analysis"] == "prediction skill")].set_index("term")
    model, best = of.loc[CHOSEN], of.loc[BEST]
    better = rows[(rows["population"] == "all") & (rows["analysis"] == "better foretold")].iloc[0]
    share = wording.number(100 * model["estimate"] / best["estimate"], 0) if best["ci_low"] > 0 else wording.DASH
    weekly = 7 * made.table.counts.mean()
    cells = (name, f"{weekly:.2f}", *(wording.estimate(row, 1, 100) for row in (model, best)), share)
    return f"| {' | '.join(cells)} | {100 * better['estimate']:.0f} |"


def nothing(truth: Truth) -> Truth:
    """Return a truth in which every night of everybody is alike."""
    same = {"person_shape": 1e6, "near_nightly_share": 0.0, "latent_sd": 0.0, "slow_sd": 0.0, "night_dispersion": 0.0}
    return replace(truth, cramps=replace(truth.cramps, **same))


def page() -> str:
    """Return the table of the presets, and of a cohort in which nothing is to be foretold."""
    lines = [
        f"| cohort, {PARTICIPANTS} participants, {NIGHTS} nights | cramps a week | skill of the model, % "
        "| best achievable, % | share of it, % | better foretold, % |",
        "|---|---|---|---|---|---|",
    ]
    lines += [line(name, presets.preset(name).truth, presets.preset(name).mess) for name in presets.names()]
    null = presets.preset("null")
    return "\n".join([*lines, line("null, all nights alike", nothing(null.truth), null.mess)])


def gains(truth: Truth, reference: str, seed: int) -> bool:
    """Return whether the model is said to gain over what knows less in a cohort drawn from ``truth``."""
    made = simulated(truth, presets.preset("null").mess, (NULL_PARTICIPANTS, NULL_NIGHTS), seed)
    rows = kinds.PREDICTION_GAIN.rows(skills_of(PredictionSummary.of(validate(made.table, ANY), "null", 0.95)))
    return bool(rows.loc[rows["reference"] == reference, "ci_low"].iloc[0] > 0)


def null_page() -> str:
    """Return in how many cohorts without any effect the model is said to gain over what knows less."""
    null = presets.preset("null").truth
    asked = (
        ("only persons and nights differ, so that nothing is to be known beyond the own past", null, PAST_ALONE),
        ("all nights of everybody are alike, so that nothing at all is to be known", nothing(null), ONE_RATE),
    )
    said = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name, truth, reference in asked:
            gained = sum(pool.map(partial(gains, truth, reference), range(NULL_COHORTS), chunksize=5))
            high = beta.ppf(0.95, gained + 1, NULL_COHORTS - gained) if gained < NULL_COHORTS else 1.0
            said.append(
                f"Where {name}, the interval of the skill against {reference} lay above 0 in {gained} of "
                f"{NULL_COHORTS} cohorts (one-sided exact 95% bound: {100 * high:.1f}%)."
            )
    return (
        f"Cohorts of the preset null, of {NULL_PARTICIPANTS} participants and {NULL_NIGHTS} nights; 2.5% of them would "
        f"be said to gain by chance alone. {' '.join(said)}"
    )


if __name__ == "__main__":
    sys.exit(main(page(), MARKS, __doc__) or main(null_page(), NULL, __doc__))
