"""Numbers beside a forest of points and intervals, in columns flush right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from crampstudy import look, wording
from crampstudy.arrays import Array
from crampstudy.figures import style

_SMALL = 7.0
_LETTER, _GAP = 3.6, 9.0
"""Points that a letter of small numbers takes, and between columns."""


def beside(
    axes: Axes,
    at: Sequence[float] | Array,
    columns: Mapping[str, Sequence[str]],
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Write columns of texts at heights of the axes, each under its heading, to the right of what is drawn.

    Those of a height are numbers of one of the ``rows``, where these are given.
    """
    own = [style.of_row(row) for row in rows] if rows else [{} for _ in at]
    right = 0.0
    for heading, texts in columns.items():
        right += _GAP + _LETTER * max(map(len, (heading, *texts)))
        for height, text, named in zip(at, texts, own, strict=True):
            _write(axes, text, (1.0, float(height)), ("axes fraction", "data"), right, **named)
        # Of this family alone: the one that helps out with characters has no such weight, which would be told.
        drawn = {"weight": 600, "family": look.SANS}
        _write(axes, heading, (1.0, 1.0), ("axes fraction", "axes fraction"), right, **drawn)


def counts(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of how many people and events stand behind each row, events where any row has some."""
    named = {"People": "n_participants", "Events": "n_events"}
    return {heading: [*map(wording.count, rows[name])] for heading, name in named.items() if rows[name].notna().any()}


def numbers(rows: pd.DataFrame, what: str) -> dict[str, list[str]]:
    """Return the column of ``what`` the rows estimate, with its interval; none of no rows."""
    if rows.empty:
        return {}
    return {f"{what} ({rows['ci_level'].iloc[0] * 100:g}% CI)": [*map(wording.estimate, wording.records(rows))]}


def _write(axes: Axes, text: str, at: tuple[float, float], of: tuple[str, str], right: float, **drawn: Any) -> None:
    axes.annotate(
        text,
        at,
        (right, 0),
        xycoords=of,
        textcoords="offset points",
        ha="right",
        va="center" if of[1] == "data" else "bottom",
        fontsize=_SMALL,
        annotation_clip=False,
        **drawn,
    )
