"""How fast relief comes: Kaplan-Meier curves of episodes by group, their medians and restricted means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import Account, lost_tables, unmet
from crampstudy.confidence import check_level
from crampstudy.descriptive.incidence import FEW_PARTICIPANTS
from crampstudy.descriptive.rates import ALL
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.common.outcome_parts import check_apart
from crampstudy.models.inference.covariance import Covariance, quantile
from crampstudy.models.terms.levels import check_group, no_group
from crampstudy.models.times.kaplan_meier import Curve, kaplan_meier, restricted_mean
from crampstudy.nights.event_times import Durations, Unrelieved, relief_times

Row = dict[str, Any]
_ROUND_TIMES = 6


@dataclass(frozen=True, slots=True)
class _Group:
    stop: Array
    event: NDArray[np.bool_]
    persons: NDArray[np.intp]

    @property
    def participants(self) -> int:
        return int(self.persons.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class ReliefOptions:
    """What is asked of the curves.

    Args:
        times: seconds at which a curve is wanted; by default those at which someone was relieved, and the last one.
        horizon: where the restricted mean ends; it is not_estimable for a group that was not followed so long.
        unrelieved: an episode of which the record says that relief had not come is censored, or left out.
        covariance: ``cluster`` (participants, G/(G-1)), ``cluster-hc0``, or ``model`` (Greenwood).
        ci_level: confidence level.

    Raises:
        UsageError: an option is none of what is allowed.
    """

    times: Sequence[float] | None = None
    horizon: float | None = None
    unrelieved: Unrelieved = "censor"
    covariance: Covariance = "cluster"
    ci_level: float = 0.95

    def __post_init__(self) -> None:
        check_level(self.ci_level)
        if self.covariance not in ("cluster", "cluster-hc0", "model"):
            raise UsageError(f"curves have no covariance {self.covariance}; allowed: cluster, cluster-hc0, model")
        if self.horizon is not None and not self.horizon > 0:
            raise UsageError(f"a horizon is a number of seconds above 0, got {self.horizon:g}")


def relief(
    cohort: Cohort,
    by: str = "remedy",
    bands: AgeBands | None = None,
    *,
    where: str | None = None,
    options: ReliefOptions | None = None,
) -> list[Row]:
    """Return estimates rows of the time from the remedy to relief, in seconds, by the levels of ``by``.

    For each level the share without relief at every time at which someone was relieved and at the last time observed;
    the median; with a horizon (s) the mean time without relief within it; and how many episodes are still at risk at
    round times. What counts as relieved or censored is said in
    :func:`crampstudy.nights.event_times.relief_times`.

    Args:
        cohort: a diary with episodes.
        by: a level or yes/no variable of the episodes, nights or participants, or ``age_band``.
        bands: age bands behind ``age_band``.
        where: condition that names a part of the episodes.
        options: what is asked of the curves.

    Raises:
        UsageError: an argument is none of what is allowed.

    Source: Kaplan and Meier 1958; intervals on the scale log(-log), those of the median by Brookmeyer and Crowley 1982.
    """
    options = options or ReliefOptions()
    found = relief_times(cohort, bands, unrelieved=options.unrelieved)
    frame = found.frame.filter(subpopulation.select(found.frame, where).inside)
    base: Row = {
        "cohort": cohort.name,
        "outcome": "relief",
        "estimand": "time from the remedy to relief as observed, by group",
        "model": "kaplan-meier",
        "ci_level": options.ci_level,
    }
    groups = _groups(frame, by)
    nobody = "" if groups or frame.is_empty() else f"no episode has a value of {by}"
    if nobody:
        groups = {ALL: _group(frame)}
    remarks = _account(cohort, found, by, where).remarks()
    rows: list[Row] = []
    for label, group in groups.items():
        cells = base | {"population": part_of(label, where)}
        notes = [
            nobody,
            *remarks,
            f"fewer than {FEW_PARTICIPANTS} participants" if group.participants < FEW_PARTICIPANTS else "",
        ]
        cells |= {
            "note": "; ".join(filter(None, notes)) or None,
            "n_participants": group.participants,
            "n_groups": group.participants,
            "n_events": int(group.event.sum()),
        }
        rows += _of_group(group, label, by, cells, options)
    asked = options.times if options.times is not None else [group.stop.max() for group in groups.values()]
    longest = max(map(float, asked), default=0.0)
    for label, group in groups.items():
        population = part_of(label, where)
        rows += _at_risk(group, longest, base | {"population": population})
    return rows


def relief_account(
    cohort: Cohort,
    by: str,
    bands: AgeBands | None = None,
    *,
    where: str | None = None,
    unrelieved: Unrelieved = "censor",
) -> Account:
    """Return what of the episodes :func:`relief` leaves out, and why.

    Args:
        cohort: a diary with episodes.
        by: the variable by whose levels relief is given.
        bands: age bands behind ``age_band``.
        where: condition that names a part of the episodes.
        unrelieved: what is done with an episode of which the record says that relief had not come.
    """
    return _account(cohort, relief_times(cohort, bands, unrelieved=unrelieved), by, where)


def _account(cohort: Cohort, found: Durations, by: str, where: str | None) -> Account:
    part = subpopulation.select(found.frame, where)
    frame = found.frame.filter(part.inside)
    left_out = (
        *found.without,
        *unmet(where, part, found.frame),
        # Where no episode has a value they are taken together.
        (f"without {by}", missing if (missing := frame[by].null_count()) < frame.height else 0),
    )
    tables = lost_tables(cohort.attrition.tables, "episodes")
    return Account("cramps", found.frame.height + found.left_out, left_out, tables)


def _of_group(
    group: _Group,
    label: str,
    by: str,
    cells: Row,
    options: ReliefOptions,
) -> list[Row]:
    horizon = options.horizon
    median = cells | {"analysis": kinds.MEDIAN_RELIEF.name, "term": by, "level": label, "scale": "median", "unit": "s"}
    mean = cells | {"analysis": kinds.MEAN_RELIEF.name, "term": by, "level": label, "scale": "restricted_mean"}
    mean |= {"unit": f"s within {horizon:g} s"} if horizon else {}
    alone = options.covariance != "model" and group.participants < 2
    # One participant's curve has no variance by participants, and is not shown.
    kind: Covariance = "model" if alone else options.covariance
    curve = kaplan_meier(group.stop, group.event, group.persons, kind=kind)
    rows = _curve(curve, options.times, cells)
    middle, low, high = curve.median(cells["ci_level"])
    if math.isnan(middle):
        note = _joined("half were not relieved while they were observed", cells["note"])
        rows.append(estimates.row(status="not_estimable", **median | {"note": note}))
    else:
        open_ = "no upper limit while they were observed" if math.isnan(high) else ""
        limits = {"estimate": middle, "ci_low": low, "ci_high": high, "df": curve.df}
        row = estimates.row(status="converged", **median | limits | {"note": _joined(open_, cells["note"])})
        if math.isnan(low) and math.isnan(high):
            # All were relieved at once.
            row = estimates.without_interval(row | {"note": cells["note"]}, "no spread, so no interval")
        rows.append(row)
    if horizon:
        within = restricted_mean(horizon, group.stop, group.event, group.persons, kind=kind)
        if math.isnan(within.estimate):
            note = _joined(f"nobody was observed for {horizon:g} s", cells["note"])
            rows.append(estimates.row(status="not_estimable", **mean | {"note": note}))
        else:
            half = quantile(cells["ci_level"], within.df) * within.std_error
            limits = {
                "estimate": within.estimate,
                "ci_low": within.estimate - half,
                "ci_high": within.estimate + half,
                "std_error": within.std_error,
                "df": within.df,
            }
            rows.append(estimates.row(status="converged", **mean | limits))
    return [estimates.withheld(row, estimates.ALONE) for row in rows] if group.participants == 1 else rows


def _curve(curve: Curve, times: Sequence[float] | None, cells: Row) -> list[Row]:
    low, high = curve.interval(cells["ci_level"])
    errors = curve.log_log_error()
    rows = []
    for at in np.union1d(curve.time, curve.last) if times is None else times:
        k = int(np.searchsorted(curve.time, at, side="right")) - 1
        found = cells | {"analysis": kinds.RELIEF_CURVE.name, "term": "relief_s", "level": f"{at:.10g}"}
        found |= {"scale": "survival", "unit": "proportion without relief"}
        gone = k == len(curve.time) - 1 and curve.survival[k] > 0 if k >= 0 else not len(curve.time)
        if at > curve.last and gone:
            note = _joined("nobody was observed so long", cells["note"])
            rows.append(estimates.row(status="not_estimable", **found | {"note": note}))
        elif k < 0 or curve.survival[k] <= 0:
            note = _joined(f"{'nobody' if k < 0 else 'everybody'} was relieved by then: no interval", cells["note"])
            rows.append(estimates.row(status="boundary", estimate=float(k < 0), **found | {"note": note}))
        else:
            limits = {"ci_low": low[k], "ci_high": high[k], "std_error": errors[k], "df": curve.df}
            rows.append(estimates.row(status="converged", estimate=curve.survival[k], **found | limits))
    return rows


def _at_risk(group: _Group, longest: float, cells: Row) -> list[Row]:
    cells |= {"analysis": kinds.AT_RISK.name, "term": "relief_s", "scale": "count", "unit": "episodes"}
    rows = []
    for at in _round_times(longest):
        here = group.stop >= at
        more = {"n_participants": len(np.unique(group.persons[here])), "n_events": int((group.event & ~here).sum())}
        rows.append(estimates.row(status="converged", estimate=float(here.sum()), **cells | more, level=f"{at:.10g}"))
    return rows


def _round_times(longest: float) -> list[float]:
    """Return some round times from 0 on, in seconds, up to the longest."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
    step = next((step for step in steps if longest / step < _ROUND_TIMES), steps[-1])
    return [float(at) for at in np.arange(0, longest + 1e-9, step)]


def _groups(frame: pl.DataFrame, by: str) -> Mapping[str, _Group]:
    check_group(by, frame)
    check_apart([by], "relief", "groups")
    if by not in frame.columns or frame[by].dtype not in (pl.Boolean, pl.String, pl.Enum):
        raise no_group("relief is given by age_band or a level or yes/no variable such as remedy", by, frame)
    known, dtype = codebook.find(by), frame[by].dtype
    present = frame[by].cast(pl.String).drop_nulls().unique().to_list()
    if isinstance(dtype, pl.Enum):
        order = dtype.categories.to_list()
    else:
        order = list(known.levels) if known and known.levels else sorted(present)
    groups = {}
    for level in (level for level in order if level in present):
        groups[level] = _group(frame.filter(pl.col(by).cast(pl.String) == level))
    return groups


def _group(rows: pl.DataFrame) -> _Group:
    return _Group(
        stop=rows["time"].to_numpy(),
        event=rows["event"].to_numpy(),
        persons=rows["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1,
    )


def _joined(reason: str, note: str | None) -> str | None:
    return "; ".join(filter(None, (reason, note))) or None
