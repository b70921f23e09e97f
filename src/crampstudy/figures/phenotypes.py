"""What groups of people are like beside all, as a heat map; and the calendars of single participants."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from crampstudy import look, tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.results import of_result
from crampstudy.figures import style
from crampstudy.figures.message import could_not_estimate
from crampstudy.tables.sections.phenotypes import TRAITS, profile_cell

_FURTHEST = 2.0
"""Standard deviations at which the colours end."""
_ROW, _LEAST, _MOST = 0.09, 2.0, 200.0
"""Height of a participant's calendar, and of all of them, in inches."""
_COLOURS = ("#E3E3E3", "#FFFFFF", "#9CC9E6", "#0072B2", "#003A5C")
_NIGHTS = ("not logged", "no cramp", "1 cramp", "2 cramps", "3 or more")


@of_result
def group_profiles(estimates: pd.DataFrame) -> Figure:
    """Draw the traits of each group, coloured by how far they are from those of all; where there is none, say why."""
    standing = kinds.GROUP_STANDING.rows(estimates)
    if standing.empty:
        return could_not_estimate(tables.reasons(kinds.CLEAR_GROUPS.rows(estimates)) or "there are no clear groups")
    import seaborn as sns

    profiles = {(row["term"], row["level"]): row for row in wording.records(kinds.GROUP_PROFILE.rows(estimates))}
    sizes = {row["term"]: row["n_participants"] for row in wording.records(kinds.GROUP_SHARE.rows(estimates))}
    groups = list(dict.fromkeys(standing["term"]))
    names = [name for name in TRAITS if name in set(standing["level"])]
    apart = standing.pivot_table(index="level", columns="term", values="estimate").loc[names, groups]
    cells = [[profile_cell(profiles[group, name]).partition(" (")[0] for group in groups] for name in names]
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 0.8 + 0.36 * len(names)))
        axes = figure.subplots()
        sns.heatmap(
            apart.to_numpy(dtype=float),
            vmin=-_FURTHEST,
            vmax=_FURTHEST,
            cmap="vlag",
            annot=np.array(cells),
            fmt="",
            linewidths=1.5,
            cbar_kws={"label": "SD from the mean of all", "ticks": [-2, -1, 0, 1, 2]},
            ax=axes,
        )
        for cell in axes.texts:
            cell.set_color(look.ON_DARK if cell.get_color() == "w" else look.ON_LIGHT)
        axes.set_xticklabels([f"{wording.capital(str(name))}\nn = {wording.count(sizes[name])}" for name in groups])
        axes.set_yticklabels([TRAITS[name] for name in names], rotation=0)
        axes.tick_params(length=0)
        axes.set(xlabel="", ylabel="")
    return figure


def calendars(nights: pd.DataFrame) -> Figure:
    """Draw a row of nights for each participant, group by group: sensitive, for it shows single people.

    Args:
        nights: a row a night with ``participant_id``, ``group``, ``night`` (from 0) and ``cramps``, missing where not
            logged; drawn in the order of the rows.
    """
    people = list(dict.fromkeys(zip(nights["group"], nights["participant_id"], strict=True)))
    place = {who: i for i, (_, who) in enumerate(people)}
    shown = np.zeros((len(people), int(nights["night"].max()) + 1))
    counts = nights["cramps"].to_numpy(dtype=float)
    code = np.where(np.isnan(counts), 0.0, 1 + np.clip(np.nan_to_num(counts), 0, len(_NIGHTS) - 2))
    shown[[place[who] for who in nights["participant_id"]], nights["night"].to_numpy(dtype=int)] = code
    with style.journal():
        height = float(np.clip(_ROW * len(people), _LEAST, _MOST))
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, height + 0.7))
        axes = figure.subplots()
        norm = BoundaryNorm(np.arange(-0.5, len(_NIGHTS)), len(_NIGHTS))
        axes.pcolormesh(shown, cmap=ListedColormap(_COLOURS), norm=norm)
        axes.invert_yaxis()
        starts = [i for i, (group, _) in enumerate(people) if not i or people[i - 1][0] != group]
        for start in starts[1:]:
            axes.axhline(start, color=look.PALETTE[1], linewidth=1.0)
        axes.set_yticks([start + 0.5 for start in starts], [str(people[start][0]) for start in starts], va="top")
        axes.set(xlabel="Night of the diary")
        looks = [
            Patch(facecolor=colour, edgecolor=look.RULE, label=name)
            for colour, name in zip(_COLOURS, _NIGHTS, strict=True)
        ]
        figure.legend(handles=looks, loc="outside upper right", ncols=len(looks))
    return figure
