"""How a report was made, as tables computed of its rows: what was estimated, by which models, adjusted for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.tables.reworded import reworded
from crampstudy.tables.table import as_table

_MADE = ("converged", "boundary")
_CLUSTERS, _RESAMPLED = "intervals with participants as clusters", "participants, or sampling units, resampled"
_INTERVALS: Mapping[str, str] = {
    "survey-": "design-based intervals, by linearisation, with the degrees of freedom of the sampling design",
    "person-mean": _CLUSTERS,
    "cluster-mean": f"{_CLUSTERS}, of shares on the logit scale",
    "kaplan-meier": f"{_CLUSTERS}, on the log-log scale",
    "mixed-": f"{_CLUSTERS}, by the delta method",
    "random effects, ": "intervals of Hartung and Knapp or of Wald, as each row says",
    "run-in, ": _CLUSTERS,
    "unseen ": _RESAMPLED,
    "a fifth of ": _RESAMPLED,
    "learned from ": _RESAMPLED,
    "participant bootstrap": "participants resampled",
    **dict.fromkeys(("between ", "implied by ", "counted in "), "variances of two cohorts added, Welch's t"),
    **dict.fromkeys(("gamma", "dobson", "log"), "of few events, cramps taken as independent"),
}
"""How the intervals of models come about that have no covariance to choose, by their name or how it begins."""


@as_table
def definitions(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what each kind of number in a report is, and how many there are, with and without an estimate."""
    made = estimates["status"].isin(_MADE)
    by_kind = estimates.assign(made=made).groupby("analysis", sort=False)["made"].agg(["size", "sum"])
    meanings = [_plain(kinds.named(name).meaning) for name in by_kind.index]
    frame = pd.DataFrame(
        {
            "Meaning": meanings,
            "Rows": by_kind["size"].map(wording.count).tolist(),
            "Without a number": (by_kind["size"] - by_kind["sum"]).map(wording.count).tolist(),
        }
    )
    frame.index = pd.Index([wording.capital(str(name)) for name in by_kind.index], name="Kind of estimate")
    return frame


def _plain(meaning: str) -> str:
    """Return the meaning of a kind for those who read no rows: its columns in words."""
    return meaning.replace("`", "").replace("_", " ")


@as_table
def models_used(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the models of a report: what they explain, with which intervals, and how many of their rows were made."""
    fitted = estimates[estimates["model"].notna()]
    lines = []
    for model, own in fitted.groupby("model", sort=False):
        used = filter(None, dict.fromkeys(of_rows(own, "covariance")))
        covariances = [reworded(f"covariance {each}") for each in used] or _intervals(str(model), own)
        outcomes = dict.fromkeys(wording.small(wording.outcome(str(name))) for name in own["outcome"].dropna())
        lost = int((~own["status"].isin(_MADE)).sum())
        lines.append((str(model), wording.listed(outcomes), "; ".join(covariances) or wording.DASH, len(own), lost))
    frame = pd.DataFrame(lines, columns=["Model", "Of", "Intervals", "Rows", "Without a number"])
    return frame.assign(Model=frame["Model"].map(wording.model)).set_index("Model")


def _intervals(model: str, rows: pd.DataFrame) -> list[str]:
    """Return how the intervals of the rows of a model come about where no row names a covariance, if there are any."""
    if rows["ci_low"].isna().all():
        return []
    begins = {name: said for name, said in _INTERVALS.items() if name.endswith(("-", " "))}
    return [said for name, said in begins.items() if model.startswith(name)][:1] or [_INTERVALS.get(model, "")]


@as_table
def software(versions: Mapping[str, str]) -> pd.DataFrame:
    """Return the software that a report was made with, by name, and its versions."""
    return pd.DataFrame({"Version": list(versions.values())}, index=pd.Index(list(versions), name="Software"))


@as_table
def strobe(items: Sequence[tuple[str, str, str, bool]]) -> pd.DataFrame:
    """Return a checklist: number, topic, what the report says of it, and whether it is a gap for the authors."""
    return pd.DataFrame(
        {
            "Topic": [topic for _, topic, _, _ in items],
            "In this report": [said for *_, said, _ in items],
            "Status": ["reported" if done else "GAP" for *_, done in items],
        },
        index=pd.Index([number for number, *_ in items], name="Item"),
    )
