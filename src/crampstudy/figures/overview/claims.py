"""The ledger of the article's claims as a grid: what the cohort says beside what was published."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from crampstudy import look, wording
from crampstudy.claims import Claim, find, published, rules
from crampstudy.claims.published import NONE_FOUND
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate

_LOOKS: Mapping[str, tuple[str, str, str]] = {
    rules.SUPPORTED: (look.PALETTE[0], "white", "+"),
    rules.NEGLIGIBLE: ("#9CC7E4", look.ON_LIGHT, "(+)"),
    rules.INCONCLUSIVE: ("#D9D9D9", look.ON_LIGHT, "?"),
    rules.CONTRADICTED: (look.PALETTE[1], "white", "−"),
    rules.STATED: ("#F2F2F2", look.ON_LIGHT, "i"),
    rules.NOT_TESTABLE: ("white", look.RULE, ""),
    NONE_FOUND: ("white", look.RULE, ""),
}
"""Colour, that of the sign, and the sign, which also tells them apart in grey."""
_ROW, _TILE, _STEP = 0.36, 0.4, 1.0
_LABELS = 2.9
"""Where the claims begin, in steps of a claim."""
_COLUMNS = (0.0, 3.1, 6.3)
"""Where those of the legend begin."""


@of_result
def claims(estimates: pd.DataFrame) -> Figure:
    """Draw each claim as two tiles, the cohort's verdict and that of what was published, by the article's sections."""
    rows = kinds.CLAIM.rows(estimates)
    if rows.empty:
        return could_not_estimate("there is no claim")
    by_section: dict[str, list[tuple[Claim, str]]] = {}
    for number, verdict in zip(rows["term"], rows["verdict"], strict=True):
        claim = find(str(number))
        by_section.setdefault(claim.section, []).append((claim, str(verdict)))
    most = max(len(entries) for entries in by_section.values())
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.95 + _ROW * len(by_section)))
        axes = figure.subplots()
        axes.axis("off")
        for at, (section, entries) in enumerate(by_section.items()):
            axes.text(_LABELS - 0.15, at, section, ha="right", va="center")
            for place, (claim, verdict) in enumerate(entries):
                _draw(axes, _LABELS + place * _STEP, at, claim, verdict)
        _legend(axes, len(by_section))
        axes.set_xlim(0, _LABELS + most * _STEP)
        axes.set_ylim(len(by_section) + 1.4, -0.6)
    return figure


def _draw(axes: Axes, left: float, at: float, claim: Claim, verdict: str) -> None:
    axes.text(left + _TILE, at - 0.33, claim.claim, ha="center", va="center", fontsize=6.2, color=look.INK)
    _tile(axes, left, at, verdict)
    _tile(axes, left + _TILE, at, published(claim).verdict)


def _tile(axes: Axes, left: float, at: float, verdict: str) -> None:
    colour, ink, sign = _LOOKS[verdict]
    axes.add_patch(
        Rectangle((left, at - 0.18), _TILE - 0.02, 0.46, facecolor=colour, edgecolor=look.RULE, linewidth=0.4)
    )
    axes.text(left + _TILE / 2 - 0.01, at + 0.05, sign, ha="center", va="center", fontsize=8, color=ink)


def _legend(axes: Axes, below: int) -> None:
    """Say below the grid what the tiles mean."""
    axes.text(0, below - 0.2, "Left tile: this cohort. Right tile: what was published.", va="center", fontsize=7)
    names = {name: name for name in rules.VERDICTS} | {rules.NOT_TESTABLE: "not testable here, none found"}
    for place, (verdict, name) in enumerate(names.items()):
        line, column = divmod(place, 3)
        _tile(axes, _COLUMNS[column], below + 0.4 + 0.65 * line, verdict)
        words = wording.capital(name)
        axes.text(_COLUMNS[column] + _TILE + 0.08, below + 0.45 + 0.65 * line, words, va="center", fontsize=7)
