"""What is known of each treatment, in whom, and how surely; and where that speaks against the article."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.estimates.results import Rows, rows_of
from crampstudy.evidence.package import agents as known_agents
from crampstudy.evidence.pools import NOBODY
from crampstudy.evidence.random_effects import ERRORS
from crampstudy.tables.table import as_table

_FEW = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}
_WHOM = {"idiopathic": "idiopathic cramps", "on quinine": "people on quinine"}


def in_whom(population: str) -> str:
    """Return a population as it stands after the word in."""
    first, against, rest = population.partition(" against ")
    return f"{_WHOM.get(first, first)}{against}{rest}"


@as_table
def agents(estimates: Rows) -> pd.DataFrame:
    """Return what is known of each treatment in each population: trials, difference, latest pool, how sure."""
    rows = rows_of(estimates)
    made, index = [], []
    for (agent, population), own in rows.groupby(["term", "population"], sort=False):
        found = _found(own)
        whom = "" if population == NOBODY else f", {population}"
        index.append(f"{wording.capital(wording.term(str(agent)))}{whom}")
        made.append(
            {
                "Trials": wording.count(_trials(own)),
                "Difference, cramps a week": wording.estimate(found) if found else wording.DASH,
                "Published pool": _published(own),
                "How sure": _how_sure(own, found),
            }
        )
    return pd.DataFrame(made, index=pd.Index(index, name="Treatment, in whom"))


def against_article(agent: str, estimates: Rows) -> list[str]:
    """Return what the evidence says of what the article claims for a treatment, in sentences."""
    rows, said = rows_of(estimates), known_agents()[agent]
    if "article_says" not in said:
        return []
    claim = f"The article says that {wording.small(said['article_says'])}."
    answers = [text for _, own in rows.groupby("population", sort=False) if (text := _answer(own))]
    rest = [f"{said[name]}." for name in ("known", "against") if name in said]
    return [" ".join([claim, *answers, *rest])]


def _answer(own: pd.DataFrame) -> str:
    found = _found(own)
    if found is None:
        return ""
    k = int(found["n_groups"]) if pd.notna(found["n_groups"]) else 1
    of = f"{_FEW.get(k, k)} trials" if k > 1 else "One trial"
    number = f"{wording.estimate(found)} cramps a week against {found['reference']}"
    shown = {"lower": "shows it", "higher": "says the contrary"}.get(str(found["verdict"]), "does not show it")
    if k > 1:
        shown = shown.replace("shows", "show").replace("says", "say").replace("does", "do")
    text = f"{of} in {in_whom(found['population'])} {shown}: {number}."
    pools = kinds.PUBLISHED_POOL.rows(own)
    pools = pools[pools["estimate"].notna()]
    if k > 1 and len(pools) and str(found["verdict"]) == "inconclusive":
        latest = wording.records(pools)[0]
        text += f" {latest['level']}: {wording.estimate(latest)}."
    return text


def _found(own: pd.DataFrame) -> dict[str, Any] | None:
    """Return the row of the primary pool, or of the only trial that has a number."""
    pooled = kinds.POOLED.rows(own)
    pooled = pooled[pooled["estimate"].notna() & pooled["level"].eq(ERRORS[0])]
    if len(pooled):
        return wording.records(pooled)[0]
    single = kinds.TRIAL.rows(own)
    single = single[single["estimate"].notna() & ~_left_out(single)]
    return wording.records(single)[0] if len(single) else None


def _trials(own: pd.DataFrame) -> int:
    """Return how many trials there are: one of which there are two rows counts once."""
    rows = kinds.TRIAL.rows(own)
    of = of_rows(rows, "trial")
    return int(of.where(of.ne(""), rows["level"]).nunique())


def intervals(rows: pd.DataFrame) -> list[str]:
    """Return of which trials among rows the interval is not the published one, what it follows from, and why."""
    own = kinds.TRIAL.rows(rows)
    own = own[own["estimate"].notna() & ~_left_out(own)]
    by_source: dict[str, list[str]] = {}
    aside = []
    for row in wording.records(own):
        # Two trials by P values are told together, each with its own numbers in its note.
        how = fact(row, "interval").partition(" = ")[0]
        if how:
            by_source.setdefault(_SOURCES.get(how, how), []).append(str(row["level"]))
        if published := fact(row, "published interval"):
            aside.append(f"{row['level']} published {published}")
    made = [f"{wording.listed(names)} ({how})" for how, names in by_source.items()]
    return [*([f"intervals computed here, and not taken as published: {'; '.join(made)}"] if made else []), *aside]


_SOURCES = {"from P": "from the P value"}


def single_trials(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of trials whose own numbers :func:`agents` shows, as nothing is pooled with them."""
    found = (_found(own) for _, own in rows.groupby(["term", "population"], sort=False))
    shown = [row["key"] for row in found if row is not None and row["analysis"] == kinds.TRIAL.name]
    return rows[rows["key"].isin(shown)]


def _left_out(rows: pd.DataFrame) -> pd.Series[bool]:
    return of_rows(rows, "left out").ne("")


def _published(own: pd.DataFrame) -> str:
    pools = kinds.PUBLISHED_POOL.rows(own)
    latest = wording.records(pools[pools["estimate"].notna()])[:1]
    return f"{latest[0]['level']}: {wording.estimate(latest[0])}" if latest else wording.DASH


def _how_sure(own: pd.DataFrame, found: Mapping[str, Any] | None) -> str:
    """Return how sure the evidence is: how many trials, what the interval says, and grades of whoever gave them."""
    parts = [_number_of(own, found, _trials(own)), *_grades(own)]
    return "; ".join(filter(None, parts))


def _number_of(own: pd.DataFrame, found: Mapping[str, Any] | None, trials: int) -> str:
    if found is None:
        if trials:
            return "no trial with a number that can be pooled"
        return "published pools alone" if len(kinds.PUBLISHED_POOL.rows(own)) else "no trial with verified figures"
    if found["analysis"] == kinds.POOLED.name:
        return f"{int(found['n_groups'])} trials pooled, {found['verdict']}"
    judged = fact(found, "risk of bias")
    return f"one trial{f', risk of bias {judged}' if judged else ''}, {found['verdict']}"


def _grades(own: pd.DataFrame) -> Iterator[str]:
    yield from (f"certainty {each}" for each in of_rows(own, "certainty") if each)
