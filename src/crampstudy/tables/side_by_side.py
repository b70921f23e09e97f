"""Fits side by side, as a journal prints them: a column each, what they rest on at the foot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crampstudy import wording
from crampstudy.errors import UsageError
from crampstudy.tables.ratios import factors
from crampstudy.tables.table import PrintedTable

if TYPE_CHECKING:
    from crampstudy.models import Fit

_FOOT = "Model"


def models(*fits: Fit, names: Sequence[str] | None = None) -> PrintedTable:
    """Return fits side by side, a column each: ratios or differences by factor, rows aligned by what they compare.

    At the foot stand the participants, what was fitted, the events, the dispersion where a model has one, and AIC.
    A term that a fit lacks is a dash.

    Args:
        fits: one or more fits, of any models, outcomes and cohorts.
        names: heads of the columns; by default what the fits differ in: model, outcome, cohort, part, or a number.

    Raises:
        UsageError: there is no fit, or there are not as many different names as fits.
    """
    # Only who has a fit has loaded the models.
    from crampstudy.models import Fit

    if not fits:
        raise UsageError("there is no fit to show; give one or more, such as tables.models(first, second)")
    if wrong := [type(each).__name__ for each in fits if not isinstance(each, Fit)]:
        raise UsageError(f"models are shown of fits, as crampstudy.fit returns them; got a {wrong[0]}")
    heads = list(names) if names is not None else _names(fits)
    if len(set(heads)) != len(fits):
        raise UsageError(f"{len(fits)} fits need as many names, all different; got {', '.join(map(repr, heads))}")
    found = factors(dict(zip(heads, fits, strict=True)))
    if len(fits) == 1:
        found = found[[column for column in found.columns if column not in ("p", "Verdict")]]
    feet = [dict(_foot(each)) for each in fits]
    lines = list(dict.fromkeys(line for foot in feet for line in foot))
    cells = [["", *(foot.get(line, wording.DASH) for foot in feet)] for line in lines]
    index = pd.MultiIndex.from_tuples([(_FOOT, line) for line in lines], names=found.index.names)
    foot_rows = pd.DataFrame(cells, index=index, columns=found.columns, dtype=object)
    return PrintedTable.of(pd.concat([pd.DataFrame(found), foot_rows]), notes=found.notes)


def _names(fits: Sequence[Fit]) -> list[str]:
    """Return names by what differs between the fits, with a number where nothing does."""
    facts = [
        (
            wording.model(each.model),
            wording.outcome(str(first["outcome"])),
            str(first["cohort"]),
            wording.condition(str(first["population"])),
        )
        for each in fits
        for first in [each.estimates.iloc[0]]
    ]
    told = [i for i in range(4) if i == 0 or len({fact[i] for fact in facts}) > 1]
    plain = [", ".join(fact[i] for i in told) for fact in facts]
    return [f"{name} ({k})" if plain.count(name) > 1 else name for k, name in enumerate(plain, 1)]


def _foot(fitted: Fit) -> Iterator[tuple[str, str]]:
    rows = fitted.estimates
    people, events = rows["n_participants"].max(), rows["n_events"].max()
    if pd.notna(people):
        yield "Participants", wording.count(people)
    plural = fitted.account.plural.rpartition(" ")[2] if fitted.account else "rows"
    if plural != "participants":
        yield wording.capital(plural), wording.count(fitted.nobs)
    if pd.notna(events):
        yield "Events", wording.count(events)
    for row in wording.records(rows[rows["term"].eq("dispersion")]):
        yield "Dispersion", wording.estimate(row)
    if pd.notna(fitted.aic):
        yield "AIC", wording.number(fitted.aic, 1)
