"""What is asked beside a standardised comparison: intervals of few events, and participants drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crampstudy import estimates
from crampstudy.age_bands import Standard, StandardPopulation, population
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.asked import ComparisonRequest, check_average
from crampstudy.contrasts.cohorts.few_events import check_method, few_event_rows
from crampstudy.contrasts.cohorts.further.resampled import resampled_rows
from crampstudy.contrasts.cohorts.measures import GroupMeasures
from crampstudy.errors import BandError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.bootstrap import check_replicates

Row = dict[str, Any]


def check_asked(asked: ComparisonRequest) -> None:
    """Check that what is asked beside the groups can be answered.

    Raises:
        UsageError: the adjusted numbers are averaged over nobody, nothing is standardised, there is no such interval of
            few events, or participants are to be drawn without a source of the draws, or too few times for the level.
    """
    check_average(asked.average_over, asked.adjust)
    if (asked.few_events or asked.bootstrap) and (asked.by != "age_band" or asked.standard == "none"):
        which = "few_events (--few-events)" if asked.few_events else "bootstrap (--bootstrap)"
        said = f"{which} is for numbers at the ages of a standard population"
        raise UsageError(f"{said}: leave it out, or compare by age_band with a standard such as who")
    if asked.few_events is not None:
        check_method(asked.few_events)
    if asked.bootstrap:
        check_replicates(asked.bootstrap, asked.ci_level)
        if asked.rng is None:
            raise UsageError("a bootstrap needs a source of its draws: rng=numpy.random.default_rng(1)")


def standardised_extras(
    cohorts: Sequence[Cohort],
    found: Sequence[GroupMeasures],
    standard: Standard | StandardPopulation,
    asked: ComparisonRequest,
) -> list[Row]:
    """Return the rows of what a comparison is asked of standardised numbers beside the delta method."""
    label = population(standard).label
    cells: Row = {"population": part_of(asked.whole, asked.where), "term": asked.by, "level": asked.whole}
    cells |= {"estimand": f"at the ages of the {label}", "ci_level": asked.ci_level}
    try:
        weights = np.array(asked.bands.standard_weights(standard))
    except BandError as problem:
        wanted = [kinds.FEW_EVENTS] * bool(asked.few_events) + [kinds.BETWEEN_BOOTSTRAP] * bool(asked.bootstrap)
        shared = cells | {"outcome": found[0].outcome, "scale": found[0].scale, "note": estimates.reason(problem)}
        return [estimates.row(status="not_estimable", analysis=kind.name, **shared) for kind in wanted]
    made: list[Row] = []
    if asked.few_events is not None:
        of_rates = cells | {"reference": label, "estimand": "incidence rate at the ages of the standard population"}
        for each in found:
            made += few_event_rows(each, weights.tolist(), asked.few_events, of_rates)
    if asked.bootstrap and asked.rng is not None:
        if cohorts[0].kind == "survey":
            said = "participants of a survey are not drawn one by one; its interval is of the sampling design"
            shared = cells | {"analysis": kinds.BETWEEN_BOOTSTRAP.name, "outcome": found[0].outcome, "note": said}
            ratio = shared | {"reference": cohorts[0].name, "scale": "prevalence_ratio"}
            return [*made, *(estimates.row(status="not_estimable", cohort=one.name, **ratio) for one in cohorts[1:])]
        made += resampled_rows(
            cohorts,
            (asked.bands, weights, asked.where),
            cells,
            replicates=asked.bootstrap,
            rng=asked.rng,
            margins=asked.margins,
        )
    return made
