"""One page that shows simulated cohorts beside what is published about real ones.

``python -m crampstudy.figures.simulated docs/simulation.png`` draws it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from crampstudy import look
from crampstudy.codebook import recalled
from crampstudy.figures import style
from crampstudy.simulate.calendar import JULY_PEAK
from crampstudy.simulate.calibration import cards, published_classes
from crampstudy.simulate.calibration.summary_statistics import AFTER, ENTRY, CohortArrays
from crampstudy.simulate.scenario import presets

_PUBLISHED = look.INK
_MONTHS = "JFMAMJJASOND"
_SHOWN = 40


def page(community: CohortArrays, recruited: CohortArrays, everyday: CohortArrays) -> Figure:
    """Draw rates, classes, a calendar, season, adherence and duration.

    ``community``, ``recruited`` and ``everyday`` are the presets ``community``, ``recruited`` and ``default``.
    """
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 8.4))
        axes = figure.subplots(3, 2)
        _rates(axes[0, 0], recruited)
        _classes(axes[0, 1], community)
        _calendar(axes[1, 0], everyday)
        _season(axes[1, 1], everyday)
        _adherence(axes[2, 0], everyday)
        _duration(axes[2, 1], everyday)
        for letter, panel in zip("abcdef", axes.flat, strict=True):
            panel.set_title(f"{letter}  {panel.get_title(loc='left')}", loc="left")
    return figure


def _rates(axes: Axes, arrays: CohortArrays) -> None:
    edges = np.arange(0, 31)
    windows = {"At entry": arrays.counts[:, :ENTRY], "Four weeks after": arrays.counts[:, ENTRY : ENTRY + AFTER]}
    for colour, (label, counts) in zip(look.PALETTE, windows.items(), strict=False):
        weekly = counts.mean(axis=1) * 7
        label = f"{label}, mean {weekly.mean():.1f}"
        _histogram(axes, np.minimum(weekly, 29.9), edges, color=colour, fill=False, linewidth=1.3, label=label)
    top = axes.get_ylim()[1]
    for at, (mean, sd) in enumerate(((7.84, 5.68), (8.51, 5.20))):
        axes.errorbar(mean, top * (1.06 + 0.06 * at), xerr=sd, fmt="o", color=_PUBLISHED, markersize=3.5, linewidth=1)
    axes.text(14.6, top * 1.09, "published arms at entry,\nmean and SD", va="center", fontsize=7)
    axes.set_ylim(0, top * 1.22)
    axes.set(title="Rates of recruited persons", xlabel="Cramps per week", ylabel="Persons (%)", xlim=(0, 30))
    axes.legend(loc="center right", fontsize=7)


def _histogram(axes: Axes, values: NDArray[np.float64], edges: NDArray[np.int_], **drawn: Any) -> None:
    import seaborn as sns

    sns.histplot(x=values, bins=edges.tolist(), stat="percent", element="step", ax=axes, **drawn)


def _classes(axes: Axes, arrays: CohortArrays) -> None:
    shares = published_classes.published_shares()
    at = np.arange(len(shares))
    found = np.searchsorted(recalled.LOWS, arrays.counts[:, : recalled.NIGHTS].sum(axis=1), side="right") - 1
    ages = arrays.people["age_years"].to_numpy()
    lows = [int(s.band.rstrip("+").split("-")[0]) for s in shares]
    band = np.searchsorted(lows, ages, side="right") - 1
    for k in range(1, len(recalled.LOWS)):
        colour = look.PALETTE[k - 1]
        simulated = [100 * float((found[band == i] == k).mean()) for i in at]
        axes.plot(at, simulated, color=colour, label=recalled.LABELS[k].replace("-", "–"))
        value, error = (np.array([getattr(s, name)[k] for s in shares]) * 100 for name in ("share", "std_error"))
        axes.errorbar(at + 0.06 * (k - 2.5), value, 1.96 * error, fmt="o", color=colour, markersize=3, linewidth=0.9)
    axes.set_yscale("log")
    axes.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_ylim(0.35, 33)
    axes.set_xticks(at, [s.band.replace("-", "–") for s in shares])
    axes.set(title="Cramps in 30 nights", xlabel="Age (years)", ylabel="Persons (%)")
    axes.legend(loc="lower right", ncols=4, title="line simulated, point published", columnspacing=1, handlelength=1.2)


def _calendar(axes: Axes, arrays: CohortArrays) -> None:
    import seaborn as sns

    some = np.argsort(-arrays.counts.mean(axis=1), kind="stable")
    some = np.sort(some[np.linspace(len(some) // 100, len(some) * 3 // 4, _SHOWN, dtype=np.int64)])
    some = some[np.argsort(-arrays.counts[some].mean(axis=1), kind="stable")]
    shown = np.where(arrays.logged[some], np.minimum(arrays.counts[some], 3), -1)
    colours = ListedColormap(["#DDDDDD", "#FFFFFF", "#9CC9E8", "#3E8FC4", "#08406B"])
    sns.heatmap(shown, vmin=-1.5, vmax=3.5, cmap=colours, cbar=False, rasterized=True, ax=axes)
    nights, persons = np.arange(0, shown.shape[1] + 1, 20)[1:], np.arange(0, len(shown) + 1, 10)[1:]
    # Cells of a heat map are counted from 0 and have their middle at a half.
    axes.set_xticks(nights - 0.5, [str(night) for night in nights], rotation=0)
    axes.set_yticks(persons - 0.5, [str(person) for person in persons], rotation=0)
    axes.set(title=f"Diaries of {_SHOWN} persons", xlabel="Night", ylabel="Person, by rate")
    names = ("no entry", "0", "1", "2", "3 or more")
    handles = [
        Patch(facecolor=colours(i), edgecolor=look.RULE, linewidth=0.4, label=name) for i, name in enumerate(names)
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=5, fontsize=7, columnspacing=0.9)


def _season(axes: Axes, arrays: CohortArrays) -> None:
    month = arrays.date.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    cell = (np.arange(len(month))[:, None] % 20) * 12 + month
    sums = np.stack([np.bincount(cell.ravel(), w, 240).reshape(20, 12) for w in (arrays.counts.ravel(), None)], 2)
    rate = sums[..., 0].sum(axis=0) / sums[..., 1].sum(axis=0)
    left = sums.sum(axis=0)[None] - sums
    parts = left[..., 0] / left[..., 1]
    overall = sums[..., 0].sum() / sums[..., 1].sum()
    error = np.sqrt(19 / 20 * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
    day = np.linspace(1, 365, 200)
    wave = 1 + np.cos(2 * np.pi * (day - JULY_PEAK) / 365.25) / 3
    axes.plot((day - 1) / 365 * 12 + 0.5, wave, color=_PUBLISHED, linewidth=1, label="published: amplitude 1/3")
    axes.errorbar(
        np.arange(12) + 1, rate / overall, 1.96 * error / overall, fmt="o", color=look.PALETTE[0], label="simulated"
    )
    axes.set_xticks(np.arange(12) + 1, list(_MONTHS))
    axes.set_ylim(0.5, 1.7)
    axes.set(title="Season", xlabel="Month", ylabel="Rate over its mean")
    axes.legend(loc="upper left")


def _adherence(axes: Axes, arrays: CohortArrays) -> None:
    share = 100 * arrays.logged.mean(axis=1)
    edges = np.arange(0, 105, 5)
    _histogram(axes, np.minimum(share, 99.9), edges, color=look.PALETTE[5], alpha=0.6)
    top = axes.get_ylim()[1]
    axes.errorbar(70, top * 1.06, xerr=[[31], [27]], fmt="o", color=_PUBLISHED, markersize=3.5, linewidth=1)
    axes.text(36, top * 1.06, "internet diary,\nmedian, range", ha="right", va="center", fontsize=7)
    axes.plot(94, top * 1.18, "D", color=_PUBLISHED, markersize=3.5)
    axes.text(91, top * 1.18, "time-stamped diary", ha="right", va="center", fontsize=7)
    axes.axvline(float(share.mean()), ymax=0.78, color=look.PALETTE[0])
    axes.text(float(share.mean()) - 1, top * 0.9, f"mean {share.mean():.0f}", ha="right", color=look.PALETTE[0])
    axes.set_ylim(0, top * 1.28)
    axes.set(title="Nights logged by each person", xlabel="Nights logged (%)", ylabel="Persons (%)", xlim=(0, 100))


def _duration(axes: Axes, arrays: CohortArrays) -> None:
    minutes = arrays.clean.frame("episodes")["duration_s"].to_numpy() / 60
    edges = np.arange(0, 41)
    _histogram(axes, np.minimum(minutes, 39.9), edges, color=look.PALETTE[5], alpha=0.6)
    top = axes.get_ylim()[1]
    axes.axvline(float(minutes.mean()), ymax=0.84, color=look.PALETTE[0], label=f"simulated mean {minutes.mean():.1f}")
    axes.errorbar(9, top * 1.06, xerr=[[2.3], [2.2]], fmt="o", color=_PUBLISHED, markersize=3.5, linewidth=1)
    axes.text(12.2, top * 1.06, "published mean, 95 % CI", va="center", fontsize=7)
    axes.set_ylim(0, top * 1.16)
    axes.set(title="Duration of cramps", xlabel="Minutes (40: or longer)", ylabel="Cramps (%)", xlim=(0, 40))
    axes.legend(loc="center right")


def draw(seed: int = cards.SEED) -> Figure:
    """Draw the page from the presets themselves."""
    sizes = {"community": 20_000, "recruited": 6_000, "default": 5_000}
    return page(*(cards.draw_arrays(presets.preset(name), n, seed) for name, n in sizes.items()))


if __name__ == "__main__":
    draw().savefig(Path(sys.argv[1]), dpi=150, metadata={"Software": None})
